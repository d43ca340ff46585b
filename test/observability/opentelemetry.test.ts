import assert from 'node:assert/strict';
import { tracingChannel } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { databaseUrl } from '@handback/contract/support/database.js';
import { eventually } from '@handback/contract/support/eventually.js';
import { createPool, type PoolOptions } from '@handback/core';
import fastifyHandback from '@handback/fastify';
import { collectMetrics, type TracesOptions, traceHandback } from '@handback/opentelemetry';
import { type Context, context, type Span, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  AggregationTemporality,
  type DataPoint,
  type Histogram,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import * as conventions from '@opentelemetry/semantic-conventions/incubating';
import Fastify, { type FastifyInstance } from 'fastify';

const options = (more: Partial<PoolOptions> = {}): PoolOptions => ({
  uri: databaseUrl(),
  name: 'shop',
  ...more,
});

describe('@handback/opentelemetry: metrics', () => {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const provider = new MeterProvider({
    readers: [new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })],
  });
  after(() => provider.shutdown());

  async function exported() {
    exporter.reset();
    await provider.forceFlush();
    const scopes = exporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics);
    const metrics = scopes
      .filter(({ scope }) => scope.name === '@handback/opentelemetry')
      .flatMap(({ metrics: each }) => each);
    return new Map(metrics.map((metric) => [metric.descriptor.name, metric]));
  }

  type Exported = Awaited<ReturnType<typeof exported>>;

  function points<T = number>(metrics: Exported, name: string, pool: string): DataPoint<T>[] {
    const all = (metrics.get(name)?.dataPoints ?? assert.fail(`no ${name}`)) as DataPoint<T>[];
    return all.filter(
      ({ attributes }) => attributes[conventions.ATTR_DB_CLIENT_CONNECTION_POOL_NAME] === pool,
    );
  }

  it('have the names, units and attributes of the conventions, and the pool’s own numbers', async () => {
    const pool = createPool(options({ max: 4, maxIdle: 3, minIdle: 1, name: 'numbers' }));
    pool.events.on('warning', () => {});
    const stop = collectMetrics(pool, { meterProvider: provider });
    const leases = await Promise.all([1, 2, 3, 4].map(() => pool.acquire()));
    await assert.rejects(pool.acquire({ timeoutMs: 10 }));
    const waiting = pool.acquire();
    leases.pop()?.release();
    (await waiting).release();
    await eventually(() => assert.deepEqual([pool.stats().idle, pool.stats().leased], [1, 3]));
    const metrics = await exported();
    const only = (name: string) => {
      const [point, ...more] = points(metrics, name, 'numbers');
      assert.equal(more.length, 0, name);
      return point?.value;
    };
    const byState = points(metrics, conventions.METRIC_DB_CLIENT_CONNECTION_COUNT, 'numbers').map(
      ({ attributes, value }) => [attributes[conventions.ATTR_DB_CLIENT_CONNECTION_STATE], value],
    );
    assert.deepEqual(byState, [
      [conventions.DB_CLIENT_CONNECTION_STATE_VALUE_IDLE, 1],
      [conventions.DB_CLIENT_CONNECTION_STATE_VALUE_USED, 3],
    ]);
    assert.equal(only(conventions.METRIC_DB_CLIENT_CONNECTION_MAX), 4);
    assert.equal(only(conventions.METRIC_DB_CLIENT_CONNECTION_LIMIT), 4);
    assert.equal(only(conventions.METRIC_DB_CLIENT_CONNECTION_IDLE_MAX), 3);
    assert.equal(only(conventions.METRIC_DB_CLIENT_CONNECTION_IDLE_MIN), 1);
    assert.equal(only(conventions.METRIC_DB_CLIENT_CONNECTION_PENDING_REQUESTS), 0);
    assert.equal(only(conventions.METRIC_DB_CLIENT_CONNECTION_TIMEOUTS), 1);
    const times: [string, number][] = [
      [conventions.METRIC_DB_CLIENT_CONNECTION_CREATE_TIME, 4],
      [conventions.METRIC_DB_CLIENT_CONNECTION_WAIT_TIME, 5],
      [conventions.METRIC_DB_CLIENT_CONNECTION_USE_TIME, 2],
    ];
    for (const [name, count] of times) {
      const [point] = points<Histogram>(metrics, name, 'numbers');
      assert.equal(point?.value.count, count, name);
      assert.equal(metrics.get(name)?.descriptor.unit, 's');
    }
    for (const lease of leases) lease.release();
    stop();
    await pool.close();
  });

  it('time in seconds', async () => {
    const pool = createPool(options({ max: 1, name: 'seconds' }));
    const stop = collectMetrics(pool, { meterProvider: provider });
    const lease = await pool.acquire();
    await lease.query('SELECT SLEEP(0.06)');
    lease.release();
    const [point] = points<Histogram>(
      await exported(),
      conventions.METRIC_DB_CLIENT_CONNECTION_USE_TIME,
      'seconds',
    );
    assert.ok((point?.value.sum ?? 0) >= 0.06 && (point?.value.sum ?? 0) < 10);
    stop();
    await pool.close();
  });

  it('of several pools are told apart, and end when they are stopped', async () => {
    const [one, other] = ['one', 'other'].map((name) => createPool(options({ name })));
    assert.ok(one && other);
    const stops = [one, other].map((pool) => collectMetrics(pool, { meterProvider: provider }));
    const max = conventions.METRIC_DB_CLIENT_CONNECTION_MAX;
    const both = await exported();
    assert.deepEqual([points(both, max, 'one').length, points(both, max, 'other').length], [1, 1]);
    for (const stop of stops) stop();
    for (const event of one.events.eventNames()) assert.equal(one.events.listenerCount(event), 0);
    await Promise.all([one.close(), other.close()]);
  });

  it('every name of a connection metric that the conventions have is exported, but for the deprecated plural', async () => {
    const pool = createPool(options({ name: 'complete' }));
    const stop = collectMetrics(pool, { meterProvider: provider });
    await pool.query('SELECT 1');
    const wanted = Object.entries(conventions)
      .filter(([name]) => name.startsWith('METRIC_DB_CLIENT_CONNECTION_'))
      .map(([, value]) => value as string);
    assert.ok(wanted.length >= 9);
    assert.deepEqual([...(await exported()).keys()].sort(), wanted.sort());
    stop();
    await pool.close();
  });
});

describe('@handback/opentelemetry: spans', () => {
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  const tracer = provider.getTracer('test');
  before(() => context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable()));
  after(() => context.disable());
  beforeEach(() => exporter.reset());

  const finished = (title: string) =>
    exporter.getFinishedSpans().filter(({ name }) => name.startsWith(title));

  /** Runs `work` with an application whose requests have a span each, as an instrumentation of HTTP makes them. */
  async function inRequests(
    more: Partial<PoolOptions>,
    work: (app: FastifyInstance) => Promise<void>,
    traces: TracesOptions = {},
  ): Promise<void> {
    const stop = traceHandback({ tracerProvider: provider, ...traces });
    const app = Fastify();
    app.addHook('onRequest', (request, reply, done) => {
      const span = tracer.startSpan(`request ${request.url}`);
      reply.raw.on('close', () => span.end());
      context.with(trace.setSpan(context.active(), span), done);
    });
    await app.register(fastifyHandback, options(more));
    try {
      await work(app);
    } finally {
      await app.close();
      stop();
    }
  }

  const ofRequest = (url: string) => {
    const [span] = finished(`request ${url}`);
    return span ?? assert.fail(`no span of ${url}`);
  };

  const childOf = (child: ReadableSpan | undefined, parent: ReadableSpan) => {
    assert.ok(child);
    assert.equal(
      child.parentSpanContext?.spanId,
      parent.spanContext().spanId,
      `${child.name} of ${parent.name}`,
    );
    assert.equal(child.spanContext().traceId, parent.spanContext().traceId);
  };

  it('acquire, query, transaction and reset are children of their request’s span', () =>
    inRequests({ max: 1 }, async (app) => {
      app.get('/a', async (request) => {
        await request.db.query('SET @a = 1');
        await request.db.transaction((tx) => tx.query('SELECT 1'));
        return 'ok';
      });
      await app.inject('/a');
      await eventually(() => assert.equal(finished('reset connection').length, 1));
      const request = ofRequest('/a');
      const all = exporter.getFinishedSpans().filter((span) => span !== request);
      for (const span of all) childOf(span, request);
      const database = new URL(databaseUrl()).pathname.slice(1);
      assert.deepEqual(all.map(({ name }) => name).sort(), [
        `COMMIT ${database}`,
        `SELECT ${database}`,
        `SET ${database}`,
        `START TRANSACTION ${database}`,
        'acquire connection',
        'reset connection',
        'transaction',
      ]);
      const leases = new Set(all.map(({ attributes }) => attributes['handback.lease.id']));
      assert.equal(leases.size, 1, 'one lease');
    }));

  it('of requests that share a connection each has its own, whoever’s release woke it', () =>
    inRequests({ max: 1 }, async (app) => {
      app.get('/:who', async (request) => (await request.db.query('SET @a = 1'))[0]);
      await Promise.all(['/a', '/b', '/c'].map((url) => app.inject(url)));
      await eventually(() => assert.equal(finished('reset connection').length, 3));
      for (const url of ['/a', '/b', '/c']) {
        const request = ofRequest(url);
        const own = exporter
          .getFinishedSpans()
          .filter((span) => span.parentSpanContext?.spanId === request.spanContext().spanId);
        assert.deepEqual(own.map(({ name }) => name.split(' ')[0]).sort(), ['SET', 'acquire', 'reset'], url);
      }
    }));

  it('a query’s has the attributes of the conventions, and none of its values', () =>
    inRequests({}, async (app) => {
      app.get('/a', async (request) => request.db.query("SELECT ?, 'geheim-1', 4711", ['geheim-2']));
      await app.inject('/a');
      const [span] = finished('SELECT');
      const { pathname, port } = new URL(databaseUrl());
      const { attributes = {}, kind } = span ?? {};
      assert.equal(kind, SpanKind.CLIENT);
      assert.match(String(attributes[conventions.ATTR_DB_SYSTEM_NAME]), /^(mariadb|mysql)$/);
      assert.equal(
        attributes[conventions.ATTR_DB_SYSTEM_NAME],
        app.db.server?.isMariaDb ? 'mariadb' : 'mysql',
      );
      assert.equal(attributes[conventions.ATTR_DB_NAMESPACE], pathname.slice(1));
      assert.equal(attributes[conventions.ATTR_DB_OPERATION_NAME], 'SELECT');
      assert.equal(attributes[conventions.ATTR_DB_QUERY_TEXT], 'SELECT ?, ?, ?');
      assert.equal(typeof attributes[conventions.ATTR_SERVER_ADDRESS], 'string');
      assert.equal(
        attributes[conventions.ATTR_SERVER_PORT],
        Number(port || 3306) === 3306 ? undefined : Number(port),
      );
      assert.equal(attributes[conventions.ATTR_DB_CLIENT_CONNECTION_POOL_NAME], 'shop');
      assert.equal(attributes['handback.route'], '/a');
      const said = JSON.stringify(
        exporter.getFinishedSpans().map((each) => [each.name, each.attributes, each.events, each.status]),
      );
      assert.doesNotMatch(said, /geheim|4711/);
    }));

  it('a failed query’s says so by its code: the server’s message may have values in it', () =>
    inRequests({}, async (app) => {
      app.get('/a', async (request) => {
        await request.db.query('CREATE TEMPORARY TABLE once (a VARCHAR(20) PRIMARY KEY)');
        await request.db.query('INSERT INTO once VALUES (?)', ['geheim']);
        await request.db.query('INSERT INTO once VALUES (?)', ['geheim']).catch(() => {});
        return 'ok';
      });
      await app.inject('/a');
      const [, span] = finished('INSERT');
      assert.deepEqual(span?.status, { code: SpanStatusCode.ERROR });
      assert.equal(span?.attributes[conventions.ATTR_ERROR_TYPE], 'ER_DUP_ENTRY');
      assert.equal(span?.attributes[conventions.ATTR_DB_RESPONSE_STATUS_CODE], '1062');
      assert.deepEqual(span?.events, []);
      const said = JSON.stringify(
        exporter.getFinishedSpans().map((each) => [each.name, each.attributes, each.status]),
      );
      assert.doesNotMatch(said, /geheim/);
    }));

  it('an acquire that is refused, and a transaction that is rolled back, say how they ended', () =>
    inRequests({ max: 1 }, async (app) => {
      app.db.events.on('warning', () => {});
      app.get('/outer', async (request) => {
        await request.db.query('SELECT 1');
        const inner = await app.inject('/inner');
        await request.db
          .transaction(() => {
            throw new Error('no');
          })
          .catch(() => {});
        return inner.statusCode;
      });
      const impatient = { config: { handback: { acquireTimeoutMs: 20 } } };
      app.get('/inner', impatient, async (request) => request.db.query('SELECT 1'));
      await app.inject('/outer');
      const refused = finished('acquire').find(({ status }) => status.code === SpanStatusCode.ERROR);
      assert.equal(refused?.attributes[conventions.ATTR_ERROR_TYPE], 'ACQUIRE_TIMEOUT');
      assert.equal(refused?.attributes['handback.outcome'], 'failed');
      childOf(refused, ofRequest('/inner'));
      const [transaction] = finished('transaction');
      assert.equal(transaction?.attributes['handback.outcome'], 'rolled back');
    }));

  it('of a transaction that is begun and ended by hand too, however that ends', () =>
    inRequests({ max: 1 }, async (app) => {
      app.get('/:how', async (request) => {
        const { how } = request.params as { how: string };
        await request.db.beginTransaction();
        await request.db.query('SELECT 1');
        if (how === 'commit') await request.db.commit();
        else if (how === 'rollback') await request.db.rollback();
        return 'ok';
      });
      app.db.events.on('warning', () => {});
      const hows = { commit: 'committed', rollback: 'rolled back', forgotten: 'rolled back' };
      for (const how of Object.keys(hows)) await app.inject(`/${how}`);
      await eventually(() => assert.equal(finished('transaction').length, 3));
      for (const [n, [how, outcome]] of Object.entries(hows).entries()) {
        const span = finished('transaction')[n];
        childOf(span, ofRequest(`/${how}`));
        assert.equal(span?.attributes['handback.outcome'], outcome, how);
      }
    }));

  it('those that are open when it is stopped end when what they are about does, and no others begin', async () => {
    const pool = createPool(options());
    const stop = traceHandback({ tracerProvider: provider });
    const parent = trace.setSpan(context.active(), tracer.startSpan('parent'));
    const slow = context.with(parent, () => pool.query('SELECT SLEEP(0.05)'));
    stop();
    stop();
    assert.equal(finished('SELECT').length, 0);
    await Promise.all([slow, context.with(parent, () => pool.query('SELECT 1'))]);
    assert.equal(finished('SELECT').length, 1);
    for (const name of ['acquire', 'query', 'transaction', 'reset'])
      assert.equal(tracingChannel(`handback:${name}`).hasSubscribers, false, name);
    await pool.close();
  });

  it('of queries alone leave acquires as quick as they are', () => {
    const stop = traceHandback({ tracerProvider: provider, spans: ['query'] });
    assert.equal(tracingChannel('handback:acquire').hasSubscribers, false);
    stop();
  });

  it('can be made of some operations, and without statements', () =>
    inRequests(
      {},
      async (app) => {
        app.get('/a', async (request) => request.db.query('SELECT 1'));
        await app.inject('/a');
        const [query, ...more] = exporter
          .getFinishedSpans()
          .filter(({ name }) => !name.startsWith('request'));
        assert.deepEqual([query?.attributes[conventions.ATTR_DB_OPERATION_NAME], more.length], ['SELECT', 0]);
        assert.equal(query?.attributes[conventions.ATTR_DB_QUERY_TEXT], undefined);
      },
      { spans: ['query'], statements: false },
    ));

  it('a reset’s is a child of the one in which its lease was asked for, wherever that was given back', async () => {
    const pool = createPool(options());
    const stop = traceHandback({ tracerProvider: provider });
    const [asking, releasing] = ['asking', 'releasing'].map((name) => tracer.startSpan(name));
    assert.ok(asking && releasing);
    const within = <T>(span: Span, fn: () => T) => context.with(trace.setSpan(context.active(), span), fn);
    const lease = await within(asking, () => pool.acquire());
    await lease.query('SET @a = 1');
    within(releasing, () => lease.release());
    await eventually(() => assert.equal(finished('reset').length, 1));
    assert.equal(finished('reset')[0]?.parentSpanContext?.spanId, asking.spanContext().spanId);
    stop();
    await pool.close();
  });

  it('begin and end at run time: what nobody traces any more makes none', async () => {
    const pool = createPool(options());
    const parent: Span = tracer.startSpan('parent');
    const active: Context = trace.setSpan(context.active(), parent);
    const stop = traceHandback({ tracerProvider: provider });
    await context.with(active, () => pool.query('SELECT 1'));
    assert.equal(finished('SELECT').length, 1);
    stop();
    for (const name of ['acquire', 'query', 'transaction', 'reset'])
      assert.equal(tracingChannel(`handback:${name}`).hasSubscribers, false, name);
    await context.with(active, () => pool.query('SELECT 1'));
    assert.equal(finished('SELECT').length, 1);
    const listened = once(pool.events, 'release');
    (await pool.acquire()).release();
    await listened;
    assert.equal(finished('acquire').length, 1);
    await pool.close();
  });
});
