import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, METHODS, type RequestListener, request as send } from 'node:http';
import * as http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import { databaseUrl } from '@handback/contract/support/database.js';
import type { ConnectionPool } from '@handback/core';
import expressHandback from '@handback/express';
import fastifyHandback from '@handback/fastify';
import { withDatabase } from '@handback/http';
import koaHandback from '@handback/koa';
import { collectMetrics } from '@handback/prometheus';
import Router from '@koa/router';
import express5 from 'express';
import express4 from 'express4';
import Fastify from 'fastify';
import Koa from 'koa';
import { Registry } from 'prom-client';
import { Scrape } from './exposition.js';

const options = () => ({ uri: databaseUrl(), max: 4, name: 'shop' });

/** Sends requests to a listener, and tells what they were called in events and labels. */
async function routesOf(
  { pool, listener, close }: { pool: ConnectionPool; listener: RequestListener; close(): Promise<unknown> },
  requests: readonly (readonly [method: string, path: string])[],
): Promise<string[]> {
  const register = new Registry();
  const stop = collectMetrics(pool, { register });
  const told = new Set<string>();
  pool.events.on('release', ({ route }) => told.add(route));
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const { port } = server.address() as AddressInfo;
    for (const [method, path] of requests) {
      const req = send({ host: '127.0.0.1', port, method, path }).end();
      const [res] = await once(req, 'response');
      res.resume();
      await once(res, 'close');
    }
    const scrape = new Scrape(await register.metrics());
    const labels = scrape
      .samples('handback_acquire_wait_seconds_count')
      .map(({ labels: { route } }) => route);
    assert.deepEqual(new Set(labels), told);
    return [...told].sort();
  } finally {
    stop();
    server.close();
    server.closeAllConnections();
    await close();
  }
}

const many = (make: (n: number) => string) =>
  Array.from({ length: 120 }, (_, n) => ['GET', make(n)] as const);

for (const [major, express] of [
  [5, express5],
  [4, express4 as unknown as typeof express5],
] as const)
  describe(`the names of routes: Express ${major}`, () => {
    async function named(
      build: (app: express5.Express) => void,
      requests: Parameters<typeof routesOf>[1],
    ): Promise<string[]> {
      const app = express();
      const db = expressHandback(options());
      app.use(db);
      build(app);
      app.use(async (req, res) => void res.json(await req.db.query('SELECT 1')));
      return routesOf({ pool: db.pool, listener: app, close: () => db.close() }, requests);
    }

    const handler: express5.RequestHandler = async (req, res) =>
      void res.json(await req.db.query('SELECT 1'));

    it('a mounted router’s has the pattern of its mount, never what a client has sent for it', async () => {
      const build = (app: express5.Express) => {
        const orders = express.Router();
        orders.get('/orders/:id', handler);
        const inner = express.Router();
        inner.use('/:area', orders);
        app.use('/tenants/:tenant', orders);
        app.use('/deep/:one', inner);
        app.use('/plain', orders);
      };
      const requests = [
        ...many((n) => `/tenants/${n}/orders/${n}`),
        ...many((n) => `/deep/a${n}/b%20${n}/orders/1`),
        ...[...'plain'].map(
          (_, n) => ['GET', `/${'plain'.slice(0, n)}${'plain'.slice(n).toUpperCase()}/orders/1`] as const,
        ),
        ['GET', '/plain/orders/1'],
      ] as const;
      assert.deepEqual(await named(build, requests), [
        '/deep/:one/:area/orders/:id',
        '/plain/orders/:id',
        '/tenants/:tenant/orders/:id',
      ]);
    });

    it('a mounted application’s too, inside of others, and beside others', async () => {
      const build = (app: express5.Express) => {
        const [admin, shop, deep] = [express(), express(), express()];
        for (const each of [admin, shop, deep]) each.get('/things', handler);
        deep.get('/', handler);
        shop.use('/deep', deep);
        app.use('/admin', admin);
        app.use('/shops/:shop', shop);
      };
      const requests = [
        ['GET', '/admin/things'],
        ...many((n) => `/shops/${n}/things`),
        ['GET', '/shops/1/deep/things'],
        ['GET', '/SHOPS/2/deep'],
      ] as const;
      assert.deepEqual(await named(build, requests), [
        '/admin/things',
        '/shops/:shop/deep/',
        '/shops/:shop/deep/things',
        '/shops/:shop/things',
      ]);
    });

    it('of one that is called by hand the mount is not known, and not guessed', async () => {
      const build = (app: express5.Express) => {
        const orders = express.Router();
        orders.get('/orders/:id', handler);
        app.use('/tenants/:tenant', (req, res, next) => orders(req, res, next));
      };
      assert.deepEqual(
        await named(
          build,
          many((n) => `/tenants/${n}/orders/${n}`),
        ),
        ['…/orders/:id'],
      );
    });

    it('what no route has matched goes by its method', async () => {
      const requests = [
        ...many((n) => `/${n}?q=${n}`),
        ['HEAD', '/x'],
        ['PROPFIND', '/y'],
        ['OPTIONS', '/z'],
      ] as const;
      assert.deepEqual(await named(() => {}, requests), [
        'GET (unmatched)',
        'HEAD (unmatched)',
        'OPTIONS (unmatched)',
        'PROPFIND (unmatched)',
      ]);
    });
  });

/** As the first versions of Express 5 have it: what has matched is in the layer. */
function oldLayer(layer: object): void {
  const { match } = layer as { match(path: string): false | { path: string; params: object } };
  const old = (path: string) => {
    const matched = match.call(layer, path);
    if (matched) Object.assign(layer, { path: matched.path, params: matched.params });
    return matched !== false;
  };
  Object.assign(layer, { match: old });
}

describe('the names of routes', () => {
  it('the first versions of Express 5: the pattern of a mount is made out of what has matched', async () => {
    const app = express5();
    const db = expressHandback(options());
    const orders = express5.Router();
    orders.get('/orders/:id', async (req, res) => {
      // Express itself has matched the request by now.
      for (const layer of app.router.stack) oldLayer(layer);
      res.json(await req.db.query('SELECT 1'));
    });
    app.use(db).use('/Tenants/:tenant/:area', orders);
    const served = { pool: db.pool, listener: app, close: () => db.close() };
    assert.deepEqual(await routesOf(served, [['GET', '/TENANTS/7/a%20b/orders/1']]), [
      '/tenants/:tenant/:area/orders/:id',
    ]);
  });

  it('Fastify: the pattern with the prefixes of its plugins; for what is not found the method', async () => {
    const app = Fastify();
    await app.register(fastifyHandback, options());
    app.addHook('preHandler', async (request) => void (await request.db.query('SELECT 1')));
    await app.register(
      async (inner) => {
        inner.get('/orders/:id', async () => 'ok');
        inner.route({ method: ['HEAD', 'OPTIONS'], url: '/x/*', handler: async () => 'ok' });
      },
      { prefix: '/tenants/:tenant' },
    );
    await app.ready();
    const requests = [
      ...many((n) => `/tenants/${n}/orders/${n}`),
      ...many((n) => `/nowhere/${n}`),
      ['HEAD', '/tenants/1/x/2'],
      ['OPTIONS', '/tenants/1/x/3/4'],
    ] as const;
    const served = { pool: app.db, listener: app.routing, close: () => app.close() };
    assert.deepEqual(await routesOf(served, requests), [
      '/tenants/:tenant/orders/:id',
      '/tenants/:tenant/x/*',
      'GET (unmatched)',
    ]);
  });

  it('Koa: the pattern with the router’s prefix; without a router the method', async () => {
    const app = new Koa();
    const db = koaHandback(options());
    const router = new Router({ prefix: '/tenants/:tenant' });
    router.get('/orders/:id', async (ctx) => {
      ctx.body = await ctx.db.query('SELECT 1');
    });
    app.use(db).use(router.routes());
    app.use(async (ctx) => {
      ctx.body = await ctx.db.query('SELECT 1');
    });
    const requests = [...many((n) => `/tenants/${n}/orders/${n}`), ...many((n) => `/nowhere/${n}`)];
    const served = { pool: db.pool, listener: app.callback(), close: () => db.close() };
    assert.deepEqual(await routesOf(served, requests), ['/tenants/:tenant/orders/:id', 'GET (unmatched)']);
  });

  it('HTTP/2, where a method is any word: those that Node does not know are one', async () => {
    const db = withDatabase(async (req, res) => {
      res.end(JSON.stringify(await req.db.query('SELECT 1')));
    }, options());
    const told = new Set<string>();
    db.pool.events.on('release', ({ route }) => told.add(route));
    const server = http2.createServer(db).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const client = http2.connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    try {
      for (const method of ['GET', ...Array.from({ length: 20 }, (_, n) => `WORD${n}`)]) {
        const stream = client.request({ ':method': method, ':path': '/' });
        stream.resume();
        stream.end();
        await once(stream, 'close');
      }
    } finally {
      client.close();
      server.close();
      await db.close();
    }
    assert.deepEqual([...told].sort(), ['GET (unmatched)', 'OTHER (unmatched)']);
    assert.ok(!METHODS.includes('OTHER'));
  });

  it('quotes, backslashes and ends of lines in a job’s name are what they were when they are scraped', async () => {
    const register = new Registry();
    const app = Fastify();
    await app.register(fastifyHandback, options());
    await app.ready();
    const stop = collectMetrics(app.db, { register });
    const names = ['a "quoted" job', 'back\\slash\\n', 'two\nlines', '{route="x"} 1', 'ünï→'];
    for (const name of names) await app.db.run((db) => db.query('SELECT 1'), { name });
    const scrape = new Scrape(await register.metrics());
    const labels = scrape.samples('handback_lease_hold_seconds_count').map(({ labels: { route } }) => route);
    assert.deepEqual(labels.sort(), names.sort());
    stop();
    await app.close();
  });
});
