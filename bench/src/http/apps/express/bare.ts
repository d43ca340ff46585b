import express from 'express';
import { listening } from './listening.js';

/** No middleware at all. */
export function start() {
  const app = express();
  app.get('/none', (_req, res) => {
    res.json({ ok: true });
  });
  return listening(app, () => {});
}
