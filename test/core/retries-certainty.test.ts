import assert from 'node:assert/strict';
import { raw } from 'mysql2';
import type { Scope } from '#core/scope.js';
import type { Transaction } from '#core/transaction.js';
import { failing, started, WORK, work } from './conflicts.js';
import type { FakeConnection } from './fake-connection.js';
import { serverError } from './fake-server.js';
import { track } from './fixture.js';

describe('transaction(fn, { retries }) is run again', () => {
  describe('after a COMMIT that was', () => {
    it('refused with 1213 (a cluster’s certification): run again', async () => {
      const { test, db } = started();
      failing(test, [1213], 'COMMIT');
      const done = track(db.transaction(work, { retries: 1 }));
      await test.clock.advance(100);
      assert.equal(done.state, 'fulfilled');
      assert.deepEqual(test.connection().session.committed, [WORK]);
    });

    it('refused with anything else, or unanswered: not run again', async () => {
      for (const [error, code] of [
        [serverError(1205), undefined],
        [serverError(1180), undefined],
        [serverError(1213, { fatal: true }), 'OUTCOME_UNKNOWN'],
      ] as const) {
        const { test, db } = started();
        failing(test, [error], 'COMMIT');
        const done = track(db.transaction(work, { retries: 3 }));
        await test.clock.advance(5_000);
        assert.equal(done.error.code, code);
        assert.equal(test.stats().retriedTransactions, 0);
      }
    });
  });

  describe('only if it was certainly rolled back', () => {
    it('not when the ROLLBACK is refused, or its connection is lost', async () => {
      const lost = (connection: FakeConnection) => connection.lose();
      const refused = (connection: FakeConnection) => connection.answer(serverError(1290));
      for (const end of [lost, refused]) {
        const { test, db } = started();
        failing(test, [1213]);
        const { reply } = test.driver;
        test.driver.reply = (sql, connection) => (sql === 'ROLLBACK' ? 'hang' : reply(sql, connection));
        const done = track(db.transaction(work, { retries: 3 }));
        await test.clock.settle();
        end(test.connection());
        await test.clock.advance(5_000);
        assert.equal(done.error.message, 'server error 1213');
        assert.equal(test.stats().retriedTransactions, 0);
      }
    });

    it('not after a lost connection: only those two errors are retried', async () => {
      const { test, db } = started();
      test.driver.reply = (sql) => (sql === WORK ? 'hang' : undefined);
      const done = track(db.transaction(work, { retries: 3 }));
      await test.clock.settle();
      test.connection().lose();
      await test.clock.advance(5_000);
      assert.equal(done.code, 'PROTOCOL_CONNECTION_LOST');
      assert.equal(test.driver.connections.length, 1);
    });

    const committing: Record<string, (db: Scope, tx: Transaction) => Promise<unknown>> = {
      'a statement that commits, and a BEGIN behind it': async (db) => {
        await db.query('CREATE TABLE t (a INT)');
        await db.query('BEGIN');
      },
      'COMMIT AND CHAIN': (db) => db.query('COMMIT AND CHAIN'),
      'several statements in one': (_db, tx) => tx.query('SELECT 1; COMMIT; BEGIN'),
      'SQL in a value': (_db, tx) => tx.query('UPDATE t SET a = ?', [raw('1; COMMIT; BEGIN')]),
      'a COMMIT that failed, who knows how,': (db) => db.query('COMMIT').catch(() => undefined),
      'a procedure': (_db, tx) => tx.query('CALL pay()'),
      'the raw connection': (db) => db.connection(),
    };
    for (const [what, commit] of Object.entries(committing)) {
      it(`not when ${what} may have committed in between`, async () => {
        const { test, db } = started();
        const [deadlock] = failing(test, [1213]);
        const { reply } = test.driver;
        // On the fake server these would leave the transaction; in truth another one is open then.
        test.driver.reply = (sql, connection) => {
          if (sql === 'COMMIT') return serverError(1180);
          return /CHAIN|;|CALL/.test(sql) ? { result: connection.session.ok } : reply(sql, connection);
        };
        const done = track(
          db.transaction(
            async (tx) => {
              await commit(db, tx);
              await db.query(WORK);
            },
            { retries: 3 },
          ),
        );
        await test.clock.advance(5_000);
        assert.equal(done.error, deadlock);
        assert.equal(test.stats().retriedTransactions, 0);
      });
    }

    for (const commit of ['BEGIN', 'CREATE TABLE t (a INT)']) {
      for (const errno of [1213, 1205]) {
        it(`without autocommit: not when ${commit} has begun another one before, or after, ${errno}`, async () => {
          const { test, db } = started();
          await db.query('SET autocommit = 0');
          const [conflict] = failing(test, [errno]);
          const done = track(
            db.transaction(
              async () => {
                const early = errno === 1205 ? await db.query(WORK).catch((error) => error) : undefined;
                await db.query(commit);
                await db.query('UPDATE t SET a = 1');
                if (early) throw early;
                await db.query(WORK);
              },
              { retries: 3 },
            ),
          );
          await test.clock.advance(5_000);
          assert.equal(done.error, conflict);
          assert.equal(test.stats().retriedTransactions, 0);
        });
      }
    }

    it('DDL has committed before it fails: with a lock wait or a deadlock as well, that is unknown, not rolled back', async () => {
      for (const errno of [1205, 1213]) {
        const { test, db } = started();
        const ddl = 'ALTER TABLE t ADD b INT';
        test.driver.reply = (sql, connection) => {
          if (sql !== ddl) return undefined;
          connection.session.answer(ddl);
          return serverError(errno);
        };
        const done = track(
          db.transaction(
            async (tx) => {
              await work(tx);
              await tx.query(ddl);
            },
            { retries: 3 },
          ),
        );
        await test.clock.advance(5_000);
        assert.equal(done.code, 'OUTCOME_UNKNOWN');
        assert.deepEqual(test.connection().session.committed, [WORK]);
      }
    });
  });
});
