import mysql, { type MySQLPool } from '@fastify/mysql';
import fastify from 'fastify';
import { ONE } from '../../work.js';
import { threeQueries } from '../three-queries.js';
import { type ById, listening } from './listening.js';

/** Its documented way with callbacks: `mysql.query`, and `mysql.getConnection` with `client.release()`. */
export async function start(uri: string) {
  const app = fastify();
  await app.register(mysql, { connectionString: uri });
  const db = (app as unknown as { mysql: MySQLPool }).mysql;
  app.get<ById>('/one/:id', ({ params }, reply) => {
    db.query(ONE, [params.id], (error, rows) => {
      reply.send(error ?? (rows as unknown[])[0]);
    });
  });
  app.get<ById>('/three/:id', ({ params }, reply) => {
    db.getConnection((error, client) => {
      if (error) {
        reply.send(error);
        return;
      }
      threeQueries(client, params.id, (failed, rows) => {
        client.release();
        reply.send(failed ?? rows);
      });
    });
  });
  return listening(app);
}
