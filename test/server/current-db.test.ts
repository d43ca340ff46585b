import { strict as assert } from 'node:assert';
import { AsyncResource } from 'node:async_hooks';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import websocket from '@fastify/websocket';
import { databaseUrl } from '@handback/contract/support/database.js';
import { eventually } from '@handback/contract/support/eventually.js';
import { RawClient, request } from '@handback/contract/support/raw-client.js';
import { createPool, currentDb } from '@handback/core';
import handbackForExpress from '@handback/express';
import handbackForFastify from '@handback/fastify';
import handbackForKoa from '@handback/koa';
import express, { type NextFunction, type Request, type Response } from 'express';
import fastify from 'fastify';
import Koa from 'koa';
import { WebSocket } from 'ws';

const run = promisify(execFile);
const OPTIONS = { max: 2, context: true } as const;

/** Where code ran, and whether it found the scope of its request. */
type Seen = [where: string, found: unknown][];

function finds(db: unknown): unknown {
  try {
    return currentDb() === db;
  } catch (error) {
    return (error as { code?: string }).code;
  }
}

function allFound(seen: Seen, places: string[]): void {
  assert.deepEqual(
    seen.map(([where]) => where),
    places,
  );
  assert.deepEqual(
    seen.filter(([, found]) => found !== true),
    [],
  );
}

/** In two pieces, the second of which comes when the first has arrived. */
async function postSlowly(port: number): Promise<number> {
  const client = await RawClient.connect(port);
  client.write(
    'POST /work HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\nContent-Length: 13\r\n\r\n{"a":',
  );
  await request(port, '/other');
  client.write('"12345"}');
  const { status } = await client.receive();
  client.leave('FIN');
  return status;
}

async function listening(server: Server): Promise<number> {
  if (!server.listening) await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

describe('currentDb in Fastify', () => {
  it('is known in every hook, behind a slow body, in the error handler and in the events of the response', async () => {
    const seen: Seen = [];
    const app = fastify();
    await app.register(handbackForFastify, { uri: databaseUrl(), ...OPTIONS });
    const see = (where: string, req: { db: unknown; url: string }) => {
      if (req.url === '/work') seen.push([where, finds(req.db)]);
    };
    app.addHook('onRequest', async (req) => see('onRequest', req));
    app.addHook('preParsing', async (req) => see('preParsing', req));
    app.addHook('preValidation', async (req) => see('preValidation', req));
    app.addHook('preHandler', async (req) => see('preHandler', req));
    app.addHook('onError', async (req) => see('onError', req));
    app.addHook('onSend', async (req) => see('onSend', req));
    app.addHook('onResponse', async (req) => see('onResponse', req));
    app.setErrorHandler(async (_error, req, reply) => {
      see('error handler', req);
      await reply.code(418).send({});
    });
    app.post('/work', async (req, reply) => {
      reply.raw.on('finish', () => see('finish', req));
      await currentDb().query('SELECT 1');
      see('handler', req);
      throw new Error('on purpose');
    });
    app.get('/other', async () => ({}));
    await app.listen({ port: 0, host: '127.0.0.1' });
    assert.equal(await postSlowly(await listening(app.server)), 418);
    await eventually(() => assert.equal(seen.length, 10));
    await app.close();
    seen.sort(([a], [b]) => a.localeCompare(b));
    const places =
      'error handler,finish,handler,onError,onRequest,onResponse,onSend,preHandler,preParsing,preValidation';
    allFound(seen, places.split(','));
  });

  it('of an encapsulated registration is known there, and in the other only its own', async () => {
    const app = fastify();
    await app.register(handbackForFastify, { uri: databaseUrl(), ...OPTIONS });
    const known = (as: string) => {
      try {
        return currentDb(as).state;
      } catch (error) {
        return (error as { code?: string }).code;
      }
    };
    const look = async () => [known('db'), known('inner')];
    await app.register(async (inner) => {
      await inner.register(handbackForFastify, { uri: databaseUrl(), ...OPTIONS, as: 'inner' });
      inner.get('/inner', look);
    });
    app.get('/outer', look);
    const [outer, inner] = [await app.inject('/outer'), await app.inject('/inner')];
    await app.close();
    assert.deepEqual(
      [outer.json(), inner.json()],
      [
        ['unused', 'NO_CURRENT_DB'],
        ['unused', 'unused'],
      ],
    );
  });

  it('of a request that a job has made is not the job’s', async () => {
    const pool = createPool({ uri: databaseUrl(), name: 'jobs', context: true });
    const app = fastify();
    await app.register(handbackForFastify, { pool, context: true });
    app.get('/', async (req) => [finds(req.db), finds(undefined), await names()]);
    const names = async () => {
      try {
        return currentDb('jobs').state;
      } catch (error) {
        return (error as { code?: string }).code;
      }
    };
    const { body } = await pool.run(async (db) => {
      assert.equal(currentDb(), db);
      assert.equal(currentDb('jobs'), db);
      return app.inject('/');
    });
    await app.close();
    await pool.close();
    assert.deepEqual(JSON.parse(body), [true, false, 'NO_CURRENT_DB']);
  });

  it('is a double that a test has put in its place', async () => {
    const app = fastify();
    await app.register(handbackForFastify, { uri: databaseUrl(), ...OPTIONS });
    const double = { query: async () => 'double' };
    app.addHook('preHandler', async (req) => {
      req.db = double as never;
    });
    app.get('/', async () => currentDb().query('SELECT 1'));
    assert.equal((await app.inject('/')).body, 'double');
    await app.close();
  });
});

describe('currentDb in a WebSocket route', () => {
  it('is known where the route begins, not in its messages, unless their listener is bound', async () => {
    const app = fastify();
    await app.register(handbackForFastify, { uri: databaseUrl(), ...OPTIONS });
    await app.register(websocket);
    app.get('/', { websocket: true }, (socket, { db }) => {
      const begun = finds(db);
      const bound = AsyncResource.bind(() => finds(db));
      socket.on('message', () => socket.send(JSON.stringify([begun, finds(db), bound()])));
    });
    await app.listen({ port: 0, host: '127.0.0.1' });
    const socket = new WebSocket(`ws://127.0.0.1:${await listening(app.server)}/`);
    await once(socket, 'open');
    socket.send('go');
    const [answer] = await once(socket, 'message');
    socket.terminate();
    await app.close();
    assert.deepEqual(JSON.parse(String(answer)), [true, 'NO_CURRENT_DB', true]);
  });
});

describe('currentDb in Express', () => {
  it('is known behind a slow body, in error middlewares and in the events of the response', async () => {
    const seen: Seen = [];
    const app = express();
    const plugin = handbackForExpress({ uri: databaseUrl(), ...OPTIONS });
    const see = (where: string, req: Request) => seen.push([where, finds(req.db)]);
    app.use(plugin);
    app.use(express.json());
    app.get('/other', (_req, res) => void res.json({}));
    app.post('/work', (req, res, next) => {
      see('middleware', req);
      res.on('finish', () => see('finish', req));
      currentDb()
        .query('SELECT nothing')
        .catch((error) => {
          see('catch', req);
          next(error);
        });
    });
    app.use((_error: unknown, req: Request, res: Response, _next: NextFunction) => {
      see('error middleware', req);
      res.status(418).json({});
    });
    const server = app.listen(0, '127.0.0.1');
    assert.equal(await postSlowly(await listening(server)), 418);
    await eventually(() => assert.equal(seen.length, 4));
    server.close();
    await plugin.close();
    allFound(seen, ['middleware', 'catch', 'error middleware', 'finish']);
  });
});

describe('currentDb in Koa', () => {
  it('is known before and after the handler, behind a slow body, and where errors are caught', async () => {
    const seen: Seen = [];
    const app = new Koa();
    const plugin = handbackForKoa({ uri: databaseUrl(), ...OPTIONS });
    app.use(plugin);
    app.use(async (ctx, next) => {
      if (ctx.path === '/other') {
        ctx.body = {};
        return;
      }
      const see = (where: string) => seen.push([where, finds(ctx.db)]);
      see('before');
      await next().catch(() => {
        see('catch');
        ctx.status = 418;
      });
      see('after');
    });
    app.use(async (ctx) => {
      for await (const _chunk of ctx.req) seen.push(['body', finds(ctx.db)]);
      await currentDb().query('SELECT 1');
      seen.push(['handler', finds(ctx.db)]);
      throw new Error('on purpose');
    });
    const server = app.listen(0, '127.0.0.1');
    assert.equal(await postSlowly(await listening(server)), 418);
    server.close();
    await plugin.close();
    allFound([...new Map(seen)], ['before', 'body', 'handler', 'catch', 'after']);
  });
});

async function printed(script: string): Promise<string> {
  const env = { ...process.env, HANDBACK_TEST_DATABASE_URL: databaseUrl() };
  const { stdout } = await run(process.execPath, ['--expose-gc', '--input-type=module', '-e', script], {
    env,
  });
  return stdout.trim();
}

describe('the option context', () => {
  it('costs nothing until it is used: nothing enters an AsyncLocalStorage', async () => {
    const script = `
      import { AsyncLocalStorage } from 'node:async_hooks';
      import fastify from 'fastify';
      import handback from '@handback/fastify';
      const entered = [];
      for (const name of ['run', 'enterWith']) {
        const original = AsyncLocalStorage.prototype[name];
        AsyncLocalStorage.prototype[name] = function (...args) {
          entered.push(name);
          return original.apply(this, args);
        };
      }
      const uri = process.env.HANDBACK_TEST_DATABASE_URL;
      for (const context of [false, undefined, true]) {
        const app = fastify();
        await app.register(handback, { uri, context });
        app.get('/', async (request) => {
          await request.db.query('SELECT 1');
          await request.db.transaction((tx) => tx.query('SELECT 1'));
          await app.db.query('SELECT 1');
          await app.db.run((db) => db.query('SELECT 1'));
          await app.db.transaction((tx) => tx.query('SELECT 1'));
          const lease = await app.db.acquire({ scope: request.db });
          lease.release();
          return {};
        });
        entered.length = 0;
        const { statusCode } = await app.inject('/');
        console.log(statusCode, entered.length > 0);
        await app.close();
      }
    `;
    assert.equal(await printed(script), '200 false\n200 false\n200 true');
  });

  for (const framework of ['fastify', 'express', 'koa']) {
    it(`keeps no request on a keep-alive socket after its end (${framework})`, async () => {
      assert.equal(await printed(keptAlive(framework)), 'collected');
    });
  }
});

/**
 * Of the second request on a socket nothing must be left when others were answered. (In the first, Koa makes Node load its
 * `Response`, and with it a promise that stays.)
 */
function keptAlive(framework: string): string {
  const apps: Record<string, string> = {
    fastify: `const app = fastify();
      await app.register(handback, { uri, context: true });
      app.get('/', async (request) => { await handler(request.raw); return {}; });
      await app.listen({ port: 0, host: '127.0.0.1' });
      const { server } = app;
      const close = () => app.close();`,
    express: `const app = express();
      const plugin = handback({ uri, context: true });
      app.use(plugin);
      app.get('/', async (req, res) => { await handler(req); res.json({}); });
      const server = app.listen(0, '127.0.0.1');
      const close = () => { server.close(); return plugin.close(); };`,
    koa: `const app = new Koa();
      const plugin = handback({ uri, context: true });
      app.use(plugin);
      app.use(async (ctx) => { await handler(ctx.req); ctx.body = {}; });
      const server = app.listen(0, '127.0.0.1');
      const close = () => { server.close(); return plugin.close(); };`,
  };
  const imported = framework === 'koa' ? 'Koa' : framework;
  return `
    import http from 'node:http';
    import { once } from 'node:events';
    import ${imported} from '${framework}';
    import handback, { currentDb } from '@handback/${framework}';
    const uri = process.env.HANDBACK_TEST_DATABASE_URL;
    const second = [];
    let asked = 0;
    const handler = async (req) => {
      await currentDb().query('SET @a = 1');
      for await (const row of currentDb().stream('SELECT 1')) ;
      const requests = [currentDb(), req].map((each) => new WeakRef(each));
      if (++asked === 2) second.push(...requests);
    };
    ${apps[framework]}
    if (!server.listening) await once(server, 'listening');
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    const sockets = new Set();
    server.on('connection', (socket) => sockets.add(socket));
    const ask = () => new Promise((resolve, reject) => {
      http.get({ port: server.address().port, host: '127.0.0.1', agent }, (res) => res.resume().on('end', resolve)).on('error', reject);
    });
    for (let n = 0; n < 4; n++) await ask();
    for (let n = 0; n < 100 && second.some((each) => each.deref()); n++) {
      await new Promise((resolve) => setTimeout(resolve, n < 10 ? 1 : 25));
      globalThis.gc();
    }
    const open = [...sockets].filter((socket) => !socket.destroyed).length;
    if (sockets.size !== 1 || open !== 1) console.log('sockets', sockets.size, open);
    console.log(second.length === 2 && second.every((each) => each.deref() === undefined) ? 'collected' : 'kept');
    agent.destroy();
    await close();
  `;
}
