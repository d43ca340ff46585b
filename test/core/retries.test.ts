import assert from 'node:assert/strict';
import { delayBefore } from '#core/retries.js';
import type { Scope } from '#core/scope.js';
import type { Transaction } from '#core/transaction.js';
import { failing, started, WORK, work } from './conflicts.js';
import { serverError } from './fake-server.js';
import { coded, TestPool, track } from './fixture.js';
import { TestRequest } from './request-fixture.js';

const texts = (test: TestPool) => test.connection().texts;
const ONCE = ['START TRANSACTION', WORK, 'COMMIT'];

describe('transaction(fn, { retries })', () => {
  for (const errno of [1213, 1205]) {
    it(`all of fn is run again after ${errno}, on the same connection, after a ROLLBACK and a little while`, async () => {
      const { test, db } = started();
      failing(test, [errno]);
      let attempts = 0;
      const done = track(
        db.transaction(
          async (tx) => {
            attempts++;
            await work(tx);
            return attempts;
          },
          { retries: 1 },
        ),
      );
      await test.clock.settle();
      assert.deepEqual(texts(test).at(-1), 'ROLLBACK');
      assert.deepEqual([done.state, test.clock.timers.includes(5)], ['pending', true]);
      await test.clock.advance(5);
      assert.equal(done.value, 2);
      assert.deepEqual(
        texts(test).filter((sql) => sql !== 'DO 0'),
        ['START TRANSACTION', WORK, 'ROLLBACK', ...ONCE],
      );
      assert.deepEqual(test.connection().session.committed, [WORK]);
      assert.equal(test.stats().retriedTransactions, 1);
      assert.deepEqual(test.told('retry'), [
        { connection: 1, lease: 1, route: 'GET /orders/:id', attempt: 1, errno, delayMs: 5 },
      ]);
    });
  }

  it('none without the option, nor with 0', async () => {
    for (const options of [undefined, {}, { retries: 0 }]) {
      const { test, db } = started();
      const [deadlock] = failing(test, [1213]);
      const done = track(db.transaction(work, options));
      await test.clock.advance(5_000);
      assert.equal(done.error, deadlock);
      assert.deepEqual(test.told('retry'), []);
    }
  });

  it('as often as it says, then the last error', async () => {
    const { test, db } = started();
    const errors = failing(test, [1213, 1205, 1213, 1213]);
    const done = track(db.transaction(work, { retries: 2 }));
    await test.clock.advance(5_000);
    assert.equal(done.error, errors[2]);
    assert.deepEqual(
      test.told('retry').map(({ attempt, errno }) => [attempt, errno]),
      [
        [1, 1213],
        [2, 1205],
      ],
    );
  });

  it('waits anything up to 10 ms, then 20, 40, … and never more than a second', () => {
    assert.deepEqual(
      [1, 2, 3, 7, 8, 50, 2_000].map((retry) => delayBefore(retry, 0.5)),
      [5, 10, 20, 320, 500, 500, 500],
    );
    assert.equal(delayBefore(3, 0), 0);
  });

  it('what is no whole number of at least 0 is refused before anything is sent', async () => {
    const { test, db } = started();
    for (const retries of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '3', true, null]) {
      for (const each of [db, test.pool] as Pick<Scope, 'transaction'>[])
        await assert.rejects(each.transaction(work, { retries } as never), coded('INVALID_OPTION'));
    }
    assert.deepEqual(test.driver.connections, []);
  });

  it('isolation level and READ ONLY are set again', async () => {
    const { test, db } = started();
    failing(test, [1213]);
    const done = track(db.transaction(work, { retries: 1, isolation: 'serializable', readOnly: true }));
    await test.clock.advance(100);
    assert.equal(done.state, 'fulfilled');
    const begun = ['SET TRANSACTION ISOLATION LEVEL SERIALIZABLE', 'START TRANSACTION READ ONLY', WORK];
    assert.deepEqual(texts(test), [...begun, 'ROLLBACK', ...begun, 'COMMIT']);
  });

  it('tx of an attempt that failed is over: its late statements don’t get into the next', async () => {
    const { test, db } = started();
    failing(test, [1213]);
    const kept: Transaction[] = [];
    const done = track(
      db.transaction(
        async (tx) => {
          kept.push(tx);
          if (kept.length === 2)
            await assert.rejects(kept[0]?.query('UPDATE t SET a = 1') as never, coded('SCOPE_ENDED'));
          await work(tx);
        },
        { retries: 1 },
      ),
    );
    await test.clock.advance(100);
    assert.equal(done.state, 'fulfilled');
    assert.ok(!texts(test).includes('UPDATE t SET a = 1'));
  });

  it('nor do those of its savepoint, when that was answered after fn had failed', async () => {
    const { test, db } = started();
    failing(test, [1205]);
    let hangs = true;
    const { reply } = test.driver;
    test.driver.reply = (sql, connection) => {
      if (!sql.startsWith('SAVEPOINT') || !hangs) return reply(sql, connection);
      hangs = false;
      return 'hang';
    };
    const savepoint = async (nested: Transaction) => {
      await new Promise<void>((resolve) => void test.clock.after(100, resolve));
      await nested.query('UPDATE t SET a = 1');
    };
    const done = track(
      db.transaction((tx) => Promise.all([work(tx), tx.transaction(savepoint)]), { retries: 1 }),
    );
    await test.clock.settle();
    test.connection().answer();
    await test.clock.advance(300);
    assert.equal(done.state, 'fulfilled');
    assert.deepEqual(test.connection().session.committed, [WORK, 'UPDATE t SET a = 1']);
  });

  it('savepoints take no options, and say why', async () => {
    const { test, db } = started();
    await db.transaction(async (tx) => {
      for (const options of [{ retries: 1 }, { isolation: 'serializable' }, { readOnly: true }])
        await assert.rejects(tx.transaction(work, options as never), coded('INVALID_OPTION'));
      await assert.rejects(tx.transaction(work, { retries: 1 } as never), /give it to the outer one/);
      await tx.transaction(work, {});
    });
    assert.equal(texts(test).filter((sql) => sql.startsWith('SAVEPOINT')).length, 1);
  });

  it('a conflict in a savepoint undoes, and repeats, all of it', async () => {
    for (const errno of [1213, 1205]) {
      const { test, db } = started();
      failing(test, [errno]);
      const done = track(
        db.transaction(
          async (tx) => {
            await tx.query('UPDATE t SET a = 1');
            await tx.transaction(work);
          },
          { retries: 1 },
        ),
      );
      await test.clock.advance(100);
      assert.equal(done.state, 'fulfilled');
      assert.deepEqual(test.connection().session.committed, ['UPDATE t SET a = 1', WORK]);
    }
  });

  it('a conflict that comes out of a stream, or of execute(), is one', async () => {
    for (const run of [
      (tx: Transaction) => tx.execute(WORK),
      (tx: Transaction) => tx.stream(WORK).toArray(),
    ]) {
      const { test, db } = started();
      failing(test, [1213]);
      const done = track(db.transaction(run, { retries: 1 }));
      await test.clock.advance(100);
      assert.equal(done.state, 'fulfilled');
    }
  });

  it('where the route has a transaction it is a savepoint, and refused', async () => {
    const { test, db } = started({ transaction: true });
    await assert.rejects(db.transaction(work, { retries: 1 }), coded('TRANSACTION_NESTED'));
    await db.transaction(work, { retries: 0 });
    assert.equal(texts(test).filter((sql) => sql.startsWith('SAVEPOINT')).length, 1);
  });

  describe('whose error it is', () => {
    const wrapped = (cause: unknown) => new Error('the order was not saved', { cause });

    it('one that fn has wrapped is found by its causes', async () => {
      const { test, db } = started();
      failing(test, [1213]);
      const done = track(
        db.transaction(
          (tx) =>
            work(tx).catch((error) => {
              throw wrapped(wrapped(error));
            }),
          { retries: 1 },
        ),
      );
      await test.clock.advance(100);
      assert.equal(done.state, 'fulfilled');
    });

    it('causes that go round in circles come to an end', async () => {
      const { db } = started();
      const circle = new Error('circle');
      circle.cause = circle;
      await assert.rejects(
        db.transaction(() => Promise.reject(circle), { retries: 1 }),
        circle,
      );
    });

    it('one of another connection, of another transaction, or made by hand is nobody’s conflict', async () => {
      const { test, db } = started();
      const other = serverError(1213);
      const [earlier] = failing(test, [1205]);
      await assert.rejects(db.transaction(work), earlier);
      for (const error of [other, wrapped(other), earlier, { errno: 1213 }, 1213, undefined]) {
        let attempts = 0;
        const done = track(
          db.transaction(
            () => {
              attempts++;
              return Promise.reject(error);
            },
            { retries: 3 },
          ),
        );
        await test.clock.advance(5_000);
        assert.deepEqual([done.state, attempts], ['rejected', 1]);
      }
    });

    it('another error than those two is not retried, whatever was swallowed before', async () => {
      const { test, db } = started();
      failing(test, [1205]);
      const mine = new Error('mine');
      const done = track(
        db.transaction(
          async (tx) => {
            await work(tx).catch(() => undefined);
            throw mine;
          },
          { retries: 3 },
        ),
      );
      await test.clock.advance(5_000);
      assert.equal(done.error, mine);
      for (const errno of [1062, 1020, 1317, 2013]) {
        const { test: next, request } = started();
        const [error] = failing(next, [errno]);
        const failed = track(request.db.transaction(work, { retries: 3 }));
        await next.clock.advance(5_000);
        assert.equal(failed.error, error);
      }
    });
  });

  describe('a conflict that fn swallows', () => {
    it('a deadlock is not committed: all of fn is run again', async () => {
      const { test, db } = started();
      failing(test, [1213]);
      let attempts = 0;
      const swallowing = async (tx: Transaction) => {
        attempts++;
        await work(tx).catch(() => undefined);
        await tx.query('UPDATE t SET a = 2').catch(() => undefined);
      };
      const done = track(db.transaction(swallowing, { retries: 1 }));
      await test.clock.advance(100);
      assert.deepEqual([done.state, attempts], ['fulfilled', 2]);
      assert.deepEqual(test.connection().session.committed, [WORK, 'UPDATE t SET a = 2']);
    });

    it('the refusal of what came after a deadlock names it as its cause, and is retried too', async () => {
      const { test, db } = started();
      const [deadlock] = failing(test, [1213]);
      const causes: unknown[] = [];
      const done = track(
        db.transaction(
          async (tx) => {
            await work(tx).catch(() => undefined);
            await tx.query('UPDATE t SET a = 2').catch((error) => {
              causes.push(error.code, error.cause);
              throw error;
            });
          },
          { retries: 1 },
        ),
      );
      await test.clock.advance(100);
      assert.equal(done.state, 'fulfilled');
      assert.deepEqual(causes, ['TRANSACTION_ROLLED_BACK', deadlock]);
    });

    it('a lock wait undoes its statement alone: fn decides, and what it did otherwise is committed', async () => {
      const { test, db } = started();
      failing(test, [1205]);
      await db.transaction((tx) => work(tx).catch(() => tx.query('UPDATE t SET a = 2')), { retries: 1 });
      assert.deepEqual(test.connection().session.committed, ['UPDATE t SET a = 2']);
      assert.equal(test.stats().retriedTransactions, 0);
    });
  });

  describe('everywhere', () => {
    const places: Record<string, (test: TestPool) => Promise<Pick<Scope, 'transaction'>>> = {
      'a scope': async (test) => new TestRequest(test).db,
      'a late scope': async (test) => new TestRequest(test, { over: 'answered' }).db,
      'a lease': (test) => test.pool.acquire(),
      'the pool': async (test) => test.pool,
    };
    for (const [where, place] of Object.entries(places)) {
      it(`on ${where}`, async () => {
        const test = new TestPool({ max: 1 });
        failing(test, [1213, 1205]);
        const db = await place(test);
        const done = track(db.transaction(work, { retries: 2 }));
        await test.clock.advance(100);
        assert.equal(done.state, 'fulfilled');
        assert.equal(test.driver.connections.length, 1);
        assert.deepEqual(test.connection().session.committed, [WORK]);
      });
    }

    it('of a job', async () => {
      const test = new TestPool({ max: 1 });
      failing(test, [1213]);
      const done = track(test.pool.run((db) => db.transaction(work, { retries: 1 })));
      await test.clock.advance(100);
      assert.equal(done.state, 'fulfilled');
    });

    it('begin, commit and rollback of a lease are refused inside fn, as those of a scope are', async () => {
      const test = new TestPool({ max: 1 });
      const lease = await test.pool.acquire();
      await lease.transaction(async () => {
        await assert.rejects(lease.beginTransaction(), coded('TRANSACTION_NESTED'));
        await assert.rejects(lease.commit(), coded('TRANSACTION_NESTED'));
        await assert.rejects(lease.rollback(), coded('TRANSACTION_NESTED'));
      });
    });
  });
});
