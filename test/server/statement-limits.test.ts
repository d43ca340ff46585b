import { strict as assert } from 'node:assert';
import { withAccount } from '@handback/contract/support/account.js';
import { databaseUrl } from '@handback/contract/support/database.js';
import { eventually } from '@handback/contract/support/eventually.js';
import { ServerWatcher } from '@handback/contract/support/server-watcher.js';
import { createPool } from '@handback/core';
import type { RowDataPacket } from 'mysql2';

const ONE = 'SELECT 1 AS one';
const ROUNDS = 300;
const LIMIT_MS = 20;
const MAX = 4;

describe('a statement that nobody waits for any more', () => {
  let watcher: ServerWatcher;

  before(async () => {
    watcher = await ServerWatcher.open();
  });

  after(() => watcher.close());

  const pooled = async (options: object, work: (pool: ReturnType<typeof createPool>) => Promise<void>) => {
    const pool = createPool({ uri: databaseUrl(), max: 1, ...options });
    pool.events.on('warning', () => {});
    try {
      await work(pool);
    } finally {
      await pool.close();
    }
  };

  it('is killed on the server at queryTimeoutMs, and the next one of its request runs on the same connection', () =>
    pooled({ queryTimeoutMs: 500 }, (pool) =>
      pool.run(async (db) => {
        const [[row]] = await db.query<RowDataPacket[]>('SELECT CONNECTION_ID() AS id');
        await assert.rejects(db.query('SELECT SLEEP(60)'), { code: 'QUERY_TIMEOUT' });
        const [[next]] = await db.query<RowDataPacket[]>('SELECT CONNECTION_ID() AS id');
        assert.equal(next?.id, row?.id);
        assert.deepEqual(await watcher.running('SLEEP(60)'), []);
        assert.equal(pool.stats().queryTimedOut, 1);
      }),
    ));

  it('leaves its transaction open, for its owner to decide', () =>
    pooled({}, (pool) =>
      pool.run(async (db) => {
        await db.query('CREATE TEMPORARY TABLE kept (n INT) ENGINE=InnoDB');
        await db.beginTransaction();
        await db.query('INSERT INTO kept VALUES (1)');
        await assert.rejects(db.query({ sql: 'SELECT SLEEP(60)', timeout: 50 }), { code: 'QUERY_TIMEOUT' });
        await db.commit();
        const [[row]] = await db.query<RowDataPacket[]>('SELECT COUNT(*) AS rowCount FROM kept');
        assert.equal(row?.rowCount, 1);
      }),
    ));

  it('whose signal is aborted is killed, and one that still waits is never sent', () =>
    pooled({}, (pool) =>
      pool.run(async (db) => {
        const abort = new AbortController();
        const { signal } = abort;
        const running = assert.rejects(db.query({ sql: 'SELECT SLEEP(61)', signal }), { name: 'AbortError' });
        const waiting = assert.rejects(db.query({ sql: 'SET @sent = 1', signal }), { name: 'AbortError' });
        await eventually(() => watcher.runner('SLEEP(61)'));
        abort.abort();
        await Promise.all([running, waiting]);
        const [[row]] = await db.query<RowDataPacket[]>('SELECT @sent AS sent');
        assert.equal(row?.sent, null);
        assert.deepEqual(await watcher.running('SLEEP(61)'), []);
      }),
    ));

  it('that waits for another one’s lock is killed as well', () =>
    pooled({ max: 2, queryTimeoutMs: 500 }, async (pool) => {
      const name = `handback_test_lock_${process.pid}`;
      const holder = await pool.acquire();
      await holder.query('SELECT GET_LOCK(?, 0)', [name]);
      await assert.rejects(pool.query('SELECT GET_LOCK(?, 60)', [name]), { code: 'QUERY_TIMEOUT' });
      await eventually(async () => assert.deepEqual(await watcher.running(', 60)'), []));
      holder.release();
    }));

  it('whose limit comes just as it ends: the KILL never hits the next one, nor costs a thread too many', () =>
    withAccount('', async (account) =>
      pooled({ uri: account.url, max: MAX, queryTimeoutMs: LIMIT_MS }, async (pool) => {
        let most = 0;
        let over = false;
        const counting = (async () => {
          while (!over) most = Math.max(most, (await watcher.threadsOf(account.name)).length);
        })();
        const hit: unknown[] = [];
        const rounds = async () => {
          for (let round = 0; round < ROUNDS / MAX; round++) {
            const lease = await pool.acquire({ timeoutMs: 30_000 });
            // From a little below the limit to a little above it.
            const seconds = (LIMIT_MS - 3 + (round % 7)) / 1_000;
            await lease.query('SELECT SLEEP(?)', [seconds]).catch(({ code }) => {
              // On a machine that stands still for a second, the KILL is given up and the socket cut.
              assert.ok(['QUERY_TIMEOUT', 'CONNECTION_LOST'].includes(code), code);
            });
            await lease.query({ sql: ONE, timeout: 60_000 }).catch((error) => {
              if (error.code !== 'CONNECTION_LOST') hit.push(error);
            });
            lease.release();
          }
        };
        await Promise.all(Array.from({ length: MAX }, rounds));
        over = true;
        await counting;
        const { queryTimedOut } = pool.stats();
        assert.ok(queryTimedOut > 0 && queryTimedOut < ROUNDS, `${queryTimedOut} of ${ROUNDS} timed out`);
        assert.deepEqual(hit, []);
        assert.ok(most <= MAX + 1, `${most} threads on the server`);
      }),
    )).timeout(60_000);
});
