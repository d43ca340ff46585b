import { pipeline } from 'node:stream';
import handback, { type PoolOptions } from '@handback/express';
import express, { type NextFunction, type Request, type Response } from 'express';
import * as demo from '../shared/demo.js';

/** The demo on Express. It listens nowhere yet. */
export function buildApp(options: PoolOptions, log = demo.report) {
  const app = express();
  const db = handback(options);
  app.use(db);
  app.use(express.json());

  app.get('/', (_req, res) => res.type('text/html').send(demo.page('Express', db.pool.stats())));
  app.get('/users', async (req, res) => res.json(await demo.listUsers(req.db)));
  app.get('/users/:id', async (req, res) => res.json(await demo.findUser(req.db, req.params.id)));
  app.post('/transfers', async (req, res) => res.json(await demo.transfer(req.db, req.body)));
  app.get('/accounts/total', async (req, res) => res.json(await demo.accountsTotal(req.db)));
  app.get('/slow', async (req, res) => res.json(await demo.sleep(req.db, req.query.ms)));
  app.get('/export', async (req, res) => {
    const rows = await demo.visits(req.db);
    // A client that leaves ends the whole line, and with it the query.
    pipeline(rows, demo.ndjson(), res.type('application/x-ndjson'), (error) => error && log(error));
  });
  app.get('/boom', async (req) => {
    await req.db.query('SELECT 1');
    throw new Error('Boom: thrown after a query; the connection goes back all the same.');
  });
  app.get('/health', handback.off(), (_req, res) => res.json({ status: 'ok' }));
  app.get('/stats', (_req, res) => res.json(demo.statsOf(db.pool)));

  app.use((error: unknown, _req: Request, res: Response, _next: NextFunction) => {
    const { status, headers, body } = demo.answerTo(error, log);
    res.status(status).set(headers).json(body);
  });
  return { app, pool: db.pool, close: () => db.close() };
}
