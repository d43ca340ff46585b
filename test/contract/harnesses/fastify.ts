import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Context, Db, Harness, PoolView } from '@handback/contract';
import handback, { type HandbackOptions } from '@handback/fastify';
import fastify from 'fastify';

export const fastify5: Harness = {
  framework: 'Fastify 5',
  family: 'fastify',
  refusesAtStart: true,
  async start({ routes, plugins, strategy, laterHook, frameworkOptions, frameworkSetup }) {
    const app = fastify(frameworkOptions ?? {});
    const errors: unknown[] = [];
    app.addHook('onError', async (_request, _reply, error) => void errors.push(error));
    if (laterHook) app.addHook('onSend', async () => laterHook());
    if (strategy) {
      app.addHook('onRequest', async (request, reply) => {
        Object.assign(request, { db: strategy.begin(request.raw, reply.raw) });
      });
      app.addHook('onResponse', async (request) => strategy.frameworkEnd(request.raw));
    }
    for (const options of strategy ? [] : plugins) await app.register(handback, options as HandbackOptions);
    await frameworkSetup?.(app);
    for (const { method = 'GET', path, options, handler } of routes) {
      app.route({
        method,
        url: path,
        config: options === undefined ? {} : { handback: options },
        handler(request, reply) {
          const named = (as: string) => (request as unknown as Record<string, Db>)[as] as Db;
          const context: Context = {
            get db() {
              return named('db');
            },
            named,
            req: request.raw,
            res: reply.raw,
            reply: (status, body) => void reply.code(status).send(body),
            stream: (body) => void reply.type('application/x-ndjson').send(body),
            hijack: () => reply.hijack().raw,
          };
          const work = handler(context);
          return work instanceof Promise ? work.then(() => reply) : undefined;
        },
      });
    }
    await app.listen({ port: 0, host: '127.0.0.1' });
    const instance = app as unknown as Record<string, PoolView>;
    const pools = strategy
      ? [strategy.pool]
      : plugins.map(({ as = 'db' }) => instance[as as string] as PoolView);
    return {
      server: app.server as Server,
      port: (app.server.address() as AddressInfo).port,
      pool: pools[0] as PoolView,
      pools,
      errors,
      inject: (path) => app.inject(path),
      close: () => app.close(),
    };
  },
};
