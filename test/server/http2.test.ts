import { strict as assert } from 'node:assert';
import {
  type ClientHttp2Session,
  connect,
  createServer,
  type Http2Server,
  type Http2ServerResponse,
  type ServerHttp2Session,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import { type Bank, databaseUrl, unique, withBank } from '@handback/contract/support/database.js';
import { eventually, within } from '@handback/contract/support/eventually.js';
import { ServerWatcher } from '@handback/contract/support/server-watcher.js';
import { type ConnectionPool, createPool, type PoolOptions, type Scope } from '@handback/core';
import fastifyHandback from '@handback/fastify';
import { type Http2Request, withDatabase } from '@handback/http';
import koaHandback from '@handback/koa';
import Fastify from 'fastify';
import Koa from 'koa';

type Handler = (db: Scope) => unknown;
type Handlers = Record<string, Handler>;

interface Running {
  port: number;
  /** What Fastify's hooks saw of the requests; Koa has none. */
  hooks: string[];
  close(): Promise<void>;
}

type Start = (pool: ConnectionPool, handlers: Handlers) => Promise<Running>;

const fastify: Start = async (pool, handlers) => {
  const app = Fastify({ http2: true, forceCloseConnections: true });
  const hooks: string[] = [];
  app.addHook('onResponse', async () => void hooks.push('onResponse'));
  app.addHook('onRequestAbort', async (_request) => void hooks.push('onRequestAbort'));
  await app.register(fastifyHandback, { pool });
  for (const [path, handler] of Object.entries(handlers)) {
    app.get(path, async (request) => handler(request.db));
  }
  await app.listen({ port: 0, host: '127.0.0.1' });
  return { port: (app.server.address() as AddressInfo).port, hooks, close: () => app.close() };
};

const koa: Start = async (pool, handlers) => {
  const app = new Koa();
  app.silent = true;
  app.use(koaHandback({ pool }));
  app.use(async (ctx) => {
    ctx.body = await handlers[ctx.path]?.(ctx.db);
  });
  return listening(createServer(app.callback()));
};

const http: Start = (pool, handlers) => {
  const handler = async (req: Http2Request, res: Http2ServerResponse) => {
    res.end(JSON.stringify((await handlers[req.url]?.(req.db)) ?? null));
  };
  return listening(createServer(withDatabase(handler, { pool: pool })));
};

async function listening(server: Http2Server): Promise<Running> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // Node 24 does this by itself.
  const sessions = new Set<ServerHttp2Session>();
  server.on('session', (session) => {
    sessions.add(session);
    session.once('close', () => sessions.delete(session));
  });
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      for (const session of sessions) session.close();
    });
  return { port: (server.address() as AddressInfo).port, hooks: [], close };
}

interface Answer {
  status: number;
  body: string;
}

function request(session: ClientHttp2Session, path: string): Promise<Answer> & { reset(): void } {
  const stream = session.request({ ':path': path });
  const answer: Answer = { status: 0, body: '' };
  stream.on('response', (headers) => {
    answer.status = Number(headers[':status']);
  });
  stream.on('data', (chunk) => {
    answer.body += chunk;
  });
  stream.on('error', () => {});
  const done = new Promise<Answer>((resolve) => stream.on('close', () => resolve(answer)));
  const CANCEL = 8;
  return Object.assign(done, { reset: () => stream.close(CANCEL) });
}

interface Stage extends Running {
  pool: ConnectionPool;
  session: ClientHttp2Session;
  warnings: string[];
}

/** Afterwards every lease that was taken has been given back, once. */
async function serve(
  start: Start,
  handlers: Handlers,
  options: PoolOptions,
  work: (stage: Stage) => Promise<void>,
): Promise<void> {
  const pool = createPool({ uri: databaseUrl(), max: 2, ...options });
  const out = new Set<number>();
  const wrong: string[] = [];
  const warnings: string[] = [];
  pool.events.on('acquire', ({ connection }) => {
    if (out.has(connection)) wrong.push(`${connection} was handed out twice`);
    out.add(connection);
  });
  pool.events.on('release', ({ connection }) => {
    if (!out.delete(connection)) wrong.push(`${connection} was given back twice`);
  });
  const onWarning = ({ name, message }: Error) => warnings.push(`${name}: ${message}`);
  process.on('warning', onWarning);
  const running = await start(pool, { ...handlers, '/one': one });
  const session = connect(`http://127.0.0.1:${running.port}`);
  session.on('error', () => {});
  try {
    await work({ ...running, pool, session, warnings });
    await handedBack(pool);
    assert.deepEqual(wrong, []);
  } finally {
    session.destroy();
    await within(10_000, 'closing the server', running.close());
    await pool.close();
    process.off('warning', onWarning);
  }
}

async function one(db: Scope): Promise<unknown> {
  const [rows] = await db.query('SELECT 1 AS one');
  return rows;
}

async function handedBack(pool: ConnectionPool): Promise<void> {
  await eventually(() => {
    const { leased, pending, draining, resetting, acquired, released } = pool.stats();
    assert.deepEqual([leased, pending, draining, resetting, acquired - released], [0, 0, 0, 0, 0]);
  });
}

const leased = (pool: ConnectionPool, count: number) =>
  eventually(() => assert.equal(pool.stats().leased, count));

const halves =
  ({ add }: Bank) =>
  async (db: Pick<Scope, 'query'>) => {
    await db.query(add, [-5, 1]);
    await db.query('SELECT SLEEP(0.2)');
    await db.query(add, [5, 2]);
  };

for (const [name, start] of Object.entries({ fastify, koa, http })) {
  describe(`HTTP/2 on ${name}`, () => {
    it('requests of one session use one connection in turn', async () => {
      await serve(start, {}, {}, async ({ session, pool }) => {
        for (let n = 0; n < 20; n++) {
          assert.deepEqual(JSON.parse((await request(session, '/one')).body), [{ one: 1 }]);
        }
        assert.equal(pool.stats().opened, 1);
      });
    });

    it('a hundred streams of one session share a pool of three, without a warning', async () => {
      await serve(start, {}, { max: 3 }, async ({ session, pool, warnings }) => {
        const answers = await Promise.all(Array.from({ length: 100 }, () => request(session, '/one')));
        assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
        assert.equal(pool.stats().acquired, 100);
        assert.ok(pool.stats().opened <= 3);
        assert.deepEqual(warnings, []);
      });
    });

    it('RST_STREAM during a query: it is drained, others do not get its connection, and it goes back once', async () => {
      const marker = unique('cancelled');
      let ended = false;
      const slow = (db: Scope) =>
        db
          .query(`SELECT SLEEP(60) AS ${marker}`)
          .catch(() => {})
          .finally(() => {
            ended = true;
          });
      const watcher = await ServerWatcher.open();
      await serve(start, { '/slow': slow }, { drainTimeoutMs: 60_000 }, async ({ session, pool, hooks }) => {
        const cancelled = request(session, '/slow');
        const busy = await eventually(() => watcher.runner(marker));
        cancelled.reset();
        await cancelled;
        assert.equal((await request(session, '/one')).status, 200);
        assert.deepEqual([ended, pool.stats().leased], [false, 1]);
        await watcher.interrupt(busy.id);
        await handedBack(pool);
        await eventually(() => assert.equal(ended, true));
        assert.equal(pool.stats().acquired, 2);
        // The case for which a release in either hook would be a second one.
        if (name === 'fastify') assert.ok(hooks.includes('onRequestAbort') && hooks.includes('onResponse'));
      }).finally(() => watcher.close());
    });

    it('RST_STREAM during a query that does not end: killed after drainTimeoutMs', async () => {
      let code: unknown;
      const endless = (db: Scope) =>
        db.query('SELECT SLEEP(600)').catch((error) => {
          code = error.code;
        });
      await serve(start, { '/endless': endless }, { drainTimeoutMs: 100 }, async ({ session, pool }) => {
        const cancelled = request(session, '/endless');
        await leased(pool, 1);
        cancelled.reset();
        await handedBack(pool);
        await eventually(() => assert.equal(typeof code, 'string'));
      });
    });

    for (const byHand of [true, false]) {
      it(`RST_STREAM between the halves of a transaction ${byHand ? 'begun by hand' : 'of transaction(fn)'}: both or none`, async () => {
        await withBank(async (bank) => {
          let outcome: unknown;
          const transfer = async (db: Scope) => {
            try {
              if (byHand) {
                await db.beginTransaction();
                await halves(bank)(db);
                await db.commit();
              } else {
                await db.transaction(halves(bank));
              }
              outcome = 'done';
            } catch (error) {
              outcome = error;
            }
          };
          await serve(start, { '/transfer': transfer }, {}, async ({ session, pool }) => {
            const cancelled = request(session, '/transfer');
            await leased(pool, 1);
            cancelled.reset();
            await eventually(() => assert.ok(outcome));
            await handedBack(pool);
            assert.equal(outcome, 'done');
            assert.deepEqual([await bank.balance(1), await bank.balance(2)], [995, 1_005]);
          });
        });
      });
    }

    it('a request that is never answered hands back when its stream, or its session, ends', async () => {
      const never = async (db: Scope) => {
        await one(db);
        await new Promise(() => {});
      };
      await serve(start, { '/never': never }, {}, async ({ session, pool, port }) => {
        const first = request(session, '/never');
        await leased(pool, 1);
        first.reset();
        await handedBack(pool);
        const other = connect(`http://127.0.0.1:${port}`);
        other.on('error', () => {});
        void request(other, '/never');
        await leased(pool, 1);
        other.destroy();
        await handedBack(pool);
      });
    });

    for (const releaseOn of ['end', 'finish'] as const) {
      it(`db.signal aborts when the stream is reset, and when the session ends; not for one that was answered (releaseOn '${releaseOn}')`, async () => {
        const told: { signal: AbortSignal; code: string }[] = [];
        /** Answers the first one at once, the others when their client has left. */
        const tell = async (db: Scope) => {
          await one(db);
          const { signal } = db;
          const about = { signal, code: '?' };
          told.push(about);
          if (told.length === 1) return 'answered';
          await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
          about.code = signal.reason.code;
          return 'nobody reads this';
        };
        await serve(start, { '/signal': tell }, { max: 3, releaseOn }, async ({ session }) => {
          assert.match((await request(session, '/signal')).body, /answered/);
          const cancelled = request(session, '/signal');
          await eventually(() => assert.equal(told.length, 2));
          const left = request(session, '/signal');
          await eventually(() => assert.equal(told.length, 3));
          cancelled.reset();
          await cancelled;
          await eventually(() => assert.equal(told[1]?.code, 'CLIENT_GONE'));
          assert.equal(told[2]?.signal.aborted, false);
          session.destroy();
          await left;
          await eventually(() => assert.equal(told[2]?.code, 'CLIENT_GONE'));
          assert.equal(told[0]?.signal.aborted, false);
        });
      });
    }

    it('closing lets the streams of an open session finish, and takes no others', async () => {
      const slow = async (db: Scope) => {
        await db.query('SELECT SLEEP(0.3)');
        return 'done';
      };
      await serve(start, { '/slow': slow }, {}, async ({ session, pool, close }) => {
        const answers = [request(session, '/slow'), request(session, '/slow'), request(session, '/slow')];
        await eventually(() => assert.ok(pool.stats().leased > 0 && pool.stats().pending > 0));
        await within(10_000, 'close()', close());
        const statuses = (await Promise.all(answers)).map(({ status }) => status);
        assert.deepEqual(statuses, [200, 200, 200]);
      });
    });

    it('a session that is destroyed under many streams leaves nothing: neither of those that run nor of those that wait', async () => {
      const slow = (db: Scope) => db.query('SELECT SLEEP(0.3)').catch(() => {});
      await serve(start, { '/slow': slow }, { max: 3 }, async ({ session, pool, port, warnings }) => {
        for (let n = 0; n < 12; n++) void request(session, '/slow');
        await eventually(() => assert.ok(pool.stats().leased > 0 && pool.stats().pending > 0));
        session.destroy();
        await handedBack(pool);
        const other = connect(`http://127.0.0.1:${port}`);
        assert.equal((await request(other, '/one')).status, 200);
        other.destroy();
        assert.deepEqual(warnings, []);
      });
    });
  });
}
