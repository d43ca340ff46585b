import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import expressHandback from '@handback/express';
import fastifyHandback, { type PoolOptions, type Scope } from '@handback/fastify';
import { type Request, route, withDatabase } from '@handback/http';
import koaHandback from '@handback/koa';
import Router from '@koa/router';
import express from 'express';
import fastify from 'fastify';
import { closed, type Running, shutDown } from 'handback-examples/dist/shared/shutdown.js';
import Koa from 'koa';

/** A bank in a process of its own: `node bank.js <framework> <graceMs>`, DATABASE_URL and TABLE in the environment. */

const { DATABASE_URL: uri = '', TABLE: table = '' } = process.env;
const options: PoolOptions = { uri, max: 4, drainTimeoutMs: 500 };

const book = `INSERT INTO ${table}_ledger (id, amount) VALUES (?, ?)`;
const add = `UPDATE ${table} SET balance = balance + ? WHERE id = ?`;

interface Order {
  id: string;
  amount: number;
  /** Seconds that the server is busy between the two halves. */
  pause: number;
  byHand: boolean;
}

function readOrder(url: string): Order {
  const { searchParams: asked } = new URL(url, 'http://bank');
  const [id = '', amount, pause] = ['id', 'amount', 'pause'].map((name) => asked.get(name) ?? '');
  return { id, amount: Number(amount), pause: Number(pause), byHand: asked.has('byHand') };
}

type Statements = Pick<Scope, 'query'>;

async function move(db: Statements, { id, amount, pause }: Order): Promise<void> {
  await db.query(book, [id, amount]);
  await db.query(add, [-amount, 1]);
  if (pause > 0) await db.query('SELECT SLEEP(?)', [pause]);
  await db.query(add, [amount, 2]);
}

/** What it returns is the acknowledgement. */
async function transfer(db: Scope, url: string): Promise<{ done: string }> {
  const order = readOrder(url);
  if (order.byHand) {
    await db.beginTransaction();
    await move(db, order);
    await db.commit();
  } else {
    await db.transaction((tx) => move(tx, order));
  }
  return { done: order.id };
}

/** In the transaction of its request, which is committed before the acknowledgement leaves. */
async function gated(db: Scope, url: string): Promise<{ done: string }> {
  const order = readOrder(url);
  await move(db, order);
  return { done: order.id };
}

const inTransaction = { transaction: true };

const frameworks: Record<string, () => Promise<Running>> = {
  http: serveHttp,
  async fastify() {
    const app = fastify();
    await app.register(fastifyHandback, options);
    app.get('/transfer', (request) => transfer(request.db, request.url));
    app.get('/gated', { config: { handback: inTransaction } }, (request) => gated(request.db, request.url));
    await app.listen({ port: 0, host: '127.0.0.1' });
    return { server: app.server, close: () => app.close() };
  },
  async express() {
    const app = express();
    const db = expressHandback(options);
    app.set('env', 'test');
    app.use(db);
    app.get('/transfer', async (req, res) => res.json(await transfer(req.db, req.url)));
    app.get('/gated', expressHandback.route(inTransaction), async (req, res) => {
      res.json(await gated(req.db, req.url));
    });
    return listening(createServer(app), db);
  },
  async koa() {
    const app = new Koa();
    const db = koaHandback(options);
    app.silent = true;
    app.use(db);
    const router = new Router();
    router.get('/transfer', async (ctx) => {
      ctx.body = await transfer(ctx.db, ctx.url);
    });
    router.get('/gated', koaHandback.route(inTransaction), async (ctx) => {
      ctx.body = await gated(ctx.db, ctx.url);
    });
    app.use(router.routes());
    return listening(createServer(app.callback()), db);
  },
};

type Handler = (req: Request, res: ServerResponse) => unknown;

function serveHttp(): Promise<Running> {
  const plain: Handler = async (req, res) => {
    res.end(JSON.stringify(await transfer(req.db, req.url ?? '')));
  };
  const whole: Handler = route(inTransaction, async (req: Request, res: ServerResponse) => {
    res.end(JSON.stringify(await gated(req.db, req.url ?? '')));
  });
  const db = withDatabase(
    (req: Request, res: ServerResponse) => (req.url?.startsWith('/gated') ? whole : plain)(req, res),
    { ...options, onError: () => {} },
  );
  return listening(createServer(db), db);
}

async function listening(server: Server, db: { close(): Promise<void> }): Promise<Running> {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return { server, close: () => closed(server).then(() => db.close()) };
}

const [, , framework = '', graceMs] = process.argv;
const running = await (frameworks[framework] as () => Promise<Running>)();
process.once('SIGTERM', () => void shutDown(running, Number(graceMs)));
console.log((running.server.address() as AddressInfo).port);
