import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import Router from '@koa/router';
import Koa, { type Context, type Middleware } from 'koa';
import { answerTo } from '../route.js';
import { closeServer, type Serve } from './serve.js';

/** Outermost: what is thrown anywhere within becomes the answer. */
const answerErrors: Middleware = async (ctx, next) => {
  try {
    await next();
  } catch (error) {
    Object.assign(ctx, answerTo(error));
  }
};

export const serveKoa: Serve = async (routes, door) => {
  const app = new Koa();
  // It would print errors of clients that have left.
  app.on('error', () => {});
  app.use(answerErrors);
  if (door.plugin) app.use(door.plugin.koa());
  const router = new Router();
  for (const route of routes) {
    const method = route.method === 'POST' ? 'post' : 'get';
    router[method](route.path, ...(door.plugin?.koaRoute(route) ?? []), async (ctx: Context) => {
      await door.enter(route, {
        req: ctx.req,
        res: ctx.res,
        native: ctx,
        query: ctx.URL.searchParams,
        body: ctx.method === 'POST' ? ((await json(ctx.req)) as Record<string, unknown>) : {},
        reply: (status, body) => void Object.assign(ctx, { status, body }),
        stream: (body) => void Object.assign(ctx, { type: 'application/x-ndjson', body }),
      });
    });
  }
  app.use(router.routes());
  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, close: () => closeServer(server) };
};
