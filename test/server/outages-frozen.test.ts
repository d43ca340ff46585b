import { strict as assert } from 'node:assert';
import { eventually } from '@handback/contract/support/eventually.js';
import { type ConnectionPool, createPool } from '@handback/core';
import type { RowDataPacket } from 'mysql2';
import { startServer, type ThrowawayServer } from '#scripts/database/index.mjs';
import { Calls } from './calls.js';

const MAX = 4;
const ACQUIRE_MS = 1_500;
const QUERY_MS = 2_000;
/** A statement that can't be stopped costs its connection a second later; what stands behind it in the same call is told then. */
const GRACE_MS = 1_500;
const FROZEN_MS = 8_000;
/** A COMMIT that was not answered, QUERY_TIMEOUT included, is told as unknown. */
const EXPECTED = new Set([
  'ACQUIRE_TIMEOUT',
  'OPEN_FAILED',
  'QUERY_TIMEOUT',
  'CONNECTION_LOST',
  'OUTCOME_UNKNOWN',
]);

const later = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function read(rows: AsyncIterable<unknown>): Promise<void> {
  for await (const row of rows) void row;
}

/** Every way to wait for the server, each step of it timed by itself. */
function everyCall(
  pool: ConnectionPool,
  { time }: Pick<Calls, 'time'>,
): Record<string, () => Promise<unknown>> {
  return {
    'pool.query': () => pool.query('SELECT 1'),
    'pool.execute': () => pool.execute('SELECT ?', [1]),
    'pool.stream': () => read(pool.stream('SELECT seq FROM seq_1_to_2000')),
    'transaction(fn)': () => pool.transaction((tx) => tx.query('UPDATE t SET n = n + 1')),
    lease: async () => {
      const lease = await time('acquire', () => pool.acquire());
      try {
        await time('query', () => lease.query('SELECT 1'));
        await time('execute', () => lease.execute('SELECT ?', [1]));
        await time('stream', () => read(lease.stream('SELECT seq FROM seq_1_to_2000')));
        await time('beginTransaction', () => lease.beginTransaction());
        await time('query in a transaction', () => lease.query('SELECT n FROM t'));
        await time('commit', () => lease.commit());
        await time('beginTransaction', () => lease.beginTransaction());
        await time('rollback', () => lease.rollback());
      } finally {
        lease.release();
      }
    },
    'run, with a session to clean at its end': () =>
      pool.run((db) => time('query in a scope', () => db.query('SET @a = 1'))),
    'run, with a statement to drain at its end': () =>
      pool.run(async (db) => {
        await time('query in a scope', () => db.query('SELECT 1'));
        time('query that is drained', () => db.query('SELECT SLEEP(0.01)')).catch(() => {});
      }),
    'run, with a release': () =>
      pool.run(async (db) => {
        await time('query in a scope', () => db.query('SELECT 1'));
        await time('release', () => db.release());
      }),
    'run, with the raw connection': () =>
      pool.run(async (db) => void (await time('connection', () => db.connection()))),
  };
}

interface Seen extends RowDataPacket {
  sessions: number;
}

/** The most sessions of this server's only user but the watcher's own, until `over`. */
async function mostSessions(watcher: ConnectionPool, over: () => boolean): Promise<number> {
  let most = 0;
  while (!over()) {
    const [[row]] = await watcher.query<Seen[]>(
      "SELECT COUNT(*) AS sessions FROM information_schema.processlist WHERE user = 'handback' AND id <> CONNECTION_ID()",
    );
    most = Math.max(most, row?.sessions ?? 0);
    await later(3);
  }
  return most;
}

describe('a server that is frozen for eight seconds', () => {
  let server: ThrowawayServer;
  let uri: string;

  before(async () => {
    server = await startServer();
    const pool = createPool({ uri: server.url, max: 1 });
    await pool.query('CREATE DATABASE bank');
    await pool.query('CREATE TABLE bank.t (n INT)');
    await pool.query('INSERT INTO bank.t VALUES (0)');
    await pool.close();
    uri = new URL('/bank', server.url).href;
  });

  after(() => server.stop());

  it('no call lasts longer than its acquire and its query may, no session is one too many, and the pool is back at once', async () => {
    const options = { uri, max: MAX, acquireTimeoutMs: ACQUIRE_MS, queryTimeoutMs: QUERY_MS };
    const pool = createPool(options);
    pool.events.on('warning', () => {});
    const watcher = createPool({ uri, max: 1, acquireTimeoutMs: 20_000 });
    const calls = new Calls();
    const timed = { time: calls.time.bind(calls) };
    let over = false;
    for (const [kind, work] of Object.entries(everyCall(pool, timed))) calls.repeat(kind, 2, work);
    try {
      await later(300);
      await watcher.query('SELECT 1');
      await server.kill('SIGSTOP');
      const begun = performance.now();
      await later(FROZEN_MS);
      assert.deepEqual(calls.succeededSince(begun + 100), []);
      await server.kill('SIGCONT');
      const back = performance.now();
      const sessions = mostSessions(watcher, () => over);
      await eventually(() => assert.ok(calls.succeededSince(back).length >= 200));
      await eventually(() => {
        const { ghost, idle, leased, resetting, validating } = pool.stats();
        assert.deepEqual([ghost, idle + leased + resetting + validating], [0, MAX]);
      });
      const well = performance.now();
      await later(1_000);
      over = true;
      await calls.stop();
      assert.ok(
        (await sessions) <= MAX + 1,
        `${await sessions} sessions; max ${MAX} and the control connection`,
      );
      assert.deepEqual(
        calls.failed.filter(({ at }) => at > well),
        [],
      );
    } finally {
      over = true;
      await server.kill('SIGCONT');
      await calls.stop();
      await Promise.all([pool.close(), watcher.close()]);
    }
    const late = Object.entries(calls.longest).filter(([, ms]) => ms > ACQUIRE_MS + QUERY_MS + GRACE_MS);
    assert.deepEqual(late, []);
    const codes = new Set(calls.failed.map(({ error }) => error?.code));
    assert.deepEqual(
      [...codes].filter((code) => !EXPECTED.has(code ?? '')),
      [],
      calls.errors.join('\n'),
    );
  });
});
