import fastify from 'fastify';
import { createPool, type PoolConfig } from 'mariadb';
import { ONE } from '../../work.js';
import { type ById, listening } from './listening.js';

/** Another driver altogether: the official one of MariaDB, with its own pool. */
export function start(uri: string, options: PoolConfig = {}) {
  const app = fastify();
  const { hostname, port, username, password, pathname } = new URL(uri);
  const pool = createPool({
    host: hostname,
    port: Number(port),
    user: username,
    password: decodeURIComponent(password),
    database: pathname.slice(1),
    ...options,
  });
  app.addHook('onClose', () => pool.end());
  app.get<ById>('/one/:id', async ({ params }) => {
    const rows = await pool.query(ONE, [params.id]);
    return rows[0];
  });
  app.get<ById>('/three/:id', async ({ params }) => {
    const connection = await pool.getConnection();
    try {
      const first = await connection.query(ONE, [params.id]);
      const second = await connection.query(ONE, [params.id]);
      const third = await connection.query(ONE, [params.id]);
      return [first, second, third];
    } finally {
      await connection.release();
    }
  });
  app.get<ById>('/execute/:id', async ({ params }) => {
    const rows = await pool.execute(ONE, [params.id]);
    return rows[0];
  });
  return listening(app);
}
