import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { databaseUrl, databaseUrlWith, password } from '@handback/contract/support/database.js';
import { eventually } from '@handback/contract/support/eventually.js';
import { type ConnectionPool, createPool, type PoolOptions, type PoolStats } from '@handback/core';
import fastifyHandback from '@handback/fastify';
import { collectMetrics, type MetricsOptions } from '@handback/prometheus';
import Fastify from 'fastify';
import { register as defaultRegister, Gauge, Registry } from 'prom-client';
import { Scrape } from './exposition.js';

const POOL = { pool: 'shop' };

/** A pool whose metrics are served, and asked for over HTTP. */
class Stage {
  readonly pool: ConnectionPool;
  readonly register = new Registry();
  readonly stop: () => void;
  readonly #server = createServer(async (_req, res) => {
    res.setHeader('content-type', this.register.contentType);
    res.end(await this.register.metrics());
  });

  constructor(options: Partial<PoolOptions> = {}, metrics: MetricsOptions = {}) {
    this.pool = createPool({ uri: databaseUrl(), name: 'shop', ...options });
    this.stop = collectMetrics(this.pool, { register: this.register, ...metrics });
  }

  async scrape(): Promise<Scrape> {
    if (!this.#server.listening) await once(this.#server.listen(0, '127.0.0.1'), 'listening');
    const { port } = this.#server.address() as AddressInfo;
    const answer = await fetch(`http://127.0.0.1:${port}/metrics`);
    assert.match(answer.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/);
    return new Scrape(await answer.text());
  }

  async close(): Promise<void> {
    this.stop();
    this.#server.close();
    this.#server.closeAllConnections();
    await this.pool.close();
  }
}

async function on(stage: Stage, work: (stage: Stage) => Promise<void>): Promise<void> {
  try {
    await work(stage);
  } finally {
    await stage.close();
  }
}

/** Count, sum and buckets of a histogram. */
function timed(scrape: Scrape, name: string, labels: Record<string, string> = POOL) {
  const buckets = scrape.samples(`${name}_bucket`, labels);
  const counts = buckets.map(({ value }) => value);
  assert.deepEqual(
    counts,
    counts.toSorted((a, b) => a - b),
    'buckets hold those of the smaller ones',
  );
  assert.equal(buckets.at(-1)?.labels.le, '+Inf');
  const count = scrape.value(`${name}_count`, labels);
  assert.equal(counts.at(-1), count, 'the last one holds all');
  return { count, sum: scrape.value(`${name}_sum`, labels) };
}

const SUMMED: Record<string, keyof PoolStats> = {
  handback_connections_max: 'max',
  handback_connections_idle_max: 'maxIdle',
  handback_connections_idle_min: 'minIdle',
  handback_acquires_pending: 'pending',
  handback_connections_opened_total: 'opened',
  handback_connections_closed_total: 'closed',
  handback_acquires_total: 'acquired',
  handback_releases_total: 'released',
  handback_releases_clean_total: 'cleanReleases',
  handback_acquire_timeouts_total: 'timedOut',
  handback_acquires_shed_total: 'shed',
  handback_resets_total: 'reset',
  handback_validations_total: 'validated',
  handback_statements_retried_total: 'retried',
  handback_transactions_retried_total: 'retriedTransactions',
  handback_statements_timed_out_total: 'queryTimedOut',
};

describe('@handback/prometheus', () => {
  it('shows the pool’s gauges and counters as stats() has them', () =>
    on(new Stage({ max: 3, maxIdle: 2 }), async (stage) => {
      const { pool } = stage;
      const [dirty, exposed, held] = await Promise.all([pool.acquire(), pool.acquire(), pool.acquire()]);
      const waiting = pool.acquire({ timeoutMs: 20 }).catch(({ code }) => code);
      assert.equal(await waiting, 'ACQUIRE_TIMEOUT');
      exposed.connection();
      exposed.release();
      await dirty.query('SET @a = 1');
      dirty.release();
      await eventually(() => assert.deepEqual([pool.stats().idle, pool.stats().closed], [1, 1]));
      const scrape = await stage.scrape();
      const stats = pool.stats();
      for (const [name, stat] of Object.entries(SUMMED)) {
        const [sample, ...more] = scrape.samples(name, POOL);
        assert.deepEqual([sample?.value, more.length], [stats[stat], 0], name);
        assert.equal(scrape.families.get(name)?.type, name.endsWith('_total') ? 'counter' : 'gauge', name);
      }
      for (const { labels, value } of scrape.samples('handback_connections', POOL))
        assert.equal(value, stats[labels.state as keyof PoolStats], labels.state);
      const evicted = scrape.samples('handback_evictions_total', POOL);
      assert.deepEqual(
        Object.fromEntries(evicted.map(({ labels, value }) => [labels.reason, value])),
        stats.evicted,
      );
      assert.equal(scrape.value('handback_evictions_total', { reason: 'exposed' }), 1);
      const [opened, closed] = ['opened', 'closed'].map((each) =>
        scrape.value(`handback_connections_${each}_total`),
      );
      assert.equal(scrape.value('handback_connections'), (opened ?? 0) - (closed ?? 0));
      assert.deepEqual([stats.leased, stats.reset, stats.timedOut], [1, 1, 1], 'there was something to see');
      held.release();
    }));

  it('times acquires, holds, uses, opens and resets, in seconds', () =>
    on(new Stage({ max: 1 }), async (stage) => {
      const { pool } = stage;
      const lease = await pool.acquire();
      const second = pool.acquire();
      await lease.query('SET @a = SLEEP(0.06)');
      lease.release();
      (await second).release();
      const scrape = await stage.scrape();
      const route = { ...POOL, route: 'pool.acquire' };
      const [wait, hold, use] = ['acquire_wait', 'lease_hold', 'lease_use'].map((name) =>
        timed(scrape, `handback_${name}_seconds`, route),
      );
      assert.deepEqual([wait?.count, hold?.count, use?.count], [2, 2, 2]);
      for (const { sum } of [wait, hold, use] as { sum: number }[])
        assert.ok(sum >= 0.06 && sum < 10, `${sum} s`);
      assert.ok((use?.sum ?? 0) <= (hold?.sum ?? 0), 'used while it was held');
      assert.equal(timed(scrape, 'handback_open_seconds').count, 1);
      assert.equal(timed(scrape, 'handback_reset_seconds').count, 1);
    }));

  it('counts what goes wrong on each route', async () => {
    const register = new Registry();
    const app = Fastify();
    const options = {
      uri: databaseUrl(),
      max: 1,
      leakAfterMs: 50,
      drainTimeoutMs: 50,
    };
    await app.register(fastifyHandback, { ...options, name: 'shop' });
    app.db.events.on('warning', () => {});
    const stop = collectMetrics(app.db, { register });
    app.get('/open/:id', async (request) => request.db.beginTransaction());
    app.get('/late/:id', async (request, reply) => {
      reply.send('ok');
      await once(reply.raw, 'finish');
      await new Promise(setImmediate);
      await request.db.query('SELECT 1');
      return reply;
    });
    app.get('/held/:id', async (request) => {
      await request.db.query('SELECT 1');
      await once(app.db.events, 'leak');
      return (await app.inject('/refused/1')).statusCode;
    });
    const impatient = { config: { handback: { acquireTimeoutMs: 20 } } };
    app.get('/refused/:id', impatient, async (request) => request.db.query('SELECT 1'));
    app.get('/killed/:id', async (request, reply) => {
      request.db.query('SELECT SLEEP(30)').catch(() => {});
      return reply.send('ok');
    });
    app.get('/slow/:id', async (request) => request.db.query({ sql: 'DO SLEEP(30)', timeoutMs: 30 }));
    for (const path of ['/open/1', '/late/1', '/held/1', '/killed/1', '/slow/1']) await app.inject(path);
    await eventually(() => assert.equal(app.db.stats().idle, 1));
    const scrape = new Scrape(await register.metrics());
    const count = (name: string, labels: object) =>
      scrape.value(`handback_${name}_total`, { ...POOL, ...labels });
    assert.equal(count('rollbacks', { route: '/open/:id' }), 1);
    assert.equal(count('late', { route: '/late/:id' }), 1);
    assert.equal(count('leaks', { route: '/held/:id' }), 1);
    assert.equal(count('acquire_failures', { route: '/refused/:id', code: 'ACQUIRE_TIMEOUT' }), 1);
    assert.equal(count('statements_killed', { route: '/killed/:id', reason: 'drain' }), 1);
    assert.equal(count('statements_killed', { route: '/slow/:id', reason: 'timeout' }), 1);
    assert.equal(
      timed(scrape, 'handback_acquire_wait_seconds', { route: '/refused/:id' }).count,
      1,
      'in vain',
    );
    stop();
    await app.close();
  });

  it('counts opens that fail, from the first', () =>
    on(new Stage({ uri: databaseUrlWith({ password: 'wrong' }) }), async (stage) => {
      stage.pool.events.on('warning', () => {});
      assert.deepEqual(
        (await stage.scrape()).samples('handback_open_failures_total', POOL).map(({ value }) => value),
        [0],
      );
      await assert.rejects(stage.pool.query('SELECT 1'));
      const scrape = await stage.scrape();
      assert.equal(scrape.value('handback_open_failures_total', POOL), 1);
      assert.equal(scrape.value('handback_acquire_failures_total', { code: 'OPEN_FAILED' }), 1);
    }));

  it('tells as many routes apart as it may: the rest is one more', () =>
    on(new Stage({}, { maxRoutes: 3 }), async (stage) => {
      for (let n = 0; n < 50; n++)
        await stage.pool.run((db) => db.query('SELECT 1'), { name: `job ${n % 25}` });
      await eventually(() => assert.equal(stage.pool.stats().leased, 0));
      const scrape = await stage.scrape();
      const routes = scrape
        .samples('handback_lease_hold_seconds_count')
        .map(({ labels, value }) => [labels.route, value]);
      assert.deepEqual(routes, [
        ['job 0', 2],
        ['job 1', 2],
        ['job 2', 2],
        ['other', 44],
      ]);
    }));

  it('shows no password and no value, whatever was sent and failed', () =>
    on(new Stage({ max: 1 }), async (stage) => {
      const secret = 'kreditkarte4711';
      await assert.rejects(stage.pool.query(`SELECT * FROM nowhere WHERE a = '${secret}'`));
      await assert.rejects(stage.pool.query('SELECT * FROM nowhere WHERE a = ?', [secret]));
      const text = await stage.register.metrics();
      assert.ok(!text.includes(secret) && !text.includes('nowhere'));
      assert.ok(!text.includes(password()));
    }));

  it('several pools share a registry, each under its name; a taken one is refused', async () => {
    const register = new Registry();
    const shop = createPool({ uri: databaseUrl(), name: 'shop' });
    const other = createPool({ uri: databaseUrl(), name: 'reporting' });
    const stops = [shop, other].map((pool) => collectMetrics(pool, { register }));
    const again = createPool({ uri: databaseUrl(), name: 'shop' });
    assert.throws(() => collectMetrics(again, { register }), { code: 'INVALID_OPTION', message: /'shop'/ });
    await Promise.all([shop.query('SELECT 1'), other.query('SELECT 1')]);
    const both = new Scrape(await register.metrics());
    for (const pool of ['shop', 'reporting']) {
      assert.equal(both.value('handback_acquires_total', { pool }), 1);
      assert.equal(both.value('handback_lease_hold_seconds_count', { pool }), 1);
    }
    stops[0]?.();
    await shop.query('SELECT 1');
    const one = new Scrape(await register.metrics());
    for (const { samples } of one.families.values())
      for (const { name, labels } of samples) assert.equal(labels.pool, 'reporting', name);
    assert.equal(one.value('handback_lease_hold_seconds_count'), 1);
    for (const stop of stops) stop();
    assert.equal(await register.metrics(), '\n', 'nothing is left');
    for (const event of shop.events.eventNames()) assert.equal(shop.events.listenerCount(event), 0);
    collectMetrics(again, { register })();
    await Promise.all([shop.close(), other.close(), again.close()]);
  });

  it('a registry that was cleared may be filled again, and what was in it before takes nothing out', async () => {
    const register = new Registry();
    const pool = createPool({ uri: databaseUrl(), name: 'shop' });
    const before = collectMetrics(pool, { register });
    register.clear();
    const stop = collectMetrics(pool, { register });
    before();
    await pool.query('SELECT 1');
    const scrape = new Scrape(await register.metrics());
    assert.equal(scrape.value('handback_acquires_total', POOL), 1);
    assert.equal(scrape.value('handback_lease_hold_seconds_count', POOL), 1);
    stop();
    assert.equal(await register.metrics(), '\n');
    await pool.close();
  });

  it('is in the default registry unless told otherwise, beside what else is there', async () => {
    const pool = createPool({ uri: databaseUrl(), name: 'shop' });
    const stop = collectMetrics(pool);
    assert.match(await defaultRegister.metrics(), /^handback_connections_max\{pool="shop"\} 10$/m);
    const stopOther = collectMetrics(pool, { prefix: 'db_' });
    assert.match(await defaultRegister.metrics(), /^db_connections_max\{pool="shop"\} 10$/m);
    stop();
    stopOther();
    new Gauge({ name: 'handback_connections', help: 'of somebody else' });
    assert.throws(() => collectMetrics(pool), {
      code: 'INVALID_OPTION',
      message: /'handback_connections'.*prefix/,
    });
    assert.ok(defaultRegister.getSingleMetric('handback_connections'), 'it is left alone');
    defaultRegister.clear();
    await pool.close();
  });

  const WRONG: readonly [object, RegExp][] = [
    [{ maxRoute: 1 }, /'maxRoute'.*maxRoutes/],
    [{ maxRoutes: -1 }, /whole number/],
    [{ prefix: 'a-b' }, /prefix/],
    [{ register: {} }, /Registry/],
    [{ buckets: [1, 1] }, /rising/],
  ];
  for (const [options, message] of WRONG) {
    it(`refuses ${JSON.stringify(options)}`, async () => {
      const pool = createPool({ uri: databaseUrl() });
      assert.throws(() => collectMetrics(pool, options), { code: 'INVALID_OPTION', message });
      await pool.close();
    });
  }
});
