import type { FastifyInstance } from 'fastify';
import { listen, type RunningApp } from '../../contender.js';

export async function listening(app: FastifyInstance, more: Partial<RunningApp> = {}): Promise<RunningApp> {
  await app.listen({ port: 0, host: '127.0.0.1' });
  return {
    port: await listen(app.server),
    close: async () => {
      app.server.closeAllConnections();
      await app.close();
    },
    ...more,
  };
}

export type ById = { Params: { id: string } };
