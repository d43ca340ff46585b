import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream';
import express, { type NextFunction, type Request, type Response } from 'express';
import { answerTo } from '../route.js';
import { closeServer, type Serve } from './serve.js';

export const serveExpress: Serve = async (routes, door) => {
  const app = express();
  // In any other env Express prints each error.
  app.set('env', 'test');
  if (door.plugin) app.use(door.plugin.express());
  app.use(express.json());
  for (const route of routes) {
    const method = route.method === 'POST' ? 'post' : 'get';
    app[method](
      route.path,
      ...(door.plugin?.expressRoute(route) ?? []),
      async (req: Request, res: Response) => {
        await door.enter(route, {
          req,
          res,
          native: req,
          query: new URL(req.url, 'http://app').searchParams,
          body: (req.body ?? {}) as Record<string, unknown>,
          reply: (status, body) => void res.status(status).json(body),
          stream: (body) => void pipeline(body, res.type('application/x-ndjson'), () => {}),
        });
      },
    );
  }
  app.use((error: unknown, _req: Request, res: Response, next: NextFunction) => {
    if (res.headersSent) return next(error);
    const { status, body } = answerTo(error);
    res.status(status).json(body);
  });
  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, close: () => closeServer(server) };
};
