import handback, { type PoolOptions } from '@handback/fastify';
import fastify from 'fastify';
import * as demo from '../shared/demo.js';

/** The demo on Fastify. It listens nowhere yet. */
export async function buildApp(options: PoolOptions, log = demo.report) {
  const app = fastify();
  await app.register(handback, options);
  app.setErrorHandler((error, _request, reply) => {
    const { status, headers, body } = demo.answerTo(error, log);
    return reply.code(status).headers(headers).send(body);
  });

  app.get('/', (_request, reply) =>
    reply.type('text/html; charset=utf-8').send(demo.page('Fastify', app.db.stats())),
  );
  app.get('/users', (request) => demo.listUsers(request.db));
  app.get<{ Params: { id: string } }>('/users/:id', (request) =>
    demo.findUser(request.db, request.params.id),
  );
  app.post('/transfers', (request) => demo.transfer(request.db, request.body));
  app.get('/accounts/total', (request) => demo.accountsTotal(request.db));
  app.get<{ Querystring: { ms?: unknown } }>('/slow', (request) => demo.sleep(request.db, request.query.ms));
  app.get('/export', async (request, reply) => {
    const lines = await demo.exportVisits(request.db);
    return reply.type('application/x-ndjson').send(lines);
  });
  app.get('/boom', async (request) => {
    await request.db.query('SELECT 1');
    throw new Error('Boom: thrown after a query; the connection goes back all the same.');
  });
  app.get('/health', { config: { handback: false } }, () => ({ status: 'ok' }));
  app.get('/stats', () => demo.statsOf(app.db));

  return { app, pool: app.db, close: () => app.close() };
}
