import { strict as assert } from 'node:assert';
import { Worker } from 'node:worker_threads';
import { type Account, withAccount } from '@handback/contract/support/account.js';
import { databaseUrl, unique } from '@handback/contract/support/database.js';
import { eventually, within } from '@handback/contract/support/eventually.js';
import { ServerWatcher } from '@handback/contract/support/server-watcher.js';
import { type ConnectionPool, createPool, type Scope } from '@handback/core';
import { createConnection, type RowDataPacket } from 'mysql2/promise';
import { times } from '../support/times.js';

const MAX = 4;
/** A process that stands still for less may send into a socket whose end it could not see yet. */
const STALL_MS = 60;

async function pooled(work: (pool: ConnectionPool, account: Account) => Promise<void>): Promise<void> {
  await withAccount('', async (account) => {
    const pool = createPool({ uri: account.url, max: MAX, acquireTimeoutMs: 30_000, drainTimeoutMs: 50 });
    pool.events.on('warning', () => {});
    try {
      await work(pool, account);
    } finally {
      await pool.close({ timeoutMs: 5_000 });
    }
  });
}

/** What a connection can be at when it is killed; whatever comes of it is looked at elsewhere. */
const STATES: Record<string, (db: Scope) => Promise<unknown>> = {
  'a short statement': (db) => db.query('SELECT 1'),
  'a long statement': (db) => db.query('SELECT SLEEP(0.02)'),
  'a prepared statement': (db) => db.execute('SELECT ? AS n', [1]),
  'several that wait': (db) => Promise.all(Array.from({ length: 5 }, () => db.query('SELECT SLEEP(0.002)'))),
  'a transaction': (db) => db.transaction((tx) => tx.query('SELECT SLEEP(0.005)')),
  'one begun by hand and left open': (db) => db.beginTransaction(),
  'session state, so that it is reset': (db) => db.query("SET @a = 1, time_zone = '+01:00'"),
  'a stream': async (db) => {
    for await (const _row of db.stream('SELECT seq FROM seq_1_to_500')) await new Promise(setImmediate);
  },
  'a stream half read': async (db) =>
    void db
      .stream('SELECT seq FROM seq_1_to_100000')
      .on('error', () => {})
      .read(),
  'a statement that nobody waits for': async (db) => void db.query('SELECT SLEEP(0.03)').catch(() => {}),
  'one that is killed by its deadline': (db) => db.query({ sql: 'SELECT SLEEP(5)', timeout: 5 }),
  'the raw connection': async (db) => void (await db.connection()),
  nothing: () => new Promise((resolve) => setTimeout(resolve, 5)),
};

/** mocha takes an uncaught exception, and a rejection that nobody handles, for the failure of the test. */
describe('connections that are killed', () => {
  const KILLS = times(150);

  it(`at any moment, ${KILLS} times: nothing is thrown that nobody catches, every promise settles, the books balance`, () =>
    pooled(async (pool, account) => {
      const operator = await createConnection(databaseUrl());
      let kills = 0;
      const killing = async () => {
        while (kills < KILLS) {
          const [threads] = await operator.query<RowDataPacket[]>(
            'SELECT id AS id FROM information_schema.processlist WHERE user = ? ORDER BY RAND() LIMIT 1',
            [account.name],
          );
          for (const { id } of threads) {
            await operator.query(`KILL ${Math.random() < 0.2 ? 'QUERY ' : ''}${id}`).catch(() => {});
            kills++;
          }
          await new Promise((resolve) => setTimeout(resolve, Math.random() * 6));
        }
      };
      const ended: Record<string, number> = {};
      const using = async () => {
        while (kills < KILLS) {
          for (const [what, act] of Object.entries(STATES)) {
            // Every error is its caller's; what counts is that there is an end.
            await within(
              20_000,
              what,
              pool.run(act).catch(() => {}),
            );
            ended[what] = (ended[what] ?? 0) + 1;
          }
        }
      };
      try {
        await Promise.all([killing(), ...Array.from({ length: MAX + 2 }, using)]);
      } finally {
        kills = KILLS;
        await operator.end();
      }
      assert.deepEqual(Object.keys(ended), Object.keys(STATES));
      await eventually(() => {
        const { leased, pending, draining, resetting, ghost } = pool.stats();
        assert.deepEqual([leased, pending, draining, resetting, ghost], [0, 0, 0, 0, 0]);
      });
      assert.ok(pool.stats().evicted.broken > 0);
      await pool.query('SELECT 1');
    })).timeout(60_000 * Math.max(1, KILLS / 150));

  const ROUNDS = times(25);

  it(`while they are idle and the process is too busy to see it, ${ROUNDS} times: no statement fails, none is done twice`, () =>
    pooled(async (pool, account) => {
      const table = unique('increments');
      await pool.query(`CREATE TABLE ${table} (n INT)`);
      const killer = new Killer();
      let killed = 0;
      const watcher = await ServerWatcher.open();
      try {
        for (let round = 0; round < ROUNDS; round++) {
          await Promise.all(Array.from({ length: MAX }, () => pool.query('SELECT SLEEP(0.002)')));
          const ids = await eventually(async () => {
            const threads = (await watcher.threadsOf(account.name)).map(({ id }) => id);
            const { opening, closing, resetting, idle } = pool.stats();
            assert.ok(opening + closing + resetting === 0 && idle > 0);
            assert.equal(threads.length, idle);
            return threads;
          });
          killed += ids.length;
          killer.killWhileBlocked(ids);
          // In the same turn of the event loop.
          await Promise.all(
            Array.from({ length: 2 * MAX }, () => pool.query(`INSERT INTO ${table} VALUES (?)`, [round])),
          );
        }
        const [[row]] = await pool.query<RowDataPacket[]>(`SELECT COUNT(*) AS n FROM ${table}`);
        assert.equal(row?.n, ROUNDS * 2 * MAX);
        assert.ok(killed >= ROUNDS);
      } finally {
        await watcher.close();
        await killer.stop();
        await pool.query(`DROP TABLE ${table}`);
      }
    })).timeout(60_000 * Math.max(1, ROUNDS / 25));
});

/** Kills from another thread, while nothing of this one runs. */
class Killer {
  readonly #done = new Int32Array(new SharedArrayBuffer(4));
  readonly #worker = new Worker(
    `const { parentPort, workerData } = require('node:worker_threads');
     const mysql = require('mysql2/promise');
     const connecting = mysql.createConnection(workerData.url);
     parentPort.on('message', async (ids) => {
       const connection = await connecting;
       if (ids === null) return connection.end();
       for (const id of ids) await connection.query('KILL ' + id);
       for (let left = ids.length; left > 0; ) {
         const [rows] = await connection.query('SELECT id FROM information_schema.processlist WHERE id IN (?)', [ids]);
         left = rows.length;
       }
       Atomics.store(workerData.done, 0, 1);
       Atomics.notify(workerData.done, 0);
     });`,
    { eval: true, workerData: { url: databaseUrl(), done: this.#done } },
  );

  killWhileBlocked(ids: number[]): void {
    Atomics.store(this.#done, 0, 0);
    this.#worker.postMessage(ids);
    // 'not-equal': it was done before anybody waited.
    assert.notEqual(Atomics.wait(this.#done, 0, 0, 10_000), 'timed-out');
    Atomics.wait(this.#done, 0, 1, STALL_MS);
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.#worker.once('exit', resolve));
    this.#worker.postMessage(null);
    this.#worker.unref();
    await Promise.race([ended, this.#worker.terminate()]);
  }
}
