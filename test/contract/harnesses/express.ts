import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream';
import type { Context, Db, Harness, PoolView, Route, Setup } from '@handback/contract';
import handback, { type HandbackOptions } from '@handback/express';
import express, { type NextFunction, type Request, type RequestHandler, type Response } from 'express';
import express4Module from 'express4';
import { frameworkEndIn } from '../strategies/patched-end.js';

export const express5 = harnessOf('Express 5', express);
export const express4 = harnessOf('Express 4', express4Module);

function harnessOf(framework: string, createApp: typeof express): Harness {
  return {
    framework,
    family: 'express',
    async start({ routes, plugins, strategy, laterHook }) {
      const app = createApp();
      const errors: unknown[] = [];
      // In any other env Express prints each error.
      app.set('env', 'test');
      if (strategy) {
        app.use((req, res, next) => {
          frameworkEndIn(res, () => strategy.frameworkEnd(req));
          Object.assign(req, { db: strategy.begin(req, res) });
          next();
        });
      }
      const middlewares = strategy ? [] : plugins.map((options) => handback(options as HandbackOptions));
      for (const middleware of middlewares) app.use(middleware);
      app.use(createApp.json());
      for (const route of routes) {
        const method = route.method === 'POST' ? 'post' : 'get';
        app[method](route.path, ...optionsOf(route), handlerOf(route, laterHook));
      }
      if (laterHook) {
        app.use((_req, res) => {
          laterHook();
          res.status(res.locals.status).send(res.locals.body);
        });
      }
      app.use((error: unknown, _req: Request, _res: Response, next: NextFunction) => {
        errors.push(error);
        next(error);
      });
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

function optionsOf({ options }: Route): RequestHandler[] {
  if (options === undefined) return [];
  return [options === false ? handback.off() : handback.route(options)];
}

function handlerOf(route: Route, laterHook: Setup['laterHook']): RequestHandler {
  return (req, res, next) => {
    const named = (as: string) => (req as unknown as Record<string, Db>)[as] as Db;
    const context: Context = {
      get db() {
        return named('db');
      },
      named,
      req,
      res,
      reply(status, body) {
        if (!laterHook) res.status(status).send(body);
        else next(void Object.assign(res.locals, { status, body }));
      },
      stream: (body) => void pipeline(body, res.type('application/x-ndjson'), () => {}),
      hijack: () => res,
    };
    const work = route.handler(context);
    // Express 4 knows no promises; on Express 5 this is what it does itself.
    if (work instanceof Promise) work.catch(next);
  };
}
