import { strict as assert } from 'node:assert';
import { Readable } from 'node:stream';
import { type Case, connectionId, type Db, type Handler, serve } from '@handback/contract';
import { Gate } from '@handback/contract/support/eventually.js';
import type { FastifyInstance } from 'fastify';

const EVENT_STREAM = 'text/event-stream';

/** Fastify keeps the headers beside the raw response until it sends them. */
export const eventStreams: Case = {
  name: "an event stream in Fastify's own way, sent or about to be: its connection goes back after a second",
  run(harness) {
    const over = new Gate();
    const frameworkSetup = async (instance: unknown) => {
      const app = instance as FastifyInstance;
      app.get('/sent', async (request, reply) => {
        await connectionId((request as unknown as { db: Db }).db);
        const events = new Readable({ read() {} });
        events.push('data: 1\n\n');
        return reply.type(EVENT_STREAM).send(events);
      });
      app.get('/unsent', async (request, reply) => {
        await connectionId((request as unknown as { db: Db }).db);
        reply.header('content-type', `${EVENT_STREAM}; charset=utf-8`);
        await over.opened;
        return 'data: 1\n\n';
      });
    };
    return serve(harness, { routes: [], frameworkSetup }, async (app) => {
      const clients = [await app.client(), await app.client()];
      for (const [n, path] of ['/sent', '/unsent'].entries()) clients[n]?.send([path]);
      await app.eventually(() => assert.equal(app.pool.stats().acquired, 2));
      await app.eventually(() => assert.equal(app.pool.stats().leased, 0));
      over.open();
      assert.equal((await clients[1]?.receive())?.status, 200);
      clients[0]?.leave('RST');
    });
  },
};

export const handlerTimeout: Case = {
  name: "handlerTimeout answers in the handler's place: db.signal does not abort, since no client has left",
  run(harness) {
    const answered = new Gate();
    const seen = new Gate<AbortSignal>();
    const handler: Handler = async ({ db }) => {
      const { signal } = db;
      await connectionId(db);
      await answered.opened;
      seen.open(signal);
    };
    const setup = { routes: [{ path: '/slow', handler }], frameworkOptions: { handlerTimeout: 50 } };
    return serve(harness, setup, async (app) => {
      assert.equal((await app.get('/slow')).status, 503);
      await app.handedBack();
      answered.open();
      assert.equal((await seen.opened).aborted, false);
    });
  },
};
