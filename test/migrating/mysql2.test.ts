import assert from 'node:assert/strict';
import { databaseUrl } from '@handback/contract/support/database.js';
import { eventually } from '@handback/contract/support/eventually.js';
import type { Lease } from '@handback/core';
import express from '@handback/express';
import fastify from '@handback/fastify';
import newExpress from 'express';
import newFastify from 'fastify';
import type { ConnectionOptions, RowDataPacket } from 'mysql2';
import supertest from 'supertest';
import { coded, TestPool, track } from '../core/fixture.js';
import { answerTo, refused, threadOf, withPool } from './real.js';
import { testRows } from './rows.js';

/** mysql2's reading of its options, on a connection of such a pool. */
async function readBy(connection: ConnectionOptions): Promise<Record<string, unknown>> {
  return withPool({ connection }, async (pool) => {
    using lease: Lease = await pool.acquire();
    return (lease.connection() as unknown as { config: Record<string, unknown> }).config;
  });
}

testRows("From mysql2's pool", {
  '`mysql.createPool(…)`, `pool.query`': () =>
    withPool({}, async (pool) => {
      const [rows, fields] = await pool.query<RowDataPacket[]>('SELECT ? AS a', [1]);
      assert.deepEqual([rows, fields.map(({ name }) => name)], [[{ a: 1 }], ['a']]);
      const [again] = await pool.execute<RowDataPacket[]>('SELECT ? AS a', ['x']);
      assert.deepEqual(again, [{ a: 'x' }]);
    }),

  '`pool.getConnection()` … `release()` by hand': () =>
    withPool({ max: 1, acquireTimeoutMs: 500 }, async (pool) => {
      const lease = await pool.acquire();
      assert.equal(await threadOf(lease), lease.threadId);
      await assert.rejects(pool.acquire(), coded('ACQUIRE_TIMEOUT'));
      lease.release();
      await assert.rejects(lease.query('SELECT 1'), coded('LEASE_RELEASED'));
      assert.equal(await threadOf(pool), lease.threadId);
    }),

  '`const c = await pool.getConnection(); try { … } finally { c.release(); }`': () =>
    withPool({ max: 1 }, async (pool) => {
      const threads = await pool.run(async (db) => [await threadOf(db), await threadOf(db)]);
      assert.equal(threads[0], threads[1]);
      const job = pool.run(async (db) => {
        await db.query('SELECT 1');
        throw new Error('the job failed');
      });
      await assert.rejects(job, { message: 'the job failed' });
      assert.equal(await threadOf(pool), threads[0], 'it came back');
    }),

  '`pool.end()`': () =>
    withPool({}, async (pool, server) => {
      const lease = await pool.acquire();
      const closed = track(pool.close());
      assert.equal(await threadOf(lease), lease.threadId, 'what is out goes on');
      assert.equal(closed.state, 'pending');
      lease.release();
      await eventually(() => assert.equal(closed.state, 'fulfilled'));
      await eventually(async () => assert.equal(await server.isConnected(lease.threadId as number), false));
    }),

  '`pool.promise()`': async () => {
    const { pool } = new TestPool();
    assert.ok(pool.query('SELECT 1') instanceof Promise);
    await assert.rejects(pool.query('SELECT 1', (() => {}) as never), TypeError);
  },

  "`pool.on('connection', (c) => c.query('SET …'))`": () =>
    withPool({ max: 1, onConnect: "SET time_zone = '+05:00'" }, async (pool) => {
      assert.equal(await answerTo(pool, 'SELECT @@time_zone'), '+05:00');
      await pool.query("SET time_zone = '+01:00'");
      assert.equal(await answerTo(pool, 'SELECT @@time_zone'), '+05:00');
    }),

  'pool events `acquire`, `connection`, `release`': async () => {
    const test = new TestPool({ max: 1 });
    await test.rest(test.pool.query('SELECT 1'));
    await test.rest(test.pool.query('SELECT 2'));
    assert.deepEqual(
      test.events.map(({ name }) => name),
      ['acquireStart', 'open', 'acquire', 'release', 'acquireStart', 'acquire', 'release'],
    );
  },

  'pool event `enqueue`': async () => {
    const test = new TestPool({ max: 1, acquireTimeoutMs: 100 });
    await test.pool.acquire();
    const waiting = track(test.pool.acquire());
    assert.equal(test.stats().pending, 1);
    await test.clock.advance(100);
    assert.deepEqual([waiting.code, test.told('acquireFailed').length], ['ACQUIRE_TIMEOUT', 1]);
  },

  '`connectionLimit`': async () => {
    const test = new TestPool({ max: 3, maxOpening: 10 });
    for (let n = 0; n < 5; n++) void track(test.pool.acquire());
    await test.clock.settle();
    assert.deepEqual([test.stats().leased, test.stats().pending], [3, 2]);
    refused({ connection: { connectionLimit: 3 } }, "'connection.connectionLimit'", "'max'");
  },

  '`waitForConnections: false`': async () => {
    const test = new TestPool({ max: 1, acquireTimeoutMs: 0 });
    await test.pool.acquire();
    const second = track(test.pool.acquire());
    await test.clock.settle();
    assert.equal(second.code, 'ACQUIRE_TIMEOUT');
    refused({ connection: { waitForConnections: false } }, 'acquireTimeoutMs: 0');
  },

  '`queueLimit`': async () => {
    const waiting = async (maxPending: number) => {
      const test = new TestPool({ max: 1, maxPending });
      await test.pool.acquire();
      const waiters = [1, 2, 3].map(() => track(test.pool.acquire()));
      await test.clock.settle();
      return waiters.map(({ code }) => code ?? 'waits');
    };
    assert.deepEqual(await waiting(2), ['waits', 'waits', 'QUEUE_FULL']);
    assert.deepEqual(await waiting(0), ['QUEUE_FULL', 'QUEUE_FULL', 'QUEUE_FULL']);
  },

  '`maxIdle`': async () => {
    const test = new TestPool({ max: 3, maxIdle: 1 });
    const leases = await Promise.all([1, 2, 3].map(() => test.pool.acquire()));
    for (const lease of leases) lease.release();
    await test.clock.settle();
    assert.equal(test.stats().idle, 1);
  },

  '`idleTimeout`': async () => {
    const test = new TestPool({ idleTimeoutMs: 60_000 });
    await test.rest(test.pool.query('SELECT 1'));
    await test.clock.advance(59_000);
    assert.equal(test.stats().idle, 1);
    await test.clock.advance(16_000);
    assert.deepEqual([test.stats().idle, test.stats().evicted.idle], [0, 1]);
  },

  '`connectTimeout`': async () => {
    const test = new TestPool({ connectTimeoutMs: 100, acquireTimeoutMs: 1_000 });
    test.driver.hang();
    void track(test.pool.acquire());
    await test.clock.advance(99);
    assert.equal(test.driver.opens[0]?.givenUp, null);
    await test.clock.advance(1);
    assert.ok(test.driver.opens[0]?.givenUp);
    const capped = new TestPool({ connectTimeoutMs: 5_000, acquireTimeoutMs: 1_000 });
    capped.driver.hang();
    void track(capped.pool.acquire());
    await capped.clock.advance(800);
    assert.ok(capped.driver.opens[0]?.givenUp);
  },

  '`enableKeepAlive`': async () => {
    assert.equal((await readBy({})).enableKeepAlive, true);
    assert.equal((await readBy({ enableKeepAlive: false })).enableKeepAlive, false);
  },

  '`keepAliveInitialDelay`': async () => {
    assert.equal((await readBy({})).keepAliveInitialDelay, 10_000);
    assert.equal((await readBy({ keepAliveInitialDelay: 3_000 })).keepAliveInitialDelay, 3_000);
  },

  '`namedPlaceholders`': () =>
    withPool({ connection: { namedPlaceholders: true } }, async (pool) => {
      const [rows] = await pool.query('SELECT :b AS a', { b: 'x' });
      const [again] = await pool.execute('SELECT :b AS a', { b: 'y' });
      assert.deepEqual([rows, again], [[{ a: 'x' }], [{ a: 'y' }]]);
    }),

  '`multipleStatements`': () =>
    withPool({ max: 1, connection: { multipleStatements: true } }, async (pool) => {
      const [results] = await pool.query('SELECT 1 AS a; SELECT 2 AS a');
      assert.deepEqual(results, [[{ a: 1 }], [{ a: 2 }]]);
      await eventually(() => assert.equal(pool.stats().reset, 1));
    }),

  '`resetOnRelease`': async () => {
    const resetsAfterPlain = async (reset: 'always' | 'auto') =>
      withPool({ max: 1, reset }, async (pool) => {
        const thread = await threadOf(pool);
        assert.equal(await threadOf(pool), thread);
        return pool.stats().reset > 0;
      });
    assert.deepEqual([await resetsAfterPlain('always'), await resetsAfterPlain('auto')], [true, false]);
  },

  '`timeout` of a statement': () =>
    withPool({ max: 1 }, async (pool, server) => {
      const sleep = { sql: 'SELECT SLEEP(600), /* timed out */ 1', timeout: 50 };
      await assert.rejects(pool.query(sleep), coded('QUERY_TIMEOUT'));
      await eventually(async () => assert.deepEqual(await server.running('SLEEP(600)'), []));
      await threadOf(pool);
      assert.deepEqual([pool.stats().queryTimedOut, pool.stats().opened], [1, 1], 'the connection stays');
    }),

  '`@fastify/mysql`: `app.mysql.query`': async () => {
    const app = newFastify();
    await app.register(fastify, { uri: databaseUrl() });
    app.get('/', async (request) => [
      await answerTo(app.db, 'SELECT 1'),
      await answerTo(request.db, 'SELECT 2'),
    ]);
    const response = await app.inject('/');
    await app.close();
    assert.deepEqual(response.json(), [1, 2]);
  },

  '`express-myconnection`: `req.getConnection(cb)`': async () => {
    const db = express({ uri: databaseUrl() });
    const app = newExpress();
    app.use(db);
    app.get('/', async (req, res) => void res.json(await answerTo(req.db, 'SELECT 1')));
    const response = await supertest(app).get('/');
    await db.close();
    assert.equal(response.body, 1);
  },
});
