import { strict as assert } from 'node:assert';
import { databaseUrl } from '@handback/contract/support/database.js';
import { eventually } from '@handback/contract/support/eventually.js';
import { ServerWatcher } from '@handback/contract/support/server-watcher.js';
import { TcpProxy } from '@handback/contract/support/tcp-proxy.js';
import { type ConnectionPool, createPool } from '@handback/core';
import { type Connection, createConnection, type RowDataPacket } from 'mysql2/promise';
import { startServer, type ThrowawayServer } from '#scripts/database/index.mjs';

const SLOW = 'SELECT SLEEP(60)';

const ways: Record<string, (pool: ConnectionPool) => Promise<unknown>> = {
  'a query': (pool) => pool.query(SLOW),
  'a prepared statement': (pool) => pool.execute(SLOW),
  'a stream': (pool) => pool.stream(SLOW).toArray(),
  'the statement of a job': (pool) => pool.run((db) => db.query(SLOW)),
};

describe('a connection that the network ends while its statement runs', () => {
  let watcher: ServerWatcher;

  before(async () => {
    watcher = await ServerWatcher.open();
    await notYoung(databaseUrl());
  });

  after(() => watcher.close());

  for (const how of ['RST', 'FIN'] as const) {
    for (const [name, send] of Object.entries(ways)) {
      it(`${how}, ${name}: its place is not free before the server's thread is gone, which is killed`, async () => {
        const proxy = await TcpProxy.inFrontOf(databaseUrl());
        const pool = createPool({ uri: proxy.url(databaseUrl()), max: 1 });
        pool.events.on('warning', () => {});
        try {
          await pool.query('SELECT 1');
          const answer = assert.rejects(send(pool));
          await eventually(() => assert.match(pool.holders()[0]?.statement ?? '', /SLEEP/));
          // Nobody can ask the server for now.
          proxy.refuse();
          proxy.cutAll(how);
          await answer;
          await eventually(() => assert.equal(pool.stats().leased, 0));
          assert.equal(pool.stats().ghost, 1);
          await proxy.accept();
          await eventually(() => assert.equal(pool.stats().ghost, 0), 10_000);
          assert.deepEqual(await watcher.running('SLEEP(60)'), []);
          await pool.query('SELECT 1');
        } finally {
          await pool.close();
          await proxy.close();
        }
      });
    }
  }

  it('and the address leads to another server from then on: the session of the same number there is left alone', async () => {
    const servers = await Promise.all([startServer(), startServer()]);
    const proxy = await TcpProxy.inFrontOf(databaseUrl());
    try {
      const [one, two] = await Promise.all(servers.map(withApp));
      await skipNumbers(one as string, two as string);
      proxy.leadTo(one as string);
      const ghosts = await lostBetween(one as string, proxy, async () => {
        proxy.leadTo(two as string);
        return two as string;
      });
      assert.equal(ghosts, 1);
    } finally {
      await proxy.close();
      await Promise.all(servers.map((server) => server.stop()));
    }
  });

  it('and its server is restarted before anybody hears of that: the session of the same number there is left alone', async () => {
    const server = await startServer();
    const proxy = await TcpProxy.inFrontOf(server.url);
    try {
      // Beyond those that a server gives while it starts.
      await (await sessionOf(server.url, 30)).end();
      await lostBetween(server.url, proxy, async () => {
        proxy.flow = 'swallow-to-client';
        await server.kill();
        await server.restart();
        proxy.flow = 'pass';
        return server.url;
      });
    } finally {
      await proxy.close();
      await server.stop();
    }
  });
});

/** Of a server that was started just now it can't be told, behind a proxy, whether that was since: its uptime is in whole seconds. */
async function notYoung(url: string): Promise<void> {
  const admin = await createConnection(url);
  try {
    await eventually(async () => {
      const [[uptime]] = await admin.query<RowDataPacket[]>("SHOW GLOBAL STATUS LIKE 'Uptime'");
      assert.ok(Number(uptime?.Value) >= 2);
    });
  } finally {
    await admin.end();
  }
}

/** One account on both, as behind a balancer. */
async function withApp(server: ThrowawayServer): Promise<string> {
  const admin = await createConnection(server.url);
  await admin.query("CREATE USER app IDENTIFIED BY 'secret'");
  await admin.end();
  return Object.assign(new URL(server.url), { username: 'app', password: 'secret' }).href;
}

/** A session with this number, or the next that is free. */
async function sessionOf(url: string, id: number): Promise<Connection> {
  for (;;) {
    const connection = await createConnection(url);
    if (connection.threadId >= id) return connection;
    await connection.end();
  }
}

/** The next number of the first server is still to come on the second. */
async function skipNumbers(one: string, two: string): Promise<void> {
  const last = await sessionOf(two, 0);
  const skipped = await sessionOf(one, last.threadId + 1);
  await Promise.all([last.end(), skipped.end()]);
}

/**
 * `move`: from then on the address leads to what it gives, where the session of the lost one's number is somebody else's.
 *
 * @returns how many ghosts are left
 */
async function lostBetween(url: string, proxy: TcpProxy, move: () => Promise<string>): Promise<number> {
  const pool = createPool({ uri: proxy.url(url), max: 1 });
  pool.events.on('warning', () => {});
  const lease = await pool.acquire();
  const id = lease.threadId as number;
  const answer = assert.rejects(lease.query(SLOW));
  await eventually(() => assert.match(pool.holders()[0]?.statement ?? '', /SLEEP/));
  const somebody = await sessionOf(await move(), id);
  assert.equal(somebody.threadId, id);
  try {
    const slept = somebody.query<RowDataPacket[]>('SELECT SLEEP(1.5) AS slept');
    proxy.mark();
    proxy.cutAll('RST');
    await answer;
    lease.release();
    // How long it is up, who has that number, and which server it is; or it is known to have been started since.
    await eventually(() => assert.ok((proxy.traffic.commands.query ?? 0) >= 3 || pool.stats().ghost === 0));
    assert.deepEqual((await slept)[0], [{ slept: 0 }]);
    await somebody.query('SELECT 1');
    return pool.stats().ghost;
  } finally {
    await pool.close({ timeoutMs: 0 });
    await somebody.end();
  }
}
