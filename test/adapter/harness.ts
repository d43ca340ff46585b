import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { Db, Handler, Harness, PoolView } from '@handback/contract';
import { type HandbackOptions, handback } from './adapter.js';
import { Chain, type Context, type Step } from './chain.js';

export const chain: Harness = {
  framework: 'Chain',
  family: 'chain',
  showsHandlersEnd: true,
  async start({ routes, plugins, laterHook }) {
    const app = new Chain();
    const errors: unknown[] = [];
    app.onError((error) => errors.push(error));
    const pools = plugins.map((options) => handback(app, options as HandbackOptions) as unknown as PoolView);
    app.use(jsonBody);
    for (const { method = 'GET', path, options, handler } of routes) {
      const config = options === undefined ? {} : { handback: options };
      app.route({ method, path, config, handler: (ctx) => handler(contextOf(ctx, laterHook)) });
    }
    await app.listen();
    return {
      server: app.server,
      port: (app.server.address() as AddressInfo).port,
      pool: pools[0] as PoolView,
      pools,
      errors,
      close: () => app.close(),
    };
  },
};

/** What the cases see of a request. `db` is looked up when they ask for it, not before. */
function contextOf(ctx: Context, laterHook: (() => void) | undefined): Parameters<Handler>[0] {
  const named = (as: string) => (ctx as unknown as Record<string, Db>)[as] as Db;
  return {
    get db() {
      return named('db');
    },
    named,
    req: ctx.req,
    res: ctx.res,
    reply(status, body) {
      laterHook?.();
      ctx.send(status, body);
    },
    stream: (body) => ctx.send(200, body),
    hijack: () => ctx.res,
  };
}

const jsonBody: Step = async (ctx, next) => {
  const body = ctx.req.method === 'POST' ? await text(ctx.req) : '{}';
  try {
    JSON.parse(body);
  } catch {
    throw Object.assign(new Error('the body is not JSON'), { statusCode: 400 });
  }
  await next();
};
