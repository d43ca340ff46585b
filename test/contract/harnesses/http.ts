import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { Context, Db, Harness, PoolView, Route, Setup, Strategy } from '@handback/contract';
import { type Handback, type HandbackOptions, off, route, withDatabase } from '@handback/http';

export const nodeHttp: Harness = {
  framework: 'node:http',
  family: 'http',
  showsHandlersEnd: true,
  async start({ routes, plugins, strategy, laterHook }) {
    const errors: unknown[] = [];
    const onError = (error: unknown) => void errors.push(error);
    let listener: RequestListener = router(routes, laterHook);
    const listeners: Handback[] = [];
    for (const options of strategy ? [] : plugins) {
      const wrapped = withDatabase(listener, { ...(options as HandbackOptions), onError });
      listeners.push(wrapped);
      listener = wrapped;
    }
    if (strategy) listener = withoutHandback(listener, strategy);
    const server = createServer(listener).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const pools = strategy ? [strategy.pool] : listeners.map(({ pool }) => pool as unknown as PoolView);
    return {
      server,
      port: (server.address() as AddressInfo).port,
      pool: pools[0] as PoolView,
      pools,
      errors,
      async close() {
        await new Promise((resolve) => server.close(resolve));
        await Promise.all(listeners.map((each) => each.close()));
      },
    };
  },
};

/** What a project without a framework does itself: a 500 if nothing was sent, and an end in `finally`. */
function withoutHandback(handler: RequestListener, strategy: Strategy): RequestListener {
  return async (req, res) => {
    Object.assign(req, { db: strategy.begin(req, res) });
    try {
      await handler(req, res);
    } catch {
      if (res.headersSent) res.destroy();
      else res.writeHead(500).end();
    } finally {
      strategy.frameworkEnd(req);
    }
  };
}

/** A table by method and path, as a small server has it. */
function router(routes: Route[], laterHook: Setup['laterHook']) {
  const table = new Map(
    routes.map((each) => [`${each.method ?? 'GET'} ${each.path}`, handlerOf(each, laterHook)]),
  );
  return (req: IncomingMessage, res: ServerResponse): unknown => {
    const method = req.method === 'HEAD' ? 'GET' : req.method;
    const [path] = req.url?.split('?') ?? [];
    const handler = table.get(`${method} ${path}`);
    return handler ? handler(req, res) : res.writeHead(404).end();
  };
}

function handlerOf({ path, options, handler }: Route, laterHook: Setup['laterHook']) {
  const handle = (req: IncomingMessage, res: ServerResponse): unknown => {
    const named = (as: string) => (req as unknown as Record<string, Db>)[as] as Db;
    const context: Context = {
      get db() {
        return named('db');
      },
      named,
      req,
      res,
      reply(status, body) {
        laterHook?.();
        const bytes = Buffer.isBuffer(body) || typeof body === 'string' ? body : JSON.stringify(body);
        res.writeHead(status, { 'Content-Length': Buffer.byteLength(bytes) }).end(bytes);
      },
      stream: (body) => void pipeline(body, res.setHeader('Content-Type', 'application/x-ndjson'), () => {}),
      hijack: () => res,
    };
    return req.method === 'POST' ? jsonBody(req).then(() => handler(context)) : handler(context);
  };
  return route({ pattern: path, ...options }, options === false ? off(handle) : handle);
}

async function jsonBody(req: IncomingMessage): Promise<unknown> {
  const body = await text(req);
  try {
    return JSON.parse(body);
  } catch {
    throw Object.assign(new Error('the body is not JSON'), { statusCode: 400 });
  }
}
