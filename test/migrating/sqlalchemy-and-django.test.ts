import assert from 'node:assert/strict';
import { databaseUrl, withBank } from '@handback/contract/support/database.js';
import handback from '@handback/fastify';
import fastify from 'fastify';
import type { LeaseHandle as Lease } from '#core/lease-handle.js';
import type { PoolOptions } from '#core/options.js';
import { lostError, serverError } from '../core/fake-server.js';
import { coded, TestPool, track } from '../core/fixture.js';
import { TestRequest } from '../core/request-fixture.js';
import { answerTo, killed, refused, threadOf, withPool } from './real.js';
import { testRows } from './rows.js';

/** A pool of which so many connections have been in use at the same time and come back, in order. */
async function withIdle(count: number, options: Partial<PoolOptions> = {}): Promise<TestPool> {
  const test = new TestPool({ max: 5, maxOpening: 5, ...options });
  const leases: Lease[] = [];
  // One after another: the first to be opened is not always the first to be ready.
  while (leases.length < count) leases.push(await test.pool.acquire());
  for (const lease of leases) lease.release();
  await test.clock.settle();
  return test;
}

/** What the next holder of a session finds in which one left a transaction open and a variable set. */
async function afterOpenTransaction(reset: 'auto' | 'always' | 'rollback') {
  const test = new TestPool({ max: 1, reset });
  const lease = await test.pool.acquire();
  await lease.beginTransaction();
  await lease.query('UPDATE t SET a = 1');
  lease.release();
  await test.clock.settle();
  const { inTransaction, committed } = test.connection().session;
  assert.deepEqual([inTransaction, committed, test.stats().idle], [false, [], 1]);
  return test;
}

testRows('From SQLAlchemy and Django', {
  '`pool_size`': async () => {
    const test = await withIdle(3, { maxIdle: 2 });
    assert.equal(test.stats().idle, 2);
    const unused = new TestPool({ maxIdle: 2 });
    await unused.clock.settle();
    assert.equal(unused.stats().opened, 0);
  },

  '`max_overflow`': async () => {
    const test = new TestPool({ max: 5, maxIdle: 3, maxOpening: 5 });
    const leases = await Promise.all([1, 2, 3, 4, 5].map(() => test.pool.acquire()));
    const sixth = track(test.pool.acquire());
    await test.clock.settle();
    assert.deepEqual([sixth.state, test.stats().leased], ['pending', 5]);
    for (const lease of leases) lease.release();
    await test.clock.settle();
    sixth.value.release();
    await test.clock.settle();
    assert.deepEqual([test.stats().idle, test.stats().evicted.maxIdle], [3, 2]);
  },

  '`max_overflow=-1`': () => refused({ max: -1 }, "'max'", 'at least 1'),

  '`pool_timeout`': async () => {
    const test = new TestPool({ max: 1, acquireTimeoutMs: 300 });
    await test.pool.acquire();
    const second = track(test.pool.acquire());
    await test.clock.advance(299);
    assert.equal(second.state, 'pending');
    await test.clock.advance(1);
    assert.deepEqual([second.code, second.error.status], ['ACQUIRE_TIMEOUT', 503]);
  },

  '`QueuePool limit of size … overflow … reached, connection timed out, timeout …`': async () => {
    const test = new TestPool({ max: 3, maxIdle: 2, acquireTimeoutMs: 300, maxOpening: 3 });
    await Promise.all(
      [1, 2, 3].map((n) => new TestRequest(test, { route: `GET /${n}` }).db.query('SELECT 1')),
    );
    const refusal = track(test.pool.acquire());
    await test.clock.advance(300);
    const { maxIdle, max, timeoutMs, holders } = refusal.error.report ?? assert.fail('no report');
    assert.deepEqual(
      { size: maxIdle, overflow: max - maxIdle, timeoutMs },
      { size: 2, overflow: 1, timeoutMs: 300 },
    );
    assert.deepEqual(holders.map(({ route }) => route).sort(), ['GET /1', 'GET /2', 'GET /3']);
    assert.doesNotMatch(refusal.error.message, /\d/, 'the public may see it');
    assert.match(test.told('warning')[0]?.message ?? '', /max 3, maxIdle 2, .*timeout 300 ms/);
  },

  '`pool_recycle`': async () => {
    const test = new TestPool({ max: 2, maxLifetimeMs: 3_600_000, idleTimeoutMs: 0 });
    const lease = await test.rest(test.pool.acquire());
    await test.rest(test.pool.query('SELECT 1'));
    await test.clock.advance(3_600_000);
    assert.deepEqual([test.stats().evicted.lifetime, test.stats().idle], [1, 0], 'the idle one, unasked');
    await test.rest(lease.query('SELECT 1'));
    lease.release();
    await test.clock.settle();
    assert.equal(test.stats().evicted.lifetime, 2, 'the one in use, when it came back');
  },

  '`pool_pre_ping`': async () => {
    const test = await withIdle(3, { validate: 'always', validateAfterMs: 500 });
    assert.equal(test.connection(2).pings, 0, 'not asked when it was just opened');
    await test.clock.advance(1_000);
    test.connection(2).pingReply = lostError();
    const lease = await test.rest(test.pool.acquire());
    assert.equal(lease.threadId, test.connection(3).threadId);
    assert.deepEqual(
      [test.stats().evicted.validation, test.stats().evicted.distrusted],
      [1, 2],
      'and those that were silent as long',
    );
  },

  '`pool_use_lifo`': async () => {
    const lifo = await withIdle(3);
    const fifo = await withIdle(3, { reuse: 'fifo' });
    assert.equal((await lifo.pool.acquire()).threadId, lifo.connection(2).threadId);
    assert.equal((await fifo.pool.acquire()).threadId, fifo.connection(0).threadId);
  },

  "`pool_reset_on_return='rollback'`": async () => {
    const test = await afterOpenTransaction('rollback');
    assert.deepEqual([test.connection().resets, test.connection().texts.at(-1)], [0, 'ROLLBACK']);
    const { length } = test.connection().texts;
    await test.rest(test.pool.query('SELECT 1'));
    assert.equal(test.connection().texts.length, length + 1, 'nothing to roll back, nothing sent');
  },

  "`pool_reset_on_return='commit'`": () => refused({ reset: 'commit' }, "'reset'", "'rollback'"),

  '`pool_reset_on_return=None`': async () => {
    refused({ reset: null }, "'reset'", 'null');
    for (const reset of ['auto', 'always', 'rollback'] as const) await afterOpenTransaction(reset);
  },

  'invalidation of all that is older than a disconnect': async () => {
    const test = await withIdle(4, { reuse: 'fifo' });
    const [failing, other] = [await test.pool.acquire(), await test.pool.acquire()];
    await test.clock.advance(100);
    test.connection(0).reply = () => lostError();
    const lost = assert.rejects(failing.query('SELECT 1'), { code: 'PROTOCOL_CONNECTION_LOST' });
    await test.clock.settle();
    await lost;
    failing.release();
    await test.rest(other.query('SELECT 2'));
    await test.rest(test.pool.query('SELECT 3'));
    assert.deepEqual([test.connection(2).pings, test.connection(2).texts], [1, ['SELECT 3']]);
    test.connection(1).reply = () => serverError(1290, { message: 'running with --read-only' });
    await assert.rejects(other.query('UPDATE t SET a = 1'));
    await test.clock.settle();
    assert.deepEqual([test.stats().idle, test.stats().evicted.stale], [0, 2], 'of a primary no longer');
  },

  "`Can't reconnect until invalid transaction is rolled back`": () =>
    withBank(({ add, balance }) =>
      withPool({ max: 1 }, (pool, server) =>
        pool.run(async (db) => {
          await db.beginTransaction();
          await db.query(add, [100, 1]);
          await killed(server, await threadOf(db));
          await assert.rejects(db.query(add, [100, 2]), coded('TRANSACTION_ROLLED_BACK'));
          await assert.rejects(db.commit(), coded('TRANSACTION_ROLLED_BACK'));
          await db.rollback();
          await db.query(add, [1, 2]);
          assert.deepEqual([await balance(1), await balance(2)], [1_000, 1_001]);
        }),
      ),
    ),

  '`detach()`': () =>
    withPool({ max: 1 }, async (pool) => {
      const lease = await pool.acquire();
      assert.equal(lease.connection().threadId, lease.threadId);
      lease.release();
      assert.notEqual(await threadOf(pool), lease.threadId);
      assert.equal(pool.stats().evicted.exposed, 1);
    }),

  '`engine.dispose()`': async () => {
    const test = await withIdle(3);
    const lease = await test.pool.acquire();
    assert.equal(test.pool.evictAll(), 3);
    await test.clock.settle();
    assert.deepEqual([test.stats().idle, test.stats().leased], [0, 1]);
    await lease.query('SELECT 1');
    lease.release();
    const next = await test.rest(test.pool.acquire());
    assert.deepEqual([test.stats().evicted.stale, next.threadId], [3, test.connection(3).threadId]);
  },

  '`pool.status()`': async () => {
    const test = await withIdle(3);
    await new TestRequest(test, { route: 'GET /orders' }).db.query('SELECT 1');
    const { max, idle, leased } = test.stats();
    assert.deepEqual({ max, idle, leased }, { max: 5, idle: 2, leased: 1 });
    assert.deepEqual(
      test.pool.holders().map(({ route }) => route),
      ['GET /orders'],
    );
  },

  'event `connect`': async () => {
    const greeted: number[] = [];
    const test = new TestPool({
      max: 1,
      onConnect: (connection) => {
        greeted.push(connection.threadId);
        if (greeted.length === 1) throw new Error('not this one');
      },
    });
    const refusal = track(test.pool.query('SELECT 1'));
    await test.clock.settle();
    assert.deepEqual([refusal.code, (refusal.error.cause as Error).message], ['OPEN_FAILED', 'not this one']);
    await test.clock.advance(10_000);
    await test.rest(test.pool.query('SELECT 2'));
    assert.deepEqual([test.connection(0).texts, greeted.length], [[], 2]);
  },

  'events `checkout`, `checkin`, `reset`, `invalidate`': async () => {
    const test = new TestPool({ max: 1 });
    const told = () => test.events.splice(0).map(({ name }) => name);
    await test.rest(test.pool.query('SET @a = 1'));
    assert.deepEqual(told(), ['acquireStart', 'open', 'acquire', 'release', 'reset']);
    test.pool.evictAll();
    assert.deepEqual(told(), ['evict']);
  },

  '`scoped_session.remove()`': async () => {
    const test = new TestPool({ max: 1 });
    const request = new TestRequest(test);
    await request.db.query('SELECT 1');
    assert.equal(test.stats().leased, 1);
    request.answer();
    await test.clock.settle();
    assert.deepEqual([test.stats().leased, test.stats().idle], [0, 1]);
  },

  '`CONN_MAX_AGE = 0`': async () => {
    const test = new TestPool({ maxIdle: 0 });
    for (const n of [0, 1]) {
      const request = new TestRequest(test);
      await request.db.query('SELECT 1');
      request.answer();
      await test.clock.settle();
      assert.deepEqual([test.connection(n).ended, test.driver.poolThreads], [true, 0]);
    }
  },

  '`CONN_MAX_AGE = N`': async () => {
    const test = await withIdle(1, { maxLifetimeMs: 60 * 1_000 });
    await test.clock.advance(50_000);
    await test.rest(test.pool.query('SELECT 1'));
    assert.equal(test.stats().opened, 1);
    await test.clock.advance(10_000);
    await test.rest(test.pool.query('SELECT 2'));
    assert.deepEqual(test.connection(1).texts, ['SELECT 2']);
  },

  '`CONN_MAX_AGE = None`': async () => {
    const test = await withIdle(1, { maxLifetimeMs: 0, idleTimeoutMs: 0 });
    for (let hour = 0; hour < 24; hour++) {
      await test.clock.advance(3_600_000);
      await test.rest(test.pool.query('SELECT 1'));
    }
    assert.equal(test.stats().opened, 1);
  },

  '`CONN_HEALTH_CHECKS`': async () => {
    const test = new TestPool({ max: 1, validate: 'always', validateAfterMs: 500 });
    for (const pings of [0, 1, 2]) {
      const request = new TestRequest(test);
      for (let n = 0; n < 5; n++) await test.rest(request.db.query(`SELECT ${n}`));
      request.answer();
      await test.clock.settle();
      assert.equal(test.connection().pings, pings, 'none for a new one, then one per request');
    }
    new TestRequest(test).answer();
    await test.clock.settle();
    assert.equal(test.connection().pings, 2, 'none without a query');
  },

  '`AUTOCOMMIT`': async () => {
    const look = 'SELECT @@autocommit';
    await withPool({ max: 1 }, async (pool) => {
      await pool.run((db) => db.query('SET autocommit = 0'));
      assert.deepEqual([await answerTo(pool, look), pool.stats().opened], [1, 1]);
    });
    await withPool({ max: 1, onConnect: 'SET autocommit = 0' }, async (pool) => {
      await pool.run((db) => db.query('SET autocommit = 1'));
      assert.deepEqual([await answerTo(pool, look), pool.stats().opened], [0, 1]);
    });
  },

  "`OPTIONS['init_command']`": () =>
    withPool({ max: 1, onConnect: 'SET sql_mode = "ANSI_QUOTES"' }, async (pool) => {
      await pool.query("SET sql_mode = ''");
      assert.equal(await answerTo(pool, 'SELECT @@sql_mode'), 'ANSI_QUOTES');
    }),

  'errors checked at the end of the request': async () => {
    const failing = async (error: Error) => {
      const test = new TestPool({ max: 1 });
      const request = new TestRequest(test);
      await request.db.query('SELECT 1');
      test.driver.reply = () => error;
      await assert.rejects(request.db.query('INSERT INTO t VALUES (1)'));
      test.driver.reply = () => undefined;
      request.answer();
      await test.clock.settle();
      return { resets: test.connection().resets, kept: test.stats().idle };
    };
    assert.deepEqual(await failing(serverError(1062)), { resets: 0, kept: 1 });
    assert.deepEqual(await failing(serverError(1064)), { resets: 1, kept: 1 });
    assert.deepEqual(await failing(serverError(1053)), { resets: 0, kept: 0 });
  },

  '`close_old_connections()`': async () => {
    const test = new TestPool({ max: 1, maxLifetimeMs: 1_000, idleTimeoutMs: 0 });
    await test.rest(test.pool.run((db) => db.query('SELECT 1')));
    test.clock.stall(60_000);
    await test.rest(test.pool.run((db) => db.query('SELECT 2')));
    assert.deepEqual([test.connection(1).texts, test.stats().leased], [['SELECT 2'], 0]);
    const failed = track(test.pool.run(() => Promise.reject(new Error('the job failed'))));
    await test.clock.settle();
    assert.deepEqual([failed.state, test.stats().leased], ['rejected', 0]);
  },

  'aliases in `DATABASES`': async () => {
    const app = fastify();
    await app.register(handback, { uri: databaseUrl(), onConnect: 'SET @alias = "first"' });
    await app.register(handback, { uri: databaseUrl(), as: 'reporting', onConnect: 'SET @alias = "second"' });
    app.get('/', async (request) => {
      const { db, reporting } = request as unknown as { db: typeof request.db; reporting: typeof request.db };
      return [await answerTo(db, 'SELECT @alias'), await answerTo(reporting, 'SELECT @alias')];
    });
    const response = await app.inject('/');
    await app.close();
    assert.deepEqual(response.json(), ['first', 'second']);
  },

  '`connection.queries`': () =>
    withPool({ log: 2 }, async (pool) => {
      const queries = async (last: string) =>
        pool.run(async (db) => {
          await db.query('SELECT 1');
          await db.query("SELECT 'secret' UNION SELECT 2");
          await db.query(last).catch(() => {});
          return db.log.map(({ sql, rows, error }) => ({ sql, rows, error }));
        });
      assert.deepEqual(await queries('SELECT missing'), [
        { sql: 'SELECT ? UNION SELECT ?', rows: 2, error: undefined },
        { sql: 'SELECT missing', rows: undefined, error: 'ER_BAD_FIELD_ERROR' },
      ]);
      assert.equal((await queries('SELECT 3')).length, 2, 'of one request');
    }),

  '`ATOMIC_REQUESTS`': async () => {
    refused({ ATOMIC_REQUESTS: true }, "Here it is 'transaction': true");
    await withBank(({ add, balance }) =>
      withPool({}, async (pool) => {
        const app = fastify();
        await app.register(handback, { pool, transaction: true });
        app.get('/fails', async ({ db }) => {
          await db.query(add, [-100, 1]);
          throw new Error('the view failed');
        });
        app.get('/refuses', async ({ db }, reply) => {
          await db.query(add, [-100, 1]);
          return reply.code(409).send({});
        });
        app.get('/non_atomic', { config: { handback: { transaction: false } } }, async ({ db }) => {
          await db.query(add, [-10, 1]);
          throw new Error('the view failed');
        });
        app.get(
          '/works',
          { onSend: async ({ db }) => void (await db.query(add, [-1, 1])) },
          async () => 'fine',
        );
        for (const url of ['/fails', '/refuses', '/non_atomic', '/works']) await app.inject(url);
        assert.equal(await balance(1), 989);
        await app.close();
      }),
    );
  },
});
