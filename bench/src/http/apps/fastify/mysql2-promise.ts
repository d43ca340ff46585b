import fastify from 'fastify';
import { createPool, type PoolOptions, type RowDataPacket } from 'mysql2/promise';
import { ONE } from '../../work.js';
import { type ById, listening } from './listening.js';

/** What the others are compared with: `pool.query`, and `getConnection` with `release` in a `finally`. */
export function start(uri: string, options: PoolOptions = {}) {
  const app = fastify();
  const pool = createPool({ uri, ...options });
  app.addHook('onClose', () => pool.end());
  app.get<ById>('/one/:id', async ({ params }) => {
    const [rows] = await pool.query<RowDataPacket[]>(ONE, [params.id]);
    return rows[0];
  });
  app.get<ById>('/three/:id', async ({ params }) => {
    const connection = await pool.getConnection();
    try {
      const [first] = await connection.query(ONE, [params.id]);
      const [second] = await connection.query(ONE, [params.id]);
      const [third] = await connection.query(ONE, [params.id]);
      return [first, second, third];
    } finally {
      connection.release();
    }
  });
  app.get<ById>('/execute/:id', async ({ params }) => {
    const [rows] = await pool.execute<RowDataPacket[]>(ONE, [params.id]);
    return rows[0];
  });
  return listening(app);
}
