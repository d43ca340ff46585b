import { strict as assert } from 'node:assert';
import { databaseUrl, withBank } from '@handback/contract/support/database.js';
import { eventually } from '@handback/contract/support/eventually.js';
import { type ConnectionPool, createPool, type Lease, type Transaction } from '@handback/core';
import type { RowDataPacket } from 'mysql2';

type Failure = Error & { code?: string };

const outcome = (promise: Promise<unknown>): Promise<string | undefined> =>
  promise.then(
    () => 'done',
    (error: Failure) => error.code,
  );

/** Somebody else who wants the rows the other way round, and has done more work: the other one is the victim. */
async function rival(
  pool: ConnectionPool,
  table: string,
): Promise<{ lease: Lease; strike(): Promise<unknown> }> {
  const lease = await pool.acquire();
  await lease.beginTransaction();
  await lease.query(`INSERT INTO ${table} SELECT seq + 100, 0 FROM seq_1_to_500`);
  await lease.query(`UPDATE ${table} SET balance = balance + 0 WHERE id = 1`);
  return { lease, strike: () => lease.query(`UPDATE ${table} SET balance = balance + 0 WHERE id = 2`) };
}

describe('a transfer is never done by half without a word', () => {
  let pool: ConnectionPool;

  before(() => {
    pool = createPool({ uri: databaseUrl(), max: 4 });
    pool.events.on('warning', () => {});
  });

  after(() => pool.close());

  for (const [name, both] of [
    [
      'one after the other',
      async (tx: Transaction, add: string) => {
        await tx.query(add, [-100, 1]);
        await tx.query(add, [100, 2]);
      },
    ],
    [
      'side by side',
      (tx: Transaction, add: string) => Promise.all([tx.query(add, [-100, 1]), tx.query(add, [100, 2])]),
    ],
  ] as const) {
    it(`a deadlock takes all of transaction(fn), its statements ${name}`, () =>
      withBank(async ({ table, add, balance }) => {
        const other = await rival(pool, table);
        const work = outcome(
          pool.transaction(async (tx) => {
            await tx.query(`UPDATE ${table} SET balance = balance + 0 WHERE id = 2`);
            const halves = both(tx, add);
            await eventually(() => assert.ok(pool.holders().length >= 2));
            const struck = other.strike();
            await halves.finally(() => struck);
          }),
        );
        assert.match(String(await work), /ER_LOCK_DEADLOCK|TRANSACTION_ROLLED_BACK/);
        await other.lease.rollback();
        other.lease.release();
        assert.deepEqual([await balance(1), await balance(2)], [1000, 1000]);
      }));
  }

  it('after a deadlock that a handler swallowed, nothing more is done until rollback()', () =>
    withBank(async ({ table, add, balance }) => {
      const other = await rival(pool, table);
      await pool.run(async (db) => {
        await db.beginTransaction();
        await db.query(`UPDATE ${table} SET balance = balance + 0 WHERE id = 2`);
        const half = outcome(db.query(add, [-100, 1]));
        await Promise.all([half, other.strike()]);
        assert.equal(await half, 'ER_LOCK_DEADLOCK');
        assert.equal(await outcome(db.query(add, [100, 2])), 'TRANSACTION_ROLLED_BACK');
        assert.equal(await outcome(db.commit()), 'TRANSACTION_ROLLED_BACK');
        await db.rollback();
        await other.lease.rollback();
        await db.query('SELECT 1');
      });
      other.lease.release();
      assert.deepEqual([await balance(1), await balance(2)], [1000, 1000]);
    }));

  it('what waits behind a statement that is killed, COMMIT included, is not sent', () =>
    withBank(async ({ add, balance, table }) => {
      const blocker = await pool.acquire();
      await blocker.beginTransaction();
      await blocker.query(`SELECT * FROM ${table} WHERE id = 1 FOR UPDATE`);
      const impatient = createPool({ uri: databaseUrl(), max: 1, drainTimeoutMs: 50 });
      impatient.events.on('warning', () => {});
      let all: Promise<(string | undefined)[]> | undefined;
      await impatient.run(async (db) => {
        await db.beginTransaction();
        all = Promise.all([db.query(add, [-100, 1]), db.query(add, [100, 2]), db.commit()].map(outcome));
      });
      assert.deepEqual(await all, ['QUERY_CANCELLED', 'LEASE_RELEASED', 'TRANSACTION_ROLLED_BACK']);
      await blocker.rollback();
      blocker.release();
      await impatient.close();
      assert.deepEqual([await balance(1), await balance(2)], [1000, 1000]);
    }));

  it('two transfers begun at once on one connection do not become one', () =>
    pool.run(async (db) => {
      const begun = await Promise.all([outcome(db.beginTransaction()), outcome(db.beginTransaction())]);
      assert.deepEqual(begun, ['done', 'TRANSACTION_NESTED']);
      await db.rollback();
    }));

  it('a statement that commits in the middle is told of, also when it fails', () =>
    withBank(async ({ add, balance, table }) => {
      const ddl = (sql: string) =>
        outcome(
          pool.transaction(async (tx) => {
            await tx.query(add, [-100, 1]);
            await tx.query(sql);
            await tx.query(add, [100, 2]);
          }),
        );
      assert.equal(await ddl(`CREATE TABLE IF NOT EXISTS ${table} (n INT)`), 'OUTCOME_UNKNOWN');
      assert.equal(await ddl(`CREATE TABLE ${table} (n INT)`), 'OUTCOME_UNKNOWN');
      assert.equal(await balance(2), 1000, 'the second half did not run by itself');
    }));

  it('a transaction begun through a stream is seen', async () => {
    const one = createPool({ uri: databaseUrl(), max: 1 });
    one.events.on('warning', () => {});
    await one.run(async (db) => {
      for await (const _row of db.stream('START TRANSACTION'));
    });
    const [rows] = await one.query<RowDataPacket[]>('SELECT @@in_transaction AS open');
    assert.equal(rows[0]?.open, 0);
    assert.equal(one.stats().rolledBack, 1);
    await one.close();
  });

  it('a savepoint that outlives its transaction does nothing in the next one', () =>
    withBank(async ({ add, total }) => {
      await pool.run(async (db) => {
        let late: Promise<unknown> | undefined;
        let go = () => {};
        const gone = new Promise<void>((resolve) => {
          go = resolve;
        });
        await db.transaction(async (tx) => {
          const begun = new Promise<void>((resolve) => {
            late = outcome(
              tx.transaction(async (inner) => {
                resolve();
                await gone;
                await inner.query(add, [-7, 1]);
              }),
            );
          });
          await begun;
        });
        await db.transaction(async (tx) => {
          await tx.query(add, [-100, 1]);
          go();
          await late;
          await tx.query(add, [100, 2]);
        });
        assert.equal(await late, 'SCOPE_ENDED');
      });
      assert.equal(await total(), 2000);
    }));
});

describe('what a connection keeps over a reset', () => {
  it('a role: by SET ROLE or in a procedure, the next request does not have it', async () => {
    const one = createPool({ uri: databaseUrl(), max: 1 });
    const role = `handback_role_${process.pid}`;
    await one.query(`CREATE ROLE ${role}`);
    await one.query(`CREATE PROCEDURE take_role() SET ROLE ${role}`);
    const current = async () =>
      (await one.query<RowDataPacket[]>('SELECT CURRENT_ROLE() AS role'))[0][0]?.role;
    await one.query(`SET ROLE ${role}`);
    assert.equal(await current(), null);
    await one.query('CALL take_role()');
    assert.equal(await current(), null);
    await one.query('DROP PROCEDURE take_role');
    await one.query(`DROP ROLE ${role}`);
    await one.close();
  });
});

describe('rows that are read after the end', () => {
  it('a reader that has gone does not keep the connection', async () => {
    const one = createPool({ uri: databaseUrl(), max: 1, drainTimeoutMs: 50 });
    one.events.on('warning', () => {});
    const abandoned = await one.run(async (db) => {
      await db.query('SELECT 1');
      return () => db.stream('SELECT REPEAT("x", 1000) AS x FROM seq_1_to_100000');
    });
    const stream = abandoned();
    stream.on('error', () => {});
    await new Promise((resolve) => stream.once('readable', resolve));
    await eventually(() => assert.equal(one.stats().leased + one.stats().draining, 0));
    assert.equal(stream.destroyed, true);
    await one.query('SELECT 1');
    await one.close();
  });
});
