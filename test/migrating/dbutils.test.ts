import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { withBank } from '@handback/contract/support/database.js';
import { eventually } from '@handback/contract/support/eventually.js';
import { lostError } from '../core/fake-server.js';
import { coded, TestPool, track } from '../core/fixture.js';
import { TestRequest } from '../core/request-fixture.js';
import { answerTo, killed, refused, threadOf, withPersistent, withPool } from './real.js';
import { testRows } from './rows.js';

/** So many connections, all of which have come back. */
async function afterUseOf(count: number, test: TestPool): Promise<TestPool> {
  const leases = await Promise.all(Array.from({ length: count }, () => test.pool.acquire()));
  for (const lease of leases) lease.release();
  await test.clock.settle();
  return test;
}

testRows('From DBUtils', {
  '`PooledDB(…)`': () =>
    withPool({}, async (pool) => {
      assert.equal(await answerTo(pool, 'SELECT 1'), 1);
    }),

  '`creator` and its arguments': async () => {
    let asked = 0;
    const test = new TestPool({ connection: () => ({ password: `secret ${++asked}` }) });
    await afterUseOf(2, test);
    assert.deepEqual(
      test.driver.opens.map(({ settings }) => settings.config.password),
      ['secret 1', 'secret 2'],
    );
  },

  '`mincached`': () =>
    withPool({ minIdle: 3 }, async (pool, server) => {
      const opened: number[] = [];
      pool.events.on('open', ({ threadId }) => opened.push(threadId));
      await pool.warm();
      assert.equal(opened.length, 3);
      for (const id of opened) assert.ok(await server.isConnected(id), 'nobody has asked for one yet');
      await killed(server, opened[0] as number);
      await eventually(() => assert.deepEqual([opened.length, pool.stats().idle], [4, 3]));
    }),

  '`maxcached`': async () => {
    const idleAfterThree = async (options: { maxIdle?: number }) =>
      (await afterUseOf(3, new TestPool({ max: 3, ...options }))).stats().idle;
    assert.deepEqual(
      [await idleAfterThree({ maxIdle: 2 }), await idleAfterThree({ maxIdle: 0 }), await idleAfterThree({})],
      [2, 0, 3],
    );
  },

  '`maxshared`': () =>
    withPool({ max: 3 }, async (pool) => {
      await pool.transaction(async (tx) => {
        const own = await threadOf(tx);
        const threads = new Set(await Promise.all(Array.from({ length: 50 }, () => threadOf(pool))));
        assert.ok(threads.size <= 2, `50 statements used ${threads.size} connections`);
        assert.ok(!threads.has(own), 'a statement ran in a transaction of somebody else');
      });
    }),

  '`maxconnections`': async () => {
    const test = new TestPool({ max: 2, maxOpening: 5 });
    await Promise.all([test.pool.acquire(), test.pool.acquire()]);
    const third = track(test.pool.acquire());
    await test.clock.settle();
    assert.deepEqual([third.state, test.driver.opens.length], ['pending', 2]);
  },

  '`maxconnections=0`': () => {
    refused({ max: 0 }, "'max'", 'at least 1');
    refused({ max: Number.POSITIVE_INFINITY }, "'max'");
  },

  '`blocking=False`': async () => {
    const test = new TestPool({ max: 1, acquireTimeoutMs: 0 });
    await test.pool.acquire();
    const second = track(test.pool.acquire());
    await test.clock.settle();
    assert.deepEqual([second.error.code, second.error.status], ['ACQUIRE_TIMEOUT', 503]);
  },

  '`blocking=True`': async () => {
    const test = new TestPool({ max: 1, acquireTimeoutMs: Number.POSITIVE_INFINITY });
    const lease = await test.pool.acquire();
    const second = track(test.pool.acquire());
    await test.clock.advance(3_600_000);
    assert.equal(second.state, 'pending');
    lease.release();
    await test.clock.settle();
    assert.equal(second.state, 'fulfilled');
  },

  '`maxusage`': async () => {
    const test = new TestPool({ max: 1, maxUses: 3 });
    await test.rest(
      test.pool.transaction(async (tx) => {
        for (let n = 0; n < 5; n++) await tx.query(`SELECT ${n}`);
      }),
    );
    assert.equal(test.driver.connections.length, 1, 'the limit passed inside a transaction');
    assert.deepEqual([test.stats().evicted.uses, test.connection().ended], [1, true]);
    await test.rest(test.pool.query('SELECT 1'));
    await test.rest(test.pool.query('SELECT 2'));
    assert.deepEqual(test.connection(1).texts, ['SELECT 1', 'SELECT 2']);
    assert.equal(test.stats().evicted.uses, 1);
  },

  '`setsession`': () =>
    withPool({ max: 1, onConnect: ["SET time_zone = '+05:00'", 'SET @greeted = 1'] }, async (pool) => {
      const greeted = 'SELECT CONCAT(@@time_zone, @greeted)';
      assert.equal(await answerTo(pool, greeted), '+05:001');
      await pool.query("SET time_zone = '+01:00', @greeted = 2");
      assert.equal(await answerTo(pool, greeted), '+05:001');
      assert.deepEqual([pool.stats().opened, pool.stats().reset > 0], [1, true]);
    }),

  '`reset=True`': () =>
    withBank(({ add, balance }) =>
      withPool({ max: 1, reset: 'rollback' }, async (pool) => {
        await pool.run(async (db) => {
          await db.query('SET @kept = 7');
          await db.beginTransaction();
          await db.query(add, [100, 1]);
        });
        assert.equal(await answerTo(pool, 'SELECT @kept'), 7, 'session state stays');
        assert.deepEqual([await balance(1), pool.stats().rolledBack], [1_000, 1]);
      }),
    ),

  '`reset=False`': () =>
    withPool({ max: 1, reset: 'auto' }, async (pool) => {
      await pool.run((db) => db.query('SELECT 1'));
      assert.deepEqual([pool.stats().reset, pool.stats().cleanReleases], [0, 1]);
      await pool.run((db) => db.query('SET @a = 1'));
      assert.equal(await answerTo(pool, 'SELECT @a'), null);
    }),

  '`failures`': async () => {
    refused({ failures: ['OperationalError'] }, "'failures'", 'Known options');
    const test = new TestPool({ max: 1 });
    test.driver.reply = () => lostError();
    const lost = track(test.pool.query('SELECT 1'));
    await test.clock.settle();
    assert.equal(lost.code, 'PROTOCOL_CONNECTION_LOST', 'it was sent, so it is not repeated');
    assert.deepEqual([test.stats().retried, test.connection().texts], [0, ['SELECT 1']]);
  },

  '`ping=0`': async () => {
    const test = new TestPool({ max: 1, validate: 'never', validateAfterMs: 500, idleTimeoutMs: 0 });
    await test.rest(test.pool.query('SELECT 1'));
    await test.clock.advance(60_000);
    await test.rest(test.pool.query('SELECT 2'));
    assert.deepEqual([test.connection().pings, test.connection().texts.length], [0, 2]);
  },

  '`ping=1`': async () => {
    const test = new TestPool({ max: 1, validate: 'always', validateAfterMs: 500 });
    for (const pings of [0, 1, 2]) {
      const lease = await test.rest(test.pool.acquire());
      for (let n = 0; n < 5; n++) await lease.query(`SELECT ${n}`);
      lease.release();
      await test.clock.settle();
      assert.equal(test.connection().pings, pings);
    }
  },

  '`ping=2`': () => refused({ validate: 2 }, "'validate'", "'always'", 'number 2'),

  '`ping=4`': async () => {
    refused({ validate: 4 }, "'validate'", "'always'", 'number 4');
    const test = new TestPool({ max: 1 });
    await test.pool.query('SELECT 1');
    test.pool.events.once('acquire', () => test.connection().lose());
    await test.rest(test.pool.query('SELECT 2'));
    assert.deepEqual([test.connection(1).texts, test.stats().retried], [['SELECT 2'], 1]);
  },

  '`ping=7`': () => refused({ ping: 7 }, "'ping'", 'Known options'),

  '`dedicated_connection()`': () =>
    withPool({ max: 2 }, async (pool) => {
      const lease = await pool.acquire();
      const others = new Set(await Promise.all(Array.from({ length: 20 }, () => threadOf(pool))));
      assert.ok(!others.has(lease.threadId as number));
      lease.release();
    }),

  '`close()` of a connection': async () => {
    const test = new TestPool({ max: 1 });
    const lease = await test.pool.acquire();
    lease.release();
    const next = await test.rest(test.pool.acquire());
    lease.release();
    await test.clock.settle();
    assert.equal(test.stats().leased, 1, 'the second release took it from the next holder');
    await assert.rejects(lease.query('SELECT 1'), coded('LEASE_RELEASED'));
    await next.query('SELECT 2');
    assert.deepEqual(test.connection().texts, ['SELECT 2']);
  },

  '`close()` of the pool': async () => {
    const test = new TestPool({ max: 1, acquireTimeoutMs: Number.POSITIVE_INFINITY });
    const lease = await test.pool.acquire();
    const waiting = track(test.pool.acquire());
    const closed = track(test.pool.close({ timeoutMs: 10_000 }));
    await test.clock.advance(9_000);
    assert.deepEqual([waiting.code, closed.state], ['POOL_CLOSED', 'pending']);
    await test.rest(lease.query('SELECT 1'));
    lease.release();
    await test.clock.settle();
    assert.deepEqual([closed.state, test.driver.poolThreads], ['fulfilled', 0]);
  },

  '`PersistentDB(…)`': () =>
    withPersistent({}, async (db, server) => {
      assert.equal(db.stats().opened, 0, 'nothing is opened before the first statement');
      const first = await threadOf(db);
      assert.equal(await threadOf(db), first);
      await killed(server, first);
      assert.notEqual(await threadOf(db), first);
    }),

  '`closeable`': async () => {
    await withBank(({ add, balance, isUnlocked }) =>
      withPersistent({}, async (db) => {
        const thread = await threadOf(db);
        await db.beginTransaction();
        await db.query(add, [100, 1]);
        await db.close();
        assert.deepEqual([await isUnlocked(1), await balance(1)], [true, 1_000]);
        assert.equal(await threadOf(db), thread);
      }),
    );
    await withPersistent({ closeable: true }, async (db, server) => {
      const thread = await threadOf(db);
      await db.close();
      await eventually(async () => assert.equal(await server.isConnected(thread), false));
      await assert.rejects(db.query('SELECT 1'), coded('POOL_CLOSED'));
    });
  },

  '`threadlocal`': () =>
    withPersistent({}, async (db) => {
      const worker = new Worker(new URL('./steady-worker.js', import.meta.url));
      const [[first, second]] = (await once(worker, 'message')) as [[number, number]];
      const ended = once(worker, 'exit');
      worker.postMessage('end');
      await ended;
      assert.equal(first, second, 'steady in its thread');
      assert.notEqual(await threadOf(db), first, 'shared between threads');
    }),

  'failover of `SteadyDB`': async () => {
    const test = new TestPool({ max: 1 });
    const { db } = new TestRequest(test);
    await db.query('SELECT 1');
    test.connection().lose();
    await test.clock.settle();
    await db.query('SELECT 2');
    assert.deepEqual(test.connection(1).texts, ['SELECT 2']);
    await db.query("SET time_zone = '+00:00'");
    test.connection(1).lose();
    await test.clock.settle();
    await assert.rejects(db.query('SELECT 3'), coded('CONNECTION_LOST'));
  },

  '`begin()` turns failover off': async () => {
    const test = new TestPool({ max: 1 });
    const { db } = new TestRequest(test);
    await db.query('BEGIN');
    await db.query('UPDATE t SET a = 1');
    test.connection().lose();
    await test.clock.settle();
    await assert.rejects(db.query('UPDATE t SET a = 2'), coded('TRANSACTION_ROLLED_BACK'));
    assert.equal(test.driver.connections.length, 1);
    await db.rollback();
    await db.query('UPDATE t SET a = 3');
    assert.deepEqual(test.connection(1).texts, ['UPDATE t SET a = 3']);
  },

  '`cancel()`': () =>
    withPool({ max: 1 }, async (pool, server) => {
      const sleep = 'SELECT SLEEP(600), /* cancelled */ 1';
      const lease = await pool.acquire();
      const controller = new AbortController();
      const running = track(lease.query({ sql: sleep, signal: controller.signal }));
      await eventually(() => server.runner('SLEEP(600)'));
      controller.abort(new Error('no longer wanted'));
      await eventually(async () => assert.deepEqual(await server.running('SLEEP(600)'), []));
      assert.equal(running.error.message, 'no longer wanted');
      assert.equal(await threadOf(lease), lease.threadId, 'the connection stays');
      lease.release();
    }),
});
