import { strict as assert } from 'node:assert';
import { clientGone, connectionId, json, serve } from '../app.js';
import type { Case, Handler } from '../harness.js';
import { Gate } from '../support/eventually.js';

const ended: Case = {
  name: 'a response taken from the framework (hijack, ctx.respond = false) and ended: the connection is back',
  run(harness) {
    const handler: Handler = async ({ db, hijack }) => {
      const res = hijack();
      const body = JSON.stringify({ id: await connectionId(db) });
      res.writeHead(200, { 'Content-Length': body.length }).end(body);
    };
    return serve(harness, { routes: [{ path: '/raw', handler }] }, async (app) => {
      const { id } = json(await app.get('/raw'));
      await app.handedBack();
      assert.equal(json(await app.get('/next')).id, id);
    });
  },
};

const forgotten: Case = {
  name: 'a response taken from the framework and forgotten: the connection is back when the client leaves',
  run(harness) {
    const queried = new Gate();
    const handler: Handler = async ({ db, hijack }) => {
      hijack();
      await connectionId(db);
      queried.open();
    };
    return serve(harness, { routes: [{ path: '/raw', handler }] }, async (app) => {
      const client = await app.client();
      client.send(['/raw']);
      await queried.opened;
      assert.equal(app.pool.stats().leased, 1);
      client.leave('RST');
      await app.handedBack();
    });
  },
};

const destroyed: Case = {
  name: 'a response destroyed by its handler: the connection is back',
  run(harness) {
    const handler: Handler = async ({ db, hijack }) => {
      const res = hijack();
      await connectionId(db);
      res.destroy();
    };
    return serve(harness, { routes: [{ path: '/raw', handler }] }, async (app) => {
      const client = await app.client();
      client.send(['/raw']);
      await assert.rejects(client.receive());
      await app.eventually(() => assert.equal(app.pool.stats().released, 1));
    });
  },
};

const serverSentEvents: Case = {
  name: 'server-sent events: every event may query, and nothing is left when the client leaves',
  run(harness) {
    const ticks = [new Gate(), new Gate()];
    const over = new Gate();
    const handler: Handler = async ({ req, db, hijack }) => {
      const res = hijack();
      res.writeHead(200, { 'Content-Type': 'text/event-stream' });
      for (const [n, tick] of ticks.entries()) {
        res.write(`data: event-${n}-${(await connectionId(db)) > 0}\n\n`);
        await tick.opened;
      }
      await clientGone(req);
      over.open();
    };
    return serve(harness, { routes: [{ path: '/events', handler }] }, async (app) => {
      const client = await app.client();
      client.send(['/events']);
      for (const [n, tick] of ticks.entries()) {
        await client.receiveUntil(`event-${n}-true`);
        tick.open();
      }
      client.leave('FIN');
      await over.opened;
      await app.handedBack();
    });
  },
};

export const hijack: Case[] = [ended, forgotten, destroyed, serverSentEvents];
