import { strict as assert } from 'node:assert';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { databaseUrl } from '@handback/contract/support/database.js';

const run = promisify(execFile);

/** What a request does, with `request(work)`; then what others do after it, when its store should be gone. */
interface Life {
  readonly options?: string;
  readonly work: string;
  readonly after?: string;
}

const LIVES: Record<string, Life> = {
  'the connection that it opened': { work: "await db.query('SELECT 1'); await db.execute('SELECT ?', [1]);" },
  'what it was given back with': {
    work: `await db.query('SET @a = 1');
      await db.query({ sql: 'SELECT 1', signal });
      for await (const row of db.stream('SELECT 1 UNION SELECT 2', [], { highWaterMark: 1 })) break;`,
  },
  'a connection that is opened while it waits, and gives up': {
    options: 'max: 2',
    work: `const held = [await pool.acquire(), await pool.acquire()];
      setImmediate(() => held.forEach((lease) => lease.release()));
      await pool.acquire({ timeoutMs: 1 }).catch(() => {});
      await pool.query('SELECT 1');`,
  },
  'a transaction, a savepoint and a second transaction': {
    work: `await Promise.all([1, 2].map(() => db.transaction((tx) => tx.transaction((inner) => inner.query('SELECT 1')))));`,
  },
  'the control connection': {
    options: 'drainTimeoutMs: 0',
    work: `const sleeps = db.query('SELECT SLEEP(5)').catch(() => {});
      await new Promise((resolve) => setTimeout(resolve, 50));
      await db.release();
      await sleeps;`,
    after: `const sleeps = pool.query({ sql: 'SELECT SLEEP(5)', timeout: 20 }).catch(() => {}); await sleeps;`,
  },
  'a statement that timed out': {
    work: "await db.query({ sql: 'SELECT SLEEP(5)', timeout: 20 }).catch(() => {});",
  },
  'timers: sweep, leak report, validation': {
    options: 'idleTimeoutMs: 60_000, leakAfterMs: 30_000, maxHoldMs: 60_000, validateAfterMs: 0',
    work: "await db.query('SELECT 1'); await db.release(); await db.query('SELECT 1');",
  },
  'the connection function, DNS included, and what it keeps': {
    options: `uri: undefined, connection: async () => {
      kept.push(setInterval(() => {}, 1_000_000).unref());
      await null;
      return { uri: uri.replace('127.0.0.1', 'localhost') };
    }`,
    work: "await db.query('SELECT 1');",
  },
  'onConnect, and what it keeps': {
    options: `onConnect: async (connection) => {
      kept.push(setInterval(() => {}, 1_000_000).unref());
      await connection.query('SELECT 1');
      kept.push(setInterval(() => {}, 1_000_000).unref());
    }`,
    work: "await db.query('SET @a = 1');",
  },
  'listeners, and what they keep': {
    options: 'max: 1',
    work: "await db.query('SET @a = 1');",
  },
  'warm, evictAll, resize': {
    options: 'minIdle: 1',
    work: "await pool.warm(); pool.evictAll(); pool.resize({ max: 3 }); await db.query('SELECT 1');",
  },
  'close()': { work: "await db.query('SELECT 1'); await db.release(); await pool.close();", after: '' },
  'an error of the server': { work: "await db.query('SELECT nothing').catch(() => {});" },
  'the raw connection': {
    work: "const raw = await db.connection(); await new Promise((done) => raw.query('SELECT 1', done));",
  },
};

function script({
  options = '',
  work,
  after = "for (let n = 0; n < 3; n++) await pool.query('SELECT 1');",
}: Life) {
  return `
    import { AsyncLocalStorage } from 'node:async_hooks';
    import { createPool } from '@handback/core';
    const uri = process.env.HANDBACK_TEST_DATABASE_URL;
    const { signal } = new AbortController();
    const kept = [];
    const storage = new AsyncLocalStorage();
    const pool = createPool({ uri, max: 1, ${options} });
    for (const event of ['open', 'release', 'reset'])
      pool.events.on(event, () => kept.push(setInterval(() => {}, 1_000_000).unref()));
    let store;
    const request = async (job) => {
      const strong = { payload: 'x'.repeat(1e6) };
      store = new WeakRef(strong);
      await storage.run(strong, job);
    };
    await request(() => pool.run(async (db) => { ${work} }));
    await storage.run({}, async () => { ${after} });
    // A cancelled statement is watched for a second more; the control connection stays for five.
    for (let n = 0; n < 100 && store.deref(); n++) {
      await new Promise((resolve) => setTimeout(resolve, n < 10 ? 1 : 25));
      globalThis.gc();
    }
    console.log(store.deref() === undefined ? 'collected' : 'kept');
    await pool.close();
  `;
}

describe("a request's store is not kept by", () => {
  for (const [name, life] of Object.entries(LIVES)) {
    it(name, async () => {
      const env = { ...process.env, HANDBACK_TEST_DATABASE_URL: databaseUrl() };
      const { stdout } = await run(
        process.execPath,
        ['--expose-gc', '--input-type=module', '-e', script(life)],
        { env },
      );
      assert.equal(stdout.trim(), 'collected');
    });
  }
});
