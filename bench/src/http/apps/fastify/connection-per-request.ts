import fastify from 'fastify';
import { createConnection, type RowDataPacket } from 'mysql2/promise';
import { ONE } from '../../work.js';
import { type ById, listening } from './listening.js';

/** No pool: each request opens one connection and ends it. */
export function start(uri: string) {
  const app = fastify();
  app.get<ById>('/one/:id', async ({ params }) => {
    const connection = await createConnection(uri);
    try {
      const [rows] = await connection.query<RowDataPacket[]>(ONE, [params.id]);
      return rows[0];
    } finally {
      await connection.end();
    }
  });
  return listening(app);
}
