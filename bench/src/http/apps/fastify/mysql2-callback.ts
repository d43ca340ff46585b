import fastify from 'fastify';
import { createPool } from 'mysql2';
import { ONE } from '../../work.js';
import { threeQueries } from '../three-queries.js';
import { type ById, listening } from './listening.js';

export function start(uri: string) {
  const app = fastify();
  const pool = createPool(uri);
  app.addHook('onClose', (_app, done) => pool.end(() => done()));
  app.get<ById>('/one/:id', ({ params }, reply) => {
    pool.query(ONE, [params.id], (error, rows) => {
      reply.send(error ?? (rows as unknown[])[0]);
    });
  });
  app.get<ById>('/three/:id', ({ params }, reply) => {
    pool.getConnection((error, connection) => {
      if (error) {
        reply.send(error);
        return;
      }
      threeQueries(connection, params.id, (failed, rows) => {
        connection.release();
        reply.send(failed ?? rows);
      });
    });
  });
  app.get<ById>('/execute/:id', ({ params }, reply) => {
    pool.execute(ONE, [params.id], (error, rows) => {
      reply.send(error ?? (rows as unknown[])[0]);
    });
  });
  return listening(app);
}
