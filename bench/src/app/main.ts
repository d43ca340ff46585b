import Fastify from 'fastify';
import { warm } from '../lend/lender.js';
import { taskOf } from '../measure/child.js';
import { answer } from '../measure/worker-side.js';
import { type Access, addAccess } from './access.js';
import { probe } from './probe.js';
import type { AppTask } from './task.js';

// The app whose clients are slow, leave, or are too many.

const MEGABYTE = 1024 * 1024;
/** Far more than the kernel takes off our hands for a client that does not read. */
const DOWNLOAD = Buffer.alloc(12 * MEGABYTE, 'a');

const task = taskOf<AppTask>();
const app = Fastify({ forceCloseConnections: true });
const access: Access = await addAccess(app, task);
const { max } = task.lender;

// Pools say in their own ways that they are exhausted: to the client it is all the same.
app.setErrorHandler((error: Error & { statusCode?: number }, _request, reply) => {
  reply.code(error.statusCode ?? 503).send({ error: error.message });
});

app.get('/query', async (request, reply) => {
  await access.query(request, reply, task.sql);
  return { ok: true };
});

app.get('/download', async (request, reply) => {
  await access.query(request, reply, 'SELECT 1');
  return reply.type('application/octet-stream').send(DOWNLOAD);
});

app.get<{ Querystring: { seconds: string } }>('/slow', async (request, reply) => {
  await access.query(request, reply, `SELECT SLEEP(${Number(request.query.seconds)})`);
  return { ok: true };
});

await app.listen({ host: '127.0.0.1', port: 0 });
await warm(access.lender, max);
const { port } = app.server.address() as { port: number };

answer(
  {
    probe: (withinMs: number) => probe(access.lender, max, withinMs),
  },
  port,
);
