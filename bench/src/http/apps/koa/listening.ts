import { createServer } from 'node:http';
import type Koa from 'koa';
import { listen, type RunningApp } from '../../contender.js';
import { ID } from '../../work.js';

export async function listening(
  app: Koa,
  end: () => unknown,
  more: Partial<RunningApp> = {},
): Promise<RunningApp> {
  const server = createServer(app.callback());
  // Else a client that pauses while others are measured is closed after 5 s.
  server.keepAliveTimeout = 72_000;
  return {
    port: await listen(server),
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await end();
    },
    ...more,
  };
}

/** Koa has no router of its own; the same one for all, and one that costs next to nothing. */
export function routes(handlers: Record<string, (ctx: Koa.Context, id: string) => unknown>): Koa.Middleware {
  return async (ctx, next) => {
    const [, name = '', id = ID] = ctx.path.split('/');
    const handler = handlers[name];
    if (!handler) return next();
    await handler(ctx as Koa.Context, String(id));
  };
}
