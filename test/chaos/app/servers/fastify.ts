import type { AddressInfo } from 'node:net';
import fastify, { type FastifyReply, type FastifyRequest } from 'fastify';
import { answerTo } from '../route.js';
import type { Serve } from './serve.js';

export const serveFastify: Serve = async (routes, door) => {
  const app = fastify({ forceCloseConnections: 'idle' });
  await door.plugin?.fastify(app);
  app.setErrorHandler((error, _request, reply) => {
    const { status, body } = answerTo(error);
    return reply.code(status).send(body);
  });
  for (const route of routes) {
    app.route({
      method: route.method,
      url: route.path,
      config: door.plugin?.fastifyConfig(route) ?? {},
      handler: async (request: FastifyRequest, reply: FastifyReply) => {
        await door.enter(route, {
          req: request.raw,
          res: reply.raw,
          native: request,
          query: new URL(request.url, 'http://app').searchParams,
          body: (request.body ?? {}) as Record<string, unknown>,
          reply: (status, body) => void reply.code(status).send(body),
          stream: (body) => void reply.type('application/x-ndjson').send(body),
        });
        return reply;
      },
    });
  }
  await app.listen({ port: 0, host: '127.0.0.1' });
  return { port: (app.server.address() as AddressInfo).port, close: () => app.close() };
};
