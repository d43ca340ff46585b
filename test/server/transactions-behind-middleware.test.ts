import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import fastifyCompress from '@fastify/compress';
import fastifyCookie from '@fastify/cookie';
import fastifySession from '@fastify/session';
import { databaseUrl, withBank } from '@handback/contract/support/database.js';
import { eventually } from '@handback/contract/support/eventually.js';
import { request } from '@handback/contract/support/raw-client.js';
import { ServerWatcher } from '@handback/contract/support/server-watcher.js';
import { type ConnectionPool, createPool, type Scope } from '@handback/core';
import expressHandback from '@handback/express';
import fastifyHandback from '@handback/fastify';
import koaHandback from '@handback/koa';
import compression from 'compression';
import express from 'express';
import session from 'express-session';
import Fastify from 'fastify';
import Koa from 'koa';
import koaCompress from 'koa-compress';
import koaSession from 'koa-session';

const SECRET = 'a secret that is long enough for all of them';
const LARGE = 'a body that compression finds worth its while '.repeat(100);

interface App {
  server: Server;
  close(): Promise<unknown>;
}

/** What the handler does before it answers with a large body and a visit in the session. */
type Work = (db: Scope) => Promise<void>;
type Start = (pool: ConnectionPool, work: Work) => Promise<App>;

async function listening(listener: RequestListener): Promise<App> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, close: () => new Promise((resolve) => server.close(resolve)) };
}

/** In which order the framework's middleware is told of sessions and compression, and of Handback. */
type Place = 'in front' | 'behind';

const frameworks: Record<string, (place: Place) => Start> = {
  fastify: (place) => async (pool, work) => {
    const app = Fastify();
    const others = async () => {
      await app.register(fastifyCookie);
      await app.register(fastifySession, { secret: SECRET, cookie: { secure: false } });
      await app.register(fastifyCompress, { threshold: 0 });
    };
    if (place === 'in front') await others();
    await app.register(fastifyHandback, { pool, transaction: true });
    if (place === 'behind') await others();
    app.get('/', async (req) => {
      await work(req.db);
      (req.session as unknown as Record<string, unknown>).visits = 1;
      return LARGE;
    });
    await app.listen({ port: 0, host: '127.0.0.1' });
    return { server: app.server, close: () => app.close() };
  },
  express: (place) => async (pool, work) => {
    const app = express().set('env', 'test');
    const others = [
      session({ secret: SECRET, resave: false, saveUninitialized: true }),
      compression({ threshold: 0 }),
    ];
    // What comes behind it wraps the response after the first query.
    const first: express.RequestHandler = async (req, _res, next) => {
      await req.db.query('SELECT 1');
      next();
    };
    const ours = expressHandback({ pool, transaction: true });
    app.use(...(place === 'in front' ? [...others, ours] : [ours, first, ...others]));
    app.get('/', async (req, res) => {
      await work(req.db);
      (req.session as unknown as Record<string, unknown>).visits = 1;
      res.send(LARGE);
    });
    return listening(app);
  },
  koa: (place) => async (pool, work) => {
    const app = new Koa();
    app.silent = true;
    app.keys = [SECRET];
    const others = [koaSession(app), koaCompress({ threshold: 0 })];
    const ours = koaHandback({ pool, transaction: true });
    for (const each of place === 'in front' ? [...others, ours] : [ours, ...others]) app.use(each);
    app.use(async (ctx) => {
      await work(ctx.db);
      if (ctx.session) ctx.session.visits = 1;
      ctx.body = LARGE;
    });
    return listening(app.callback());
  },
};

async function answerOf(start: Start, work: Work) {
  const pool = createPool({ uri: databaseUrl(), max: 2 });
  const { server, close } = await start(pool, work);
  try {
    const { port } = server.address() as AddressInfo;
    const answer = await request(port, '/', { headers: { 'Accept-Encoding': 'gzip' } });
    await eventually(() => assert.equal(pool.stats().leased, 0));
    return answer;
  } finally {
    server.closeAllConnections();
    await close();
    await pool.close();
  }
}

for (const place of ['in front', 'behind'] as const) {
  for (const [framework, placed] of Object.entries(frameworks)) {
    const start = placed(place);
    describe(`a request's transaction with sessions and compression ${place}, on ${framework}`, () => {
      it('is committed before the compressed answer, which carries the session', () =>
        withBank(async (bank) => {
          const { status, headers, body } = await answerOf(start, async (db) => {
            await db.query(bank.add, [-100, 1]);
          });
          assert.equal(status, 200);
          assert.equal(headers['content-encoding'], 'gzip');
          assert.equal(gunzipSync(body).toString(), LARGE);
          assert.ok(headers['set-cookie'], 'the session was not saved');
          assert.equal(await bank.balance(1), 900);
        }));

      const outcome = place === 'behind' ? 'a 500 that can be read, or cut off' : 'a 500 that can be read';
      it(`that can not be committed is answered with ${outcome}`, () =>
        withBank(async (bank) => {
          const watcher = await ServerWatcher.open();
          const answer = await answerOf(start, async (db) => {
            await db.query(bank.add, [-100, 1]);
            const [[row]] = (await db.query('SELECT CONNECTION_ID() AS id')) as unknown as [{ id: number }[]];
            const { id } = row as { id: number };
            await watcher.disconnect(id);
            await eventually(async () => assert.ok(!(await watcher.isConnected(id))));
          })
            .catch((error: Error) => {
              // Compression that takes its time makes a stream of it.
              if (place === 'behind' && /before its answer was whole/.test(error.message)) return null;
              throw error;
            })
            .finally(() => watcher.close());
          assert.equal(await bank.balance(1), 1000);
          if (!answer) return;
          const { status, headers, body } = answer;
          assert.equal(status, 500);
          const text = headers['content-encoding'] === 'gzip' ? gunzipSync(body).toString() : body.toString();
          assert.match(text, /Internal Server Error|TRANSACTION_ROLLED_BACK|was rolled back/);
        }));
    });
  }
}
