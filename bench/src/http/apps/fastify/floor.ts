import fastify, { type FastifyReply } from 'fastify';
import type { Connection } from 'mysql2';
import { ONE } from '../../work.js';
import { FloorPool } from '../floor-pool.js';
import { type ById, listening } from './listening.js';

/** The limit: a connection from an array, one promise per statement, one `close` listener. */
export function start(uri: string) {
  const app = fastify();
  const pool = new FloorPool(uri);
  app.addHook('onClose', async () => pool.end());
  const connectionFor = (reply: FastifyReply) =>
    new Promise<Connection>((resolve) => {
      pool.take((connection) => {
        reply.raw.on('close', () => pool.giveBack(connection));
        resolve(connection);
      });
    });
  app.get<ById>('/one/:id', async ({ params }, reply) => {
    const connection = await connectionFor(reply);
    const rows = await pool.query(connection, ONE, [params.id]);
    return rows[0];
  });
  app.get<ById>('/three/:id', async ({ params }, reply) => {
    const connection = await connectionFor(reply);
    const first = await pool.query(connection, ONE, [params.id]);
    const second = await pool.query(connection, ONE, [params.id]);
    const third = await pool.query(connection, ONE, [params.id]);
    return [first, second, third];
  });
  return listening(app);
}
