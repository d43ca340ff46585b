import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { type Bank, databaseUrl, unique, withBank } from '@handback/contract/support/database.js';
import { eventually, Gate } from '@handback/contract/support/eventually.js';
import { ServerWatcher } from '@handback/contract/support/server-watcher.js';
import {
  type ConnectionPool,
  createPersistent,
  createPool,
  type PoolOptions,
  type Transaction,
  type TransactionOptions,
} from '@handback/core';
import { Rival } from './rival.js';

interface Db {
  transaction<T>(work: (tx: Transaction) => Promise<T>, options?: TransactionOptions): Promise<T>;
}

async function pooled<T>(
  options: Partial<PoolOptions>,
  work: (pool: ConnectionPool) => Promise<T>,
): Promise<T> {
  const pool = createPool({ uri: databaseUrl(), max: 4, ...options });
  pool.events.on('warning', () => {});
  try {
    return await work(pool);
  } finally {
    await pool.close();
  }
}

/** From account 2 to account 1, and in between it meets whoever wants them the other way round. */
const transfer =
  ({ add }: Bank, marker = '', meet = () => Promise.resolve()) =>
  async (tx: Transaction) => {
    await tx.query(add, [-100, 2]);
    await meet();
    await tx.query(`${add} /* ${marker} */`, [100, 1]);
  };

const PLACES: Record<string, (pool: ConnectionPool, work: (db: Db) => Promise<unknown>) => Promise<unknown>> =
  {
    'a request': (pool, work) => pool.run(work),
    'the pool': (pool, work) => work(pool),
    'a lease': async (pool, work) => {
      await using lease = await pool.acquire();
      await work(lease);
    },
    'a steady connection': async (_pool, work) => {
      await using db = createPersistent({ uri: databaseUrl() });
      await work(db);
    },
  };

describe('transaction(fn, { retries }) on the server', () => {
  let watcher: ServerWatcher;

  before(async () => {
    watcher = await ServerWatcher.open();
  });

  after(() => watcher.close());

  it('two transfers that deadlock by construction: both are done, and no money is made or lost', () =>
    withBank((bank) =>
      pooled({}, async (pool) => {
        const marker = unique('crossing');
        const met = [new Gate(), new Gate()] as const;
        let attempts = 0;
        /** Takes its first row, waits until the other one has taken its own, and wants that: the first time only. */
        const crossing = (mine: 0 | 1, from: number, to: number) =>
          pool.transaction(
            async (tx) => {
              attempts++;
              await tx.query(bank.add, [-100, from]);
              met[mine].open();
              await met[mine === 0 ? 1 : 0].opened;
              await tx.query(`${bank.add} /* ${marker} */`, [100, to]);
            },
            { retries: 5 },
          );
        const told: number[] = [];
        pool.events.on('retry', ({ errno }) => told.push(errno));
        await Promise.all([crossing(0, 1, 2), crossing(1, 2, 1)]);
        assert.deepEqual([await bank.balance(1), await bank.balance(2)], [1000, 1000]);
        assert.ok(attempts > 2, 'they were in each other’s way');
        assert.equal(told[0], 1213);
        assert.equal(pool.stats().retriedTransactions, told.length);
      }),
    ));

  for (const [where, on] of Object.entries(PLACES)) {
    it(`the victim of a deadlock is run again: on ${where}`, () =>
      withBank((bank) =>
        pooled({}, async (pool) => {
          const marker = unique('victim');
          const rival = await Rival.of(pool, bank);
          let attempts = 0;
          const struck = rival.strike(watcher, marker).then(() => rival.leave());
          await on(pool, (db) =>
            db.transaction(
              (tx) => {
                attempts++;
                return transfer(bank, marker)(tx);
              },
              { retries: 8 },
            ),
          );
          await struck;
          assert.ok(attempts >= 2);
          assert.deepEqual([await bank.balance(1), await bank.balance(2)], [1100, 900]);
        }),
      ));
  }

  it('without the option it is not: the error is the server’s, and nothing was done', () =>
    withBank((bank) =>
      pooled({}, async (pool) => {
        const marker = unique('victim');
        const rival = await Rival.of(pool, bank);
        const struck = rival.strike(watcher, marker).then(() => rival.leave());
        await assert.rejects(pool.transaction(transfer(bank, marker)), { code: 'ER_LOCK_DEADLOCK' });
        await struck;
        assert.deepEqual([await bank.balance(1), await bank.balance(2)], [1000, 1000]);
      }),
    ));

  it('a lock wait that times out (1205): all of it again, not from where it stood', () =>
    withBank((bank) =>
      pooled({ onConnect: 'SET innodb_lock_wait_timeout = 1' }, async (pool) => {
        const rival = await Rival.of(pool, bank);
        const retried = once(pool.events, 'retry');
        const done = pool.transaction(transfer(bank), { retries: 5 });
        const [{ errno, attempt }] = await retried;
        assert.deepEqual([errno, attempt], [1205, 1]);
        await rival.leave();
        await done;
        assert.deepEqual([await bank.balance(1), await bank.balance(2)], [1100, 900]);
      }),
    ));

  it('between two attempts nothing is locked', () =>
    withBank((bank) =>
      pooled({ onConnect: 'SET innodb_lock_wait_timeout = 1' }, async (pool) => {
        const rival = await Rival.of(pool, bank);
        let unlocked: Promise<boolean> | undefined;
        // Account 2 is locked in each attempt; the event comes when that one has been undone.
        pool.events.once('retry', () => {
          unlocked = bank.isUnlocked(2);
        });
        const entered = new Gate();
        const again = new Gate();
        let attempts = 0;
        const done = pool.transaction(
          async (tx) => {
            if (++attempts === 2) {
              entered.open();
              await again.opened;
            }
            await transfer(bank)(tx);
          },
          { retries: 1 },
        );
        await entered.opened;
        assert.equal(await unlocked, true);
        await rival.leave();
        again.open();
        await done;
      }),
    ));

  it('DDL that waited in vain (1205) has committed what came before: unknown, and never done twice', () =>
    withBank((bank) =>
      pooled({ onConnect: 'SET lock_wait_timeout = 1' }, async (pool) => {
        const reader = await pool.acquire();
        const other = unique('busy');
        await pool.query(`CREATE TABLE ${other} (id INT) ENGINE=InnoDB`);
        await reader.beginTransaction();
        await reader.query(`SELECT * FROM ${other}`);
        const work = pool.transaction(
          async (tx) => {
            await tx.query(bank.add, [-100, 1]);
            await tx.query(`ALTER TABLE ${other} ADD b INT`);
          },
          { retries: 3 },
        );
        await assert.rejects(work, (error: Error & { code?: string; cause?: { errno?: number } }) => {
          assert.deepEqual([error.code, error.cause?.errno], ['OUTCOME_UNKNOWN', 1205]);
          return true;
        });
        assert.equal(await bank.balance(1), 900);
        await reader.rollback();
        reader.release();
        await pool.query(`DROP TABLE ${other}`);
      }),
    ));

  it('a procedure that commits in the middle, and then deadlocks, is not run twice', () =>
    withBank((bank) =>
      pooled({}, async (pool) => {
        const marker = unique('victim');
        const procedure = unique('pay_by_halves');
        await pool.query(`CREATE PROCEDURE ${procedure}() BEGIN COMMIT; START TRANSACTION; END`);
        const rival = await Rival.of(pool, bank);
        const struck = rival.strike(watcher, marker).then(() => rival.leave());
        const work = pool.transaction(
          async (tx) => {
            await tx.query(bank.add, [-1, 2]);
            await tx.query(`CALL ${procedure}()`);
            await transfer(bank, marker)(tx);
          },
          { retries: 3 },
        );
        await assert.rejects(work, { code: 'ER_LOCK_DEADLOCK' });
        await struck;
        assert.equal(await bank.balance(2), 999, 'its first half was committed once');
        assert.equal(pool.stats().retriedTransactions, 0);
        await pool.query(`DROP PROCEDURE ${procedure}`);
      }),
    ));

  it('many transfers in all directions: every one is done, and the sum stays', () =>
    withBank((bank) =>
      pooled({ max: 6 }, async (pool) => {
        let moved = 0;
        const one = async (n: number) => {
          const [from, to] = n % 2 === 0 ? [1, 2] : [2, 1];
          await pool.transaction(
            async (tx) => {
              await tx.query(bank.add, [-n, from]);
              await tx.query(bank.add, [n, to]);
            },
            { retries: 50 },
          );
          moved += n % 2 === 0 ? n : -n;
        };
        await Promise.all(Array.from({ length: 60 }, (_, n) => one(n)));
        assert.deepEqual([await bank.balance(1), await bank.balance(2)], [1000 - moved, 1000 + moved]);
      }),
    ));

  it('the end of its request ends the wait when late work is not allowed', () =>
    withBank((bank) =>
      pooled({ onConnect: 'SET innodb_lock_wait_timeout = 1', afterResponse: 'reject' }, async (pool) => {
        const rival = await Rival.of(pool, bank);
        let late: Promise<unknown> | undefined;
        await pool.run(async (db) => {
          late = db.transaction(transfer(bank), { retries: 20 });
          await once(pool.events, 'retry');
        });
        await assert.rejects(late as Promise<unknown>, { code: 'ER_LOCK_WAIT_TIMEOUT' });
        await rival.leave();
        await eventually(() => assert.equal(pool.stats().leased, 0));
      }),
    ));
});
