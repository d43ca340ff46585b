import Koa from 'koa';
import { createPool, type RowDataPacket } from 'mysql2/promise';
import { ONE } from '../../work.js';
import { listening, routes } from './listening.js';

/** What the others are compared with: `pool.query`, and `getConnection` with `release` in a `finally`. */
export function start(uri: string) {
  const app = new Koa();
  const pool = createPool(uri);
  app.use(
    routes({
      one: async (ctx, id) => {
        const [rows] = await pool.query<RowDataPacket[]>(ONE, [id]);
        ctx.body = rows[0];
      },
      three: async (ctx, id) => {
        const connection = await pool.getConnection();
        try {
          const [first] = await connection.query(ONE, [id]);
          const [second] = await connection.query(ONE, [id]);
          const [third] = await connection.query(ONE, [id]);
          ctx.body = [first, second, third];
        } finally {
          connection.release();
        }
      },
    }),
  );
  return listening(app, () => pool.end());
}
