import handback, { type HandbackOptions } from '@handback/fastify';
import fastify from 'fastify';
import { ONE } from '../../work.js';
import { type ById, listening } from './listening.js';

/** Default options, written as the README does. */
export async function start(uri: string, options: Partial<HandbackOptions> = {}) {
  const app = fastify();
  await app.register(handback, { uri, ...options });
  app.get('/none', async () => ({ ok: true }));
  app.get<ById>('/one/:id', async ({ db, params }) => {
    const [rows] = await db.query(ONE, [params.id]);
    return (rows as unknown[])[0];
  });
  app.get<ById>('/three/:id', async ({ db, params }) => {
    const [first] = await db.query(ONE, [params.id]);
    const [second] = await db.query(ONE, [params.id]);
    const [third] = await db.query(ONE, [params.id]);
    return [first, second, third];
  });
  app.get<ById>('/execute/:id', async ({ db, params }) => {
    const [rows] = await db.execute(ONE, [params.id]);
    return (rows as unknown[])[0];
  });
  return listening(app, { acquired: () => app.db.stats().acquired });
}
