import handbackExpress from '@handback/express';
import handbackFastify from '@handback/fastify';
import handbackKoa from '@handback/koa';
import express from 'express';
import fastify, { type FastifyInstance } from 'fastify';
import Koa from 'koa';
import type { Framework } from './contender.js';

/** One call of each is what one request goes through, from where the framework hands it over to its handler. */
export interface Chains {
  empty(): unknown;
  handback(): unknown;
  close(): Promise<void>;
}

const headers = {};
const socket = {};

/** As much of a request as the chains look at: making a real one would cost a hundred times what is measured. */
function FakeRequest(this: Record<string, unknown>) {
  this.method = 'GET';
  this.url = '/none';
  this.headers = headers;
  this.socket = socket;
}
const Fake = FakeRequest as unknown as new () => object;

const res = { on: () => {}, once: () => {}, socket };

/**
 * Express and Koa: the middleware alone. Fastify makes its requests from what plugins decorate, so there it is the whole
 * way from the router to a handler that does nothing.
 */
export const chains: Readonly<Record<Framework, (uri: string) => Promise<Chains>>> = {
  async express(uri) {
    const app = express();
    const middleware = handbackExpress({ uri });
    const next = () => {};
    // Express gives its requests this prototype.
    FakeRequest.prototype = app.request;
    const call = (through: (req: object, res: object, next: () => void) => unknown) => () =>
      through(new Fake(), res, next);
    return {
      empty: call((_req, _res, goOn) => goOn()),
      handback: call(middleware as never),
      close: () => middleware.close(),
    };
  },

  async koa(uri) {
    const app = new Koa();
    const middleware = handbackKoa({ uri });
    const next = async () => {};
    const call = (through: Koa.Middleware) => () =>
      through(app.createContext(new Fake() as never, res as never) as never, next);
    const empty: Koa.Middleware = async (_ctx, goOn) => {
      await goOn();
    };
    return { empty: call(empty), handback: call(middleware), close: () => middleware.close() };
  },

  async fastify(uri) {
    const [bare, plugged] = [fastify(), fastify()];
    bare.addHook('onRequest', (_request, _reply, done) => done());
    await plugged.register(handbackFastify, { uri });
    const call = async (app: FastifyInstance) => {
      // It is never answered: what would follow is the same for both.
      app.get('/none', () => {});
      await app.ready();
      return () => app.routing(new Fake() as never, res as never);
    };
    return {
      empty: await call(bare),
      handback: await call(plugged),
      close: async () => {
        await Promise.all([bare.close(), plugged.close()]);
      },
    };
  },
};
