import { strict as assert } from 'node:assert';
import { execFileSync } from 'node:child_process';
import { connect, type LookupFunction } from 'node:net';
import { databaseUrl } from '@handback/contract/support/database.js';
import { eventually, within } from '@handback/contract/support/eventually.js';
import { ServerWatcher } from '@handback/contract/support/server-watcher.js';
import { TcpProxy } from '@handback/contract/support/tcp-proxy.js';
import { type ConnectionPool, createPool, type PoolOptions } from '@handback/core';
import type { RowDataPacket } from 'mysql2';
import { Calls } from './calls.js';

const MAX = 5;
/** Nobody listens there. */
const NOWHERE = 'mysql://127.0.0.1:1/';

interface Id extends RowDataPacket {
  id: number;
}

const later = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

const requests = (pool: ConnectionPool): Promise<unknown>[] => [
  pool.query('SELECT 1'),
  pool.execute('SELECT ?', [1]),
  pool.run((db) => db.query('SELECT 1')),
  pool.transaction((tx) => tx.query('SELECT 1')),
];

/** As many sessions as `max`, all of them idle again. */
async function filled(pool: ConnectionPool): Promise<number[]> {
  const leases = await Promise.all(Array.from({ length: MAX }, () => pool.acquire()));
  const ids = [];
  for (const lease of leases) {
    const [[row]] = await lease.query<Id[]>('SELECT CONNECTION_ID() AS id');
    ids.push(row?.id as number);
    lease.release();
  }
  await eventually(() => assert.equal(pool.stats().idle, MAX));
  return ids;
}

/** From another process, while this one is busy with waiting for it. */
function killMeanwhile(ids: readonly number[]): void {
  const program = `
    const connection = require('mysql2').createConnection(process.argv[1]);
    for (const id of process.argv.slice(2)) connection.query('KILL ' + id);
    connection.end();`;
  execFileSync(process.execPath, ['-e', program, databaseUrl(), ...ids.map(String)]);
}

describe('when the network fails', () => {
  let proxy: TcpProxy;
  let watcher: ServerWatcher;
  let pool: ConnectionPool;

  before(async () => {
    watcher = await ServerWatcher.open();
  });

  after(() => watcher.close());

  const open = (options: Partial<PoolOptions> = {}) => {
    pool = createPool({ uri: proxy.url(databaseUrl()), max: MAX, ...options });
    pool.events.on('warning', () => {});
    return pool;
  };

  beforeEach(async () => {
    proxy = await TcpProxy.inFrontOf(databaseUrl());
  });

  afterEach(async () => {
    proxy.flow = 'pass';
    await pool.close({ timeoutMs: 0 });
    await proxy.close();
  });

  /** On a busy machine more time may pass than was asked for. */
  const attemptsIn = async (ms: number) => {
    const [before, begun] = [proxy.accepted, performance.now()];
    await later(ms);
    return { attempts: proxy.accepted - before, seconds: (performance.now() - begun) / 1_000 };
  };

  const ends = {
    RST: async () => proxy.cutAll('RST'),
    FIN: async () => proxy.cutAll('FIN'),
    KILL: async (ids: readonly number[]) => {
      for (const id of ids) await watcher.disconnect(id);
    },
  };
  for (const [how, end] of Object.entries(ends)) {
    it(`idle connections that end by ${how} cost no user an error`, async () => {
      open();
      for (let round = 0; round < 5; round++) {
        await end(await filled(pool));
        await eventually(() => assert.equal(pool.stats().idle, 0));
        await Promise.all(Array.from({ length: 5 }, () => requests(pool)).flat());
      }
    });
  }

  it('nor do those whose end has arrived unread, while the event loop was blocked', async () => {
    // Directly: the proxy, in this process, would be blocked as well.
    open({ uri: databaseUrl() });
    for (let round = 0; round < 5; round++) {
      killMeanwhile(await filled(pool));
      await Promise.all(requests(pool));
    }
  });

  it('of those under way only what was sent fails: whoever waits is served', async () => {
    open({ max: 3 });
    // The threads are killed, and their places free: behind the proxy is the server that they were opened on.
    const sent = Array.from({ length: 3 }, () => pool.query("SELECT SLEEP(60), 'cut'"));
    const failed = Promise.allSettled(sent);
    await eventually(async () => assert.equal((await watcher.running("'cut'")).length, 3));
    const waiting = Array.from({ length: 10 }, () => requests(pool)).flat();
    proxy.cutAll('RST');
    await within(5_000, 'whoever waits', Promise.all(waiting));
    assert.deepEqual(
      (await failed).map(({ status }) => status),
      ['rejected', 'rejected', 'rejected'],
    );
  });

  it('attempts to connect are counted: 25 a second while somebody waits, 5 while nobody does, and one is soon enough', async () => {
    proxy.leadTo(NOWHERE);
    open({ minIdle: 1, acquireTimeoutMs: 30_000 });
    const calm = await attemptsIn(3_000);
    assert.ok(
      calm.attempts <= 5 * calm.seconds + 1,
      `${calm.attempts} in ${calm.seconds} s, and nobody waits`,
    );
    const waiting = Array.from({ length: 20 }, () => pool.query('SELECT 1'));
    const { attempts, seconds } = await attemptsIn(3_000);
    assert.ok(attempts <= 25 * seconds + 1, `${attempts} in ${seconds} s`);
    assert.ok(attempts >= 15, `${attempts} in ${seconds} s`);
    proxy.leadTo(databaseUrl());
    await within(2_000, 'the first success', Promise.race(waiting));
    await within(5_000, 'all others', Promise.all(waiting));
  });

  it('a name that leads elsewhere from now on: it is looked up for each attempt', async () => {
    const { port } = new URL(proxy.url(databaseUrl()));
    const { username: user, password, pathname } = new URL(databaseUrl());
    // Nobody listens there either.
    let address = '127.0.0.9';
    let asked = 0;
    const lookup: LookupFunction = (_host, _options, done) => {
      asked++;
      done(null, [{ address, family: 4 }]);
    };
    const stream = () => connect({ host: 'db.test', port: Number(port), lookup }).setNoDelay(true);
    open({ uri: undefined, connection: { stream, user, password, database: pathname.slice(1) } });
    const waiting = pool.query('SELECT 1');
    await eventually(() => assert.ok(asked >= 3));
    address = '127.0.0.1';
    await within(2_000, 'whoever waits', waiting);
  });

  it('bytes that vanish for 1.2 s: every connection is replaced where it must be, and all of them serve within 5 s', async () => {
    open({ queryTimeoutMs: 2_000, acquireTimeoutMs: 3_000 });
    await filled(pool);
    const calls = new Calls();
    calls.repeat('query', MAX, () => pool.query('SELECT 1'));
    calls.repeat('transaction', MAX, () => pool.transaction((tx) => tx.query('SELECT 1')));
    calls.repeat('reset', MAX, () => pool.run((db) => db.query('SET @a = 1')));
    try {
      await later(200);
      proxy.flow = 'swallow';
      await later(1_200);
      proxy.flow = 'pass';
      const healed = performance.now();
      // That all of them are at work at once shows that none is stuck.
      await eventually(async () => {
        const { ghost, opening } = pool.stats();
        assert.deepEqual([ghost, opening], [0, 0]);
        assert.ok(calls.succeededSince(healed).length > 100);
      }, 5_000);
      const begun = performance.now();
      await later(500);
      assert.deepEqual(
        calls.failed.filter(({ at }) => at > begun),
        [],
      );
    } finally {
      await calls.stop();
    }
    await filled(pool);
    const { ghost, idle, leased } = pool.stats();
    assert.deepEqual({ ghost, idle, leased }, { ghost: 0, idle: MAX, leased: 0 });
  });
});
