import handback from '@handback/express';
import express from 'express';
import { ONE } from '../../work.js';
import { listening } from './listening.js';

/** Default options, written as the README does. */
export function start(uri: string) {
  const app = express();
  const middleware = handback({ uri });
  app.use(middleware);
  app.get('/none', (_req, res) => {
    res.json({ ok: true });
  });
  app.get('/one/:id', async (req, res) => {
    const [rows] = await req.db.query(ONE, [req.params.id]);
    res.json((rows as unknown[])[0]);
  });
  app.get('/three/:id', async (req, res) => {
    const [first] = await req.db.query(ONE, [req.params.id]);
    const [second] = await req.db.query(ONE, [req.params.id]);
    const [third] = await req.db.query(ONE, [req.params.id]);
    res.json([first, second, third]);
  });
  return listening(app, () => middleware.close(), { acquired: () => middleware.pool.stats().acquired });
}
