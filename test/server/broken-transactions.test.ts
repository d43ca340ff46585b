import { strict as assert } from 'node:assert';
import { type Bank, databaseUrl, unique, withBank } from '@handback/contract/support/database.js';
import { eventually } from '@handback/contract/support/eventually.js';
import { ServerWatcher } from '@handback/contract/support/server-watcher.js';
import {
  type ConnectionPool,
  createPersistent,
  createPool,
  type PoolOptions,
  type Transaction,
} from '@handback/core';
import type { RowDataPacket } from 'mysql2';
import { startServer, type ThrowawayServer } from '#scripts/database/index.mjs';
import { Rival } from './rival.js';

/** A session that begins and ends its transactions by hand: a request's, a lease, a steady connection. */
interface ByHand {
  query(sql: string, values?: unknown[]): Promise<[RowDataPacket[], unknown]>;
  beginTransaction(): Promise<void>;
  commit(): Promise<void>;
  rollback(): Promise<void>;
  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T>;
}

type Code = string | undefined;

const codeOf = (work: Promise<unknown>): Promise<Code> =>
  work.then(
    () => 'done',
    (error: { code?: string }) => error.code,
  );

async function pooled<T>(options: Partial<PoolOptions>, work: (pool: ConnectionPool) => Promise<T>) {
  const pool = createPool({ uri: databaseUrl(), max: 3, ...options });
  pool.events.on('warning', () => {});
  try {
    await work(pool);
  } finally {
    await pool.close();
  }
}

type Session = (pool: ConnectionPool, work: (db: ByHand) => Promise<void>) => Promise<unknown>;

/** What the session says of statements after it has lost its connection and the owner knows. */
const SESSIONS: Record<string, { on: Session; goesOn: boolean }> = {
  'a request': { on: (pool, work) => pool.run((db) => work(db as ByHand)), goesOn: true },
  'a lease': {
    on: async (pool, work) => {
      await using lease = await pool.acquire();
      await work(lease as unknown as ByHand);
    },
    // It is one connection, and that is gone.
    goesOn: false,
  },
  'a steady connection': {
    on: async (_pool, work) => {
      await using db = createPersistent({ uri: databaseUrl() });
      await work(db as unknown as ByHand);
    },
    goesOn: true,
  },
};

async function idOf(db: Pick<ByHand, 'query'>): Promise<number> {
  const [[row]] = await db.query('SELECT CONNECTION_ID() AS id');
  return row?.id;
}

describe('a transaction that is broken in the middle does not go on in autocommit', () => {
  let watcher: ServerWatcher;

  before(async () => {
    watcher = await ServerWatcher.open();
  });

  after(() => watcher.close());

  /** Until the server says so, and a moment for the news to arrive. */
  async function kill(id: number): Promise<void> {
    await watcher.disconnect(id);
    await eventually(async () => assert.equal(await watcher.isConnected(id), false));
  }

  async function nothingDone(bank: Bank): Promise<void> {
    assert.deepEqual([await bank.balance(1), await bank.balance(2)], [1000, 1000]);
  }

  for (const [where, { on, goesOn }] of Object.entries(SESSIONS)) {
    it(`its connection is killed between two statements, begun by hand on ${where}`, () =>
      withBank((bank) =>
        pooled({}, async (pool) => {
          await on(pool, async (db) => {
            await db.beginTransaction();
            await db.query(bank.add, [-100, 1]);
            await kill(await idOf(db));
            for (let n = 0; n < 3; n++) assert.notEqual(await codeOf(db.query(bank.add, [100, 2])), 'done');
            assert.equal(await codeOf(db.query(bank.add, [100, 2])), 'TRANSACTION_ROLLED_BACK');
            assert.equal(await codeOf(db.commit()), 'TRANSACTION_ROLLED_BACK');
            assert.equal(await codeOf(db.beginTransaction()), 'TRANSACTION_ROLLED_BACK');
            await db.rollback();
            assert.equal(await codeOf(db.query('SELECT 1')), goesOn ? 'done' : 'CONNECTION_LOST');
          });
          await nothingDone(bank);
        }),
      ));

    it(`its connection is killed inside transaction(fn), which swallows it, on ${where}`, () =>
      withBank((bank) =>
        pooled({}, async (pool) => {
          await on(pool, async (db) => {
            const work = db.transaction(async (tx) => {
              await tx.query(bank.add, [-100, 1]);
              await kill(await idOf(tx as unknown as ByHand));
              await codeOf(tx.query(bank.add, [-100, 1]));
              assert.match(
                String(await codeOf(tx.query(bank.add, [100, 2]))),
                /TRANSACTION_ROLLED_BACK|LEASE_RELEASED/,
              );
              assert.notEqual(await codeOf(db.query(bank.add, [100, 2])), 'done');
              assert.notEqual(
                await codeOf(tx.transaction((inner) => inner.query(bank.add, [100, 2]))),
                'done',
              );
            });
            assert.equal(await codeOf(work), 'TRANSACTION_ROLLED_BACK');
          });
          await nothingDone(bank);
        }),
      ));

    it(`its connection is killed inside a savepoint, on ${where}`, () =>
      withBank((bank) =>
        pooled({}, async (pool) => {
          await on(pool, async (db) => {
            const work = db.transaction(async (tx) => {
              await tx.query(bank.add, [-100, 1]);
              const inner = tx.transaction(async (savepoint) => {
                await kill(await idOf(savepoint as unknown as ByHand));
                await codeOf(savepoint.query(bank.add, [1, 1]));
                assert.notEqual(await codeOf(savepoint.query(bank.add, [1, 1])), 'done');
              });
              assert.notEqual(await codeOf(inner), 'done');
              assert.notEqual(await codeOf(tx.query(bank.add, [100, 2])), 'done');
            });
            assert.equal(await codeOf(work), 'TRANSACTION_ROLLED_BACK');
          });
          await nothingDone(bank);
        }),
      ));

    it(`a deadlock, begun by hand on ${where}`, () =>
      withBank((bank) =>
        pooled({}, async (pool) => {
          const marker = unique('victim');
          const rival = await Rival.of(pool, bank);
          await on(pool, async (db) => {
            await db.beginTransaction();
            await db.query(bank.add, [0, 2]);
            const victim = codeOf(db.query(`${bank.add} /* ${marker} */`, [-100, 1]));
            await rival.strike(watcher, marker);
            assert.equal(await victim, 'ER_LOCK_DEADLOCK');
            assert.equal(await codeOf(db.query(bank.add, [100, 2])), 'TRANSACTION_ROLLED_BACK');
            assert.equal(await codeOf(db.commit()), 'TRANSACTION_ROLLED_BACK');
            await db.rollback();
            assert.equal(await codeOf(db.query('SELECT 1')), 'done');
          });
          await rival.leave();
          await nothingDone(bank);
        }),
      ));

    it(`a deadlock in a savepoint, swallowed by all, on ${where}`, () =>
      withBank((bank) =>
        pooled({}, async (pool) => {
          const marker = unique('victim');
          const rival = await Rival.of(pool, bank);
          await on(pool, async (db) => {
            const work = db.transaction(async (tx) => {
              await tx.query(bank.add, [0, 2]);
              const inner = tx.transaction((savepoint) =>
                savepoint.query(`${bank.add} /* ${marker} */`, [-100, 1]),
              );
              const victim = codeOf(inner);
              await rival.strike(watcher, marker);
              assert.equal(await victim, 'ER_LOCK_DEADLOCK');
              assert.equal(await codeOf(tx.query(bank.add, [100, 2])), 'TRANSACTION_ROLLED_BACK');
              assert.equal(await codeOf(db.query(bank.add, [100, 2])), 'TRANSACTION_ROLLED_BACK');
            });
            assert.equal(await codeOf(work), 'TRANSACTION_ROLLED_BACK');
          });
          await rival.leave();
          await nothingDone(bank);
        }),
      ));
  }

  it('a lock wait that times out undoes its statement alone, by default: the transaction goes on', () =>
    withBank((bank) =>
      pooled({ onConnect: 'SET innodb_lock_wait_timeout = 1' }, async (pool) => {
        const rival = await Rival.of(pool, bank);
        await pool.run(async (db) => {
          await db.beginTransaction();
          await db.query(bank.add, [-100, 2]);
          assert.equal(await codeOf(db.query(bank.add, [100, 1])), 'ER_LOCK_WAIT_TIMEOUT');
          await rival.leave();
          await db.query(bank.add, [100, 1]);
          await db.commit();
        });
        assert.deepEqual([await bank.balance(1), await bank.balance(2)], [1100, 900]);
      }),
    ));

  describe('with innodb_rollback_on_timeout', () => {
    let server: ThrowawayServer;
    let uri: string;

    before(async function () {
      this.timeout(60_000);
      server = await startServer({ args: ['--innodb-rollback-on-timeout=ON'] });
      const schema = new URL(server.url);
      schema.pathname = '/accounts';
      uri = schema.href;
      await using admin = createPool({ uri: server.url });
      await admin.query('CREATE DATABASE accounts');
      await admin.query('CREATE TABLE accounts.accounts (id INT PRIMARY KEY, balance INT) ENGINE=InnoDB');
    });

    after(() => server?.stop());

    const ADD = 'UPDATE accounts SET balance = balance + ? WHERE id = ?';

    /** Account 1 is somebody else's until `leave`. */
    async function blocked(work: (pool: ConnectionPool, leave: () => Promise<void>) => Promise<void>) {
      await using pool = createPool({ uri, max: 3, onConnect: 'SET innodb_lock_wait_timeout = 1' });
      pool.events.on('warning', () => {});
      await pool.query('REPLACE INTO accounts VALUES (1, 1000), (2, 1000)');
      await using other = await pool.acquire();
      await other.beginTransaction();
      await other.query(ADD, [0, 1]);
      await work(pool, () => other.rollback());
      const [rows] = await pool.query<RowDataPacket[]>('SELECT balance FROM accounts ORDER BY id');
      return rows.map(({ balance }) => balance);
    }

    it('a lock wait that times out ends a transaction begun by hand: what follows is refused until rollback()', async () => {
      const balances = await blocked((pool, leave) =>
        pool.run(async (db) => {
          await db.beginTransaction();
          await db.query(ADD, [-100, 2]);
          assert.equal(await codeOf(db.query(ADD, [100, 1])), 'ER_LOCK_WAIT_TIMEOUT');
          await leave();
          assert.equal(await codeOf(db.query(ADD, [100, 1])), 'TRANSACTION_ROLLED_BACK');
          assert.equal(await codeOf(db.commit()), 'TRANSACTION_ROLLED_BACK');
          await db.rollback();
        }),
      );
      assert.deepEqual(balances, [1000, 1000]);
    });

    it('on a lease too, and in a savepoint', async () => {
      const balances = await blocked(async (pool, leave) => {
        await using lease = await pool.acquire();
        const work = lease.transaction(async (tx) => {
          await tx.query(ADD, [-100, 2]);
          assert.equal(
            await codeOf(tx.transaction((inner) => inner.query(ADD, [100, 1]))),
            'ER_LOCK_WAIT_TIMEOUT',
          );
          await leave();
          assert.equal(await codeOf(tx.query(ADD, [100, 1])), 'TRANSACTION_ROLLED_BACK');
        });
        assert.equal(await codeOf(work), 'TRANSACTION_ROLLED_BACK');
      });
      assert.deepEqual(balances, [1000, 1000]);
    });

    it('with retries all of it is run again, also when fn has swallowed the error', async () => {
      for (const swallows of [false, true]) {
        const balances = await blocked(async (pool, leave) => {
          pool.events.once('retry', () => void leave());
          await pool.transaction(
            async (tx) => {
              await tx.query(ADD, [-100, 2]);
              const give = tx.query(ADD, [100, 1]);
              await (swallows ? give.catch(() => undefined) : give);
            },
            { retries: 3 },
          );
        });
        assert.deepEqual(balances, [1100, 900]);
      }
    });
  });
});
