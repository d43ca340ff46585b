import { strict as assert } from 'node:assert';
import { type ClientHttp2Session, connect, createServer, type Http2ServerResponse } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { databaseUrl } from '@handback/contract/support/database.js';
import { eventually } from '@handback/contract/support/eventually.js';
import { type ConnectionPool, createPool, type Scope } from '@handback/core';
import fastifyHandback from '@handback/fastify';
import { type Http2Request, withDatabase } from '@handback/http';
import koaHandback from '@handback/koa';
import Fastify from 'fastify';
import Koa from 'koa';

interface Running {
  port: number;
  close(): Promise<void>;
}

/** What became of the signals of `/signal`: '?' until they abort. */
const told: { signal: AbortSignal; code: string }[] = [];

/** Answers the first one at once, the others when their client has left. */
async function tellOf(db: Scope): Promise<string> {
  await db.query('SELECT 1');
  const { signal } = db;
  const one = { signal, code: '?' };
  told.push(one);
  if (told.length === 1) return 'answered';
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  one.code = signal.reason.code;
  return 'nobody reads this';
}

async function fastify(pool: ConnectionPool): Promise<Running> {
  const app = Fastify({ http2: true });
  await app.register(fastifyHandback, { pool });
  app.get('/', async (request) => (await request.db.query('SELECT 1 AS one'))[0]);
  app.get('/signal', (request) => tellOf(request.db));
  app.get('/slow', async (request) => (await request.db.query('SELECT SLEEP(0.2)'))[0]);
  await app.listen({ port: 0, host: '127.0.0.1' });
  return { port: (app.server.address() as AddressInfo).port, close: () => app.close() };
}

async function koa(pool: ConnectionPool): Promise<Running> {
  const app = new Koa();
  app.use(koaHandback({ pool }));
  app.use(async (ctx) => {
    if (ctx.path === '/signal') {
      ctx.body = await tellOf(ctx.db);
      return;
    }
    const sql = ctx.path === '/slow' ? 'SELECT SLEEP(0.2)' : 'SELECT 1 AS one';
    [ctx.body] = await ctx.db.query(sql);
  });
  const server = createServer(app.callback());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = () => new Promise<void>((resolve) => server.close(() => resolve()));
  return { port: (server.address() as AddressInfo).port, close };
}

async function http(pool: ConnectionPool): Promise<Running> {
  const handler = async (req: Http2Request, res: Http2ServerResponse) => {
    if (req.url === '/signal') {
      res.end(await tellOf(req.db));
      return;
    }
    const sql = req.url === '/slow' ? 'SELECT SLEEP(0.2)' : 'SELECT 1 AS one';
    const [rows] = await req.db.query(sql);
    res.end(JSON.stringify(rows));
  };
  const server = createServer(withDatabase(handler, { pool }));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = () => new Promise<void>((resolve) => server.close(() => resolve()));
  return { port: (server.address() as AddressInfo).port, close };
}

function request(session: ClientHttp2Session, path: string): Promise<string> & { cancel(): void } {
  const stream = session.request({ ':path': path });
  let body = '';
  stream.on('data', (chunk) => {
    body += chunk;
  });
  stream.on('error', () => {});
  const done = new Promise<string>((resolve) => stream.on('close', () => resolve(body)));
  return Object.assign(done, { cancel: () => stream.close(8) });
}

for (const [name, start] of Object.entries({ fastify, koa, http })) {
  describe(`HTTP/2 on ${name}`, () => {
    it('requests of one session share a connection in turn, and a cancelled one leaves nothing behind', async () => {
      const pool = createPool({ uri: databaseUrl(), max: 2 });
      const { port, close } = await start(pool);
      const session = connect(`http://127.0.0.1:${port}`);
      try {
        for (let n = 0; n < 20; n++) assert.deepEqual(JSON.parse(await request(session, '/')), [{ one: 1 }]);
        assert.equal(pool.stats().opened, 1);
        const slow = request(session, '/slow');
        await eventually(() => assert.equal(pool.stats().leased, 1));
        slow.cancel();
        await slow;
        await eventually(() => assert.equal(pool.stats().leased, 0));
        assert.deepEqual(JSON.parse(await request(session, '/')), [{ one: 1 }]);
      } finally {
        session.destroy();
        await close();
        await pool.close();
      }
    });

    for (const releaseOn of ['end', 'finish'] as const)
      it(`db.signal aborts when the stream is cancelled, and when the session ends; not for one that was answered (releaseOn '${releaseOn}')`, async () => {
        const pool = createPool({ uri: databaseUrl(), max: 3, releaseOn });
        const { port, close } = await start(pool);
        const session = connect(`http://127.0.0.1:${port}`);
        told.length = 0;
        try {
          assert.equal(await request(session, '/signal'), 'answered');
          const cancelled = request(session, '/signal');
          const left = request(session, '/signal');
          await eventually(() => assert.equal(told.length, 3));
          cancelled.cancel();
          await cancelled;
          await eventually(() => assert.equal(told[1]?.code, 'CLIENT_GONE'));
          assert.equal(told[2]?.signal.aborted, false);
          session.destroy();
          await left;
          await eventually(() => assert.equal(told[2]?.code, 'CLIENT_GONE'));
          assert.equal(told[0]?.signal.aborted, false);
        } finally {
          session.destroy();
          await close();
          await pool.close();
        }
      });
  });
}
