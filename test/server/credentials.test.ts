import { strict as assert } from 'node:assert';
import { withAccount } from '@handback/contract/support/account.js';
import { eventually } from '@handback/contract/support/eventually.js';
import { ServerWatcher } from '@handback/contract/support/server-watcher.js';
import { createPool } from '@handback/core';
import type { RowDataPacket } from 'mysql2';

const MAX = 3;

describe('a password that is changed while requests go on', () => {
  it('new connections log in with it, the old ones go once they come back, and nobody sees an error', () =>
    withAccount('', async (account) => {
      const { hostname: host, port, username: user, pathname } = new URL(account.url);
      let password = 'first';
      const connection = async () => {
        await new Promise((resolve) => setImmediate(resolve));
        return { host, port: Number(port), user, database: pathname.slice(1), password };
      };
      const pool = createPool({ connection, max: MAX });
      const warnings: string[] = [];
      pool.events.on('warning', ({ message }) => warnings.push(message));
      const watcher = await ServerWatcher.open();
      let over = false;
      const ids = new Set<number>();
      const worker = async () => {
        while (!over) {
          await pool.run(async (db) => {
            const [[row]] = await db.query<RowDataPacket[]>('SELECT CONNECTION_ID() AS id');
            await db.execute('SELECT SLEEP(0.001)');
            ids.add(row?.id as number);
          });
        }
      };
      const requests = Promise.all(Array.from({ length: 2 * MAX }, worker));
      requests.catch(() => {});
      try {
        await eventually(() => assert.equal(ids.size, MAX));
        const old = [...ids];
        const inHand = await pool.acquire();
        await account.setPassword('second');
        password = 'second';
        assert.equal(pool.evictAll(), MAX);
        await eventually(() => assert.ok(ids.size > MAX, 'no new connection'));
        assert.equal((await inHand.query<RowDataPacket[]>('SELECT 1 AS one'))[0][0]?.one, 1);
        inHand.release();
        await eventually(async () => {
          const alive = (await watcher.threadsOf(account.name)).map(({ id }) => id);
          assert.deepEqual(
            alive.filter((id) => old.includes(id)),
            [],
          );
        });
        over = true;
        await requests;
        assert.equal(pool.stats().evicted.stale, MAX);
        assert.deepEqual(warnings, []);
      } finally {
        over = true;
        await pool.close();
        await watcher.close();
      }
    }));

  it('without evictAll(): the pool makes do with the connections it has, and says what the server said', () =>
    withAccount('', async (account) => {
      const pool = createPool({ uri: account.url, max: 2, acquireTimeoutMs: 2_000 });
      pool.events.on('warning', () => {});
      try {
        const first = await pool.acquire();
        await account.setPassword('second');
        await assert.rejects(pool.query('SELECT 1'), (error: Error & { code: string }) => {
          assert.ok(['OPEN_FAILED', 'ACQUIRE_TIMEOUT'].includes(error.code), error.code);
          assert.equal((error.cause as { code: string }).code, 'ER_ACCESS_DENIED_ERROR');
          return true;
        });
        await first.query('SELECT 1');
        first.release();
        await pool.query('SELECT 1');
      } finally {
        await pool.close();
      }
    }));

  it('in the object that the pool was given: the next connection logs in with it', () =>
    withAccount('', async (account) => {
      const { hostname: host, port, username: user } = new URL(account.url);
      const connection = { host, port: Number(port), user, password: 'first' };
      const pool = createPool({ connection, max: 2, acquireTimeoutMs: 2_000 });
      try {
        const first = await pool.acquire();
        await account.setPassword('second');
        connection.password = 'second';
        const second = await pool.acquire();
        for (const lease of [first, second]) {
          await lease.query('SELECT 1');
          lease.release();
        }
      } finally {
        await pool.close();
      }
    }));
});
