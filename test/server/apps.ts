import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ConnectionPool, PoolOptions, Scope } from '@handback/core';
import expressHandback from '@handback/express';
import fastifyHandback from '@handback/fastify';
import { withDatabase } from '@handback/http';
import koaHandback from '@handback/koa';
import express from 'express';
import Fastify, { type FastifyServerOptions } from 'fastify';
import Koa from 'koa';

export interface App {
  readonly server: Server;
  readonly port: number;
  readonly pool: ConnectionPool;
  /** What has become of each call of the handler so far; a rejection is its code. */
  readonly outcomes: unknown[];
  /** How many calls of the handler have begun. */
  readonly begun: number;
  /** Stops accepting, and closes the pool after the requests, as each framework's users do it. */
  close(): Promise<void>;
}

type Work = (db: Scope) => Promise<unknown>;

/** Counts the calls of a handler, and keeps how they end. */
class Calls {
  begun = 0;
  readonly outcomes: unknown[] = [];
  readonly #work: Work;

  constructor(work: Work) {
    this.#work = work;
  }

  async call(db: Scope): Promise<unknown> {
    this.begun += 1;
    try {
      const result = await this.#work(db);
      this.outcomes.push('done');
      return { result };
    } catch (error) {
      this.outcomes.push((error as { code?: string }).code ?? error);
      throw error;
    }
  }
}

function running(server: Server, pool: ConnectionPool, calls: Calls, close: () => Promise<void>): App {
  return {
    server,
    port: (server.address() as AddressInfo).port,
    pool,
    outcomes: calls.outcomes,
    get begun() {
      return calls.begun;
    },
    close,
  };
}

/** Every path is answered by `work`. */
export async function fastifyApp(
  work: Work,
  options: PoolOptions,
  serverOptions: FastifyServerOptions = {},
): Promise<App> {
  const calls = new Calls(work);
  const app = Fastify(serverOptions);
  await app.register(fastifyHandback, options);
  app.get('*', (request) => calls.call(request.db));
  await app.listen({ port: 0, host: '127.0.0.1' });
  return running(app.server, app.db, calls, () => app.close());
}

export async function expressApp(work: Work, options: PoolOptions): Promise<App> {
  const calls = new Calls(work);
  const app = express();
  const db = expressHandback(options);
  app.set('env', 'test');
  app.use(db);
  app.use(async (req, res) => void res.json(await calls.call(req.db)));
  return listening(createServer(app), db, calls);
}

export async function koaApp(work: Work, options: PoolOptions): Promise<App> {
  const calls = new Calls(work);
  const app = new Koa();
  const db = koaHandback(options);
  app.silent = true;
  app.use(db);
  app.use(async (ctx) => {
    ctx.body = await calls.call(ctx.db);
  });
  return listening(createServer(app.callback()), db, calls);
}

export async function httpApp(work: Work, options: PoolOptions): Promise<App> {
  const calls = new Calls(work);
  const db = withDatabase(
    async (req, res) => {
      res.end(JSON.stringify(await calls.call(req.db)));
    },
    { ...options, onError: () => {} },
  );
  return listening(createServer(db), db, calls);
}

async function listening(
  server: Server,
  db: { pool: ConnectionPool; close(): Promise<void> },
  calls: Calls,
): Promise<App> {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const closed = () => new Promise((resolve) => server.close(resolve));
  return running(server, db.pool, calls, () => closed().then(() => db.close()));
}
