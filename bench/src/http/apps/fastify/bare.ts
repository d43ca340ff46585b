import fastify from 'fastify';
import { listening } from './listening.js';

/** No plugin at all. */
export function start() {
  const app = fastify();
  app.get('/none', async () => ({ ok: true }));
  return listening(app);
}
