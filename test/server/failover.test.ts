import { strict as assert } from 'node:assert';
import { eventually } from '@handback/contract/support/eventually.js';
import { TcpProxy } from '@handback/contract/support/tcp-proxy.js';
import { type ConnectionPool, createPool } from '@handback/core';
import type { ResultSetHeader, RowDataPacket } from 'mysql2';
import { startServer, type ThrowawayServer } from '#scripts/database/index.mjs';
import { Calls } from './calls.js';

const MAX = 5;

interface Session extends RowDataPacket {
  server: number;
  id: number;
}

const later = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** An account without the right to write to a server that is read-only. */
async function prepare(server: ThrowawayServer): Promise<string> {
  const pool = createPool({ uri: server.url, max: 1 });
  await pool.query('CREATE DATABASE shop');
  await pool.query('CREATE TABLE shop.orders (id INT AUTO_INCREMENT PRIMARY KEY, session INT, shop INT)');
  await pool.query("CREATE USER app IDENTIFIED BY 'secret'");
  await pool.query('GRANT SELECT, INSERT, UPDATE, DELETE ON shop.* TO app');
  await pool.close();
  return Object.assign(new URL('/shop', server.url), { username: 'app', password: 'secret' }).href;
}

async function demote(server: ThrowawayServer): Promise<void> {
  const admin = createPool({ uri: server.url, max: 1 });
  await admin.query('SET GLOBAL read_only = 1');
  await admin.close();
}

describe('a primary that is demoted', () => {
  let servers: [ThrowawayServer, ThrowawayServer];
  let urls: [string, string];
  let proxy: TcpProxy;
  let pool: ConnectionPool;

  before(async () => {
    const [old, next] = await Promise.all([
      startServer({ args: ['--server-id=1'] }),
      startServer({ args: ['--server-id=2'] }),
    ]);
    servers = [old, next];
    const [one, two] = await Promise.all([prepare(old), prepare(next)]);
    urls = [one, two];
  });

  after(() => Promise.all(servers.map((server) => server.stop())));

  beforeEach(async () => {
    proxy = await TcpProxy.inFrontOf(urls[0]);
    pool = createPool({ uri: proxy.url(urls[0]), max: MAX });
    pool.events.on('warning', () => {});
  });

  afterEach(async () => {
    await pool.close();
    await proxy.close();
  });

  it('is left at once: one write at most fails per connection, and none two seconds later', async () => {
    const failures = new Map<number, number>();
    const write = (db: { query: ConnectionPool['query'] }) => async () => {
      const [[session]] = await db.query<Session[]>('SELECT @@server_id AS server, CONNECTION_ID() AS id');
      const { id, server } = session as Session;
      await db
        .query<ResultSetHeader>('INSERT INTO orders (session, shop) VALUES (?, ?)', [id, server])
        .catch((error) => {
          const key = server * 1_000_000 + id;
          failures.set(key, (failures.get(key) ?? 0) + 1);
          throw error;
        });
    };
    const calls = new Calls();
    calls.repeat('request', 2 * MAX, () => pool.run((db) => write(db)()));
    calls.repeat('transaction', MAX, () => pool.transaction((tx) => write(tx)()));
    calls.repeat('read', MAX, () => pool.query('SELECT COUNT(*) FROM orders'));
    await later(300);
    const demoted = performance.now();
    proxy.leadTo(urls[1]);
    await demote(servers[0]);
    await later(2_000);
    const settled = performance.now();
    await later(500);
    await calls.stop();
    const { failed } = calls;
    assert.deepEqual([...new Set(failed.map(({ kind }) => kind))].includes('read'), false);
    assert.ok(failed.length >= 1);
    assert.ok(
      failed.every(({ error }) => (error as { errno?: number }).errno === 1290),
      calls.errors.join('\n'),
    );
    assert.deepEqual(
      [...failures].filter(([, times]) => times > 1),
      [],
    );
    assert.ok(failed.length <= MAX, `${failed.length} writes failed, of ${MAX} connections`);
    assert.deepEqual(
      failed.filter(({ at }) => at >= settled),
      [],
    );
    assert.ok(calls.succeededSince(demoted).length > 100);
    const [[session]] = await pool.query<Session[]>('SELECT @@server_id AS server, 0 AS id');
    assert.equal(session?.server, 2);
  });

  it('and nothing has replaced it: reads go on, and connections are not renewed in a storm', async () => {
    await demote(servers[0]);
    const calls = new Calls();
    calls.repeat('read', MAX, () => pool.query('SELECT COUNT(*) FROM orders'));
    calls.repeat('write', MAX, () => pool.query('INSERT INTO orders (session) VALUES (0)'));
    await later(2_000);
    await calls.stop();
    const kinds = new Set(calls.failed.map(({ kind }) => kind));
    assert.deepEqual([...kinds], ['write']);
    assert.ok(calls.failed.length > 200, `${calls.failed.length} writes`);
    // Three renewals at most fall into two seconds.
    const { opened } = pool.stats();
    assert.ok(opened <= 4 * MAX, `${opened} connections`);
    proxy.leadTo(urls[1]);
    await eventually(async () => {
      await pool.query('INSERT INTO orders (session) VALUES (0)');
    }, 2_000);
  });
});
