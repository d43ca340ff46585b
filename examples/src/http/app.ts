import { createServer } from 'node:http';
import { pipeline } from 'node:stream';
import { off, type PoolOptions, withDatabase } from '@handback/http';
import * as demo from '../shared/demo.js';
import { readJson, sendJson } from './messages.js';
import { queryOf, Router } from './router.js';

/** The demo on Node's own server. It listens nowhere yet. */
export function buildApp(options: PoolOptions, log = demo.report) {
  const routes = new Router();
  const listener = withDatabase(
    (req, res) =>
      routes.handle(req, res).catch((error) => {
        if (res.headersSent) throw error;
        const { status, headers, body } = demo.answerTo(error, log);
        for (const [name, value] of Object.entries(headers)) res.setHeader(name, value);
        res.statusCode = status;
        sendJson(res, body);
      }),
    { ...options, onError: log },
  );
  const { pool } = listener;

  routes.add('GET', '/', (_req, res) =>
    res.setHeader('Content-Type', 'text/html; charset=utf-8').end(demo.page('node:http', pool.stats())),
  );
  routes.add('GET', '/users', async (req, res) => sendJson(res, await demo.listUsers(req.db)));
  routes.add('GET', '/users/:id', async (req, res, { id = '' }) =>
    sendJson(res, await demo.findUser(req.db, id)),
  );
  routes.add('POST', '/transfers', async (req, res) =>
    sendJson(res, await demo.transfer(req.db, await readJson(req))),
  );
  routes.add('GET', '/accounts/total', async (req, res) => sendJson(res, await demo.accountsTotal(req.db)));
  routes.add('GET', '/slow', async (req, res) => sendJson(res, await demo.sleep(req.db, queryOf(req, 'ms'))));
  routes.add('GET', '/export', async (req, res) => {
    const rows = await demo.visits(req.db);
    res.setHeader('Content-Type', 'application/x-ndjson');
    // A client that leaves ends the whole line, and with it the query.
    pipeline(rows, demo.ndjson(), res, (error) => error && log(error));
  });
  routes.add('GET', '/boom', async (req) => {
    await req.db.query('SELECT 1');
    throw new Error('Boom: thrown after a query; the connection goes back all the same.');
  });
  routes.add(
    'GET',
    '/health',
    off((_req, res) => sendJson(res, { status: 'ok' })),
  );
  routes.add('GET', '/stats', (_req, res) => sendJson(res, demo.statsOf(pool)));

  return { app: createServer(listener), pool, close: () => listener.close() };
}
