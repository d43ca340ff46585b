import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { Context, Db, Harness, PoolView, Route } from '@handback/contract';
import handback, { type HandbackOptions } from '@handback/koa';
import Router from '@koa/router';
import Koa, { type Middleware } from 'koa';
import Koa2 from 'koa2';

export const koa3 = harnessOf('Koa 3', Koa);
export const koa2 = harnessOf('Koa 2', Koa2);

function harnessOf(framework: string, App: typeof Koa): Harness {
  return {
    framework,
    family: 'koa',
    showsHandlersEnd: true,
    async start({ routes, plugins, strategy, laterHook }) {
      const app = new App();
      const errors: unknown[] = [];
      app.on('error', (error) => errors.push(error));
      if (strategy) {
        app.use(async (ctx, next) => {
          Object.assign(ctx, { db: strategy.begin(ctx.req, ctx.res) });
          await next().finally(() => strategy.frameworkEnd(ctx.req));
        });
      }
      const middlewares = strategy ? [] : plugins.map((options) => handback(options as HandbackOptions));
      for (const middleware of middlewares) app.use(middleware);
      app.use(jsonBody);
      if (laterHook) app.use((_ctx, next) => next().then(laterHook));
      const router = new Router();
      for (const route of routes) {
        const method = route.method === 'POST' ? 'post' : 'get';
        router[method](route.path, ...optionsOf(route), handlerOf(route));
      }
      app.use(router.routes());
      const server: Server = app.listen(0, '127.0.0.1');
      await once(server, 'listening');
      const pools = strategy ? [strategy.pool] : middlewares.map(({ pool }) => pool as unknown as PoolView);
      return {
        server,
        port: (server.address() as AddressInfo).port,
        pool: pools[0] as PoolView,
        pools,
        errors,
        async close() {
          await new Promise((resolve) => server.close(resolve));
          await Promise.all(middlewares.map((middleware) => middleware.close()));
        },
      };
    },
  };
}

const jsonBody: Middleware = async (ctx, next) => {
  const body = ctx.method === 'POST' ? await text(ctx.req) : '{}';
  try {
    JSON.parse(body);
  } catch {
    ctx.throw(400, 'the body is not JSON');
  }
  await next();
};

function optionsOf({ options }: Route): Middleware[] {
  if (options === undefined) return [];
  return [options === false ? handback.off() : handback.route(options)];
}

function handlerOf(route: Route): Middleware {
  return (ctx) => {
    const named = (as: string) => (ctx as unknown as Record<string, Db>)[as] as Db;
    const context: Context = {
      get db() {
        return named('db');
      },
      named,
      req: ctx.req,
      res: ctx.res,
      reply: (status, body) => void Object.assign(ctx, { status, body }),
      stream: (body) => void Object.assign(ctx, { type: 'application/x-ndjson', body }),
      hijack() {
        ctx.respond = false;
        return ctx.res;
      },
    };
    return route.handler(context);
  };
}
