import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { databaseUrl } from '@handback/contract/support/database.js';
import type { ConnectionPool, LeaseFacts } from '@handback/core';
import expressHandback from '@handback/express';
import fastifyHandback from '@handback/fastify';
import { withDatabase } from '@handback/http';
import koaHandback from '@handback/koa';
import Router from '@koa/router';
import express from 'express';
import Fastify from 'fastify';
import Koa from 'koa';

interface Served {
  readonly pool: ConnectionPool;
  readonly listener: RequestListener;
  close(): Promise<unknown>;
}

const options = () => ({ uri: databaseUrl() });

/** Each answers POST /orders/:id with the rows of a query. */
const FRAMEWORKS: Record<string, () => Promise<Served>> = {
  async fastify() {
    const app = Fastify({ genReqId: ({ headers }) => `made of ${headers['x-request-id']}` });
    await app.register(fastifyHandback, options());
    app.post('/orders/:id', async (request) => (await request.db.query('SELECT 1'))[0]);
    await app.ready();
    return { pool: app.db, listener: app.routing, close: () => app.close() };
  },
  async express() {
    const app = express();
    const db = expressHandback(options());
    app.use(db);
    app.post('/orders/:id', async (req, res) => {
      res.json((await req.db.query('SELECT 1'))[0]);
    });
    return { pool: db.pool, listener: app, close: () => db.close() };
  },
  async koa() {
    const app = new Koa();
    const db = koaHandback(options());
    const router = new Router();
    router.post('/orders/:id', async (ctx) => {
      ctx.body = (await ctx.db.query('SELECT 1'))[0];
    });
    app.use(db).use(router.routes());
    return { pool: db.pool, listener: app.callback(), close: () => db.close() };
  },
  async http() {
    const db = withDatabase(async (req, res) => {
      res.end(JSON.stringify((await req.db.query('SELECT 1'))[0]));
    }, options());
    return { pool: db.pool, listener: db, close: () => db.close() };
  },
};

const SEEN: Record<string, Pick<LeaseFacts, 'route' | 'method' | 'requestId'>> = {
  fastify: { route: '/orders/:id', method: 'POST', requestId: 'made of abc-1' },
  express: { route: '/orders/:id', method: 'POST', requestId: 'abc-1' },
  koa: { route: '/orders/:id', method: 'POST', requestId: 'abc-1' },
  http: { route: 'POST (unmatched)', method: 'POST', requestId: 'abc-1' },
};

async function post(port: number, requestId: string): Promise<void> {
  const url = `http://127.0.0.1:${port}/orders/7`;
  const answer = await fetch(url, { method: 'POST', headers: { 'x-request-id': requestId } });
  assert.equal(answer.status, 200, await answer.text());
}

describe('what is told of a request’s lease', () => {
  for (const [name, serve] of Object.entries(FRAMEWORKS)) {
    it(`${name}: its route, its method and its id, from the acquire to the release`, async () => {
      const { pool, listener, close } = await serve();
      const server = createServer(listener).listen(0, '127.0.0.1');
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      try {
        for (const event of ['acquire', 'release'] as const) {
          const told = once(pool.events, event);
          await post(port, 'abc-1');
          const [{ route, method, requestId }] = (await told) as [LeaseFacts];
          assert.deepEqual({ route, method, requestId }, SEEN[name], event);
        }
      } finally {
        server.close();
        server.closeAllConnections();
        await close();
      }
    });
  }

  it('a header that is no plain name is not passed on: anybody can send one', async () => {
    const { pool, listener, close } = await (FRAMEWORKS.express as () => Promise<Served>)();
    const server = createServer(listener).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    try {
      for (const bad of ['a b', '"}{', 'x'.repeat(129)]) {
        const told = once(pool.events, 'release');
        await post(port, bad);
        assert.equal('requestId' in ((await told)[0] as object), false, bad);
      }
    } finally {
      server.close();
      server.closeAllConnections();
      await close();
    }
  });
});
