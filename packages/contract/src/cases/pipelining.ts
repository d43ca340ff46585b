import { strict as assert } from 'node:assert';
import { clientGone, connectionId, json, serve } from '../app.js';
import type { Case, Handler } from '../harness.js';
import { Gate } from '../support/eventually.js';
import type { RequestOptions } from '../support/http-message.js';
import type { Departure } from '../support/raw-client.js';
import { warningsDuring } from '../support/warning-recorder.js';

const threeWhoseClientLeaves = (method: 'GET' | 'POST', how: Departure): Case => ({
  name: `three pipelined ${method}s whose client leaves (${how}) leak nothing`,
  run(harness) {
    const left = new Gate();
    const queried = [new Gate(), new Gate(), new Gate()];
    let arrived = 0;
    // On Node 20 and 22 the responses of the second and third emit nothing at all: only their socket's close tells.
    const handler: Handler = async ({ req, db }) => {
      const mine = queried[arrived++];
      clientGone(req).then(left.open);
      await connectionId(db);
      mine?.open();
      await new Promise(() => {});
    };
    return serve(harness, { routes: [{ method, path: '/work', handler }] }, async (app) => {
      const client = await app.client();
      const options: RequestOptions = method === 'POST' ? { method, body: '{"n":1}' } : {};
      client.send(['/work', options], ['/work', options], ['/work', options]);
      await Promise.all(queried.map((gate) => gate.opened));
      assert.equal(app.pool.stats().leased, 3);
      client.leave(how);
      await left.opened;
      await app.handedBack();
    });
  },
});

const queuedAnswer: Case = {
  name: 'a pipelined request that is answered behind a slow one holds nothing while its answer waits',
  run(harness) {
    const first = new Gate();
    const second = new Gate();
    const routes = [
      {
        path: '/slow',
        handler: (async ({ reply }) => {
          await first.opened;
          reply(200, {});
        }) satisfies Handler,
      },
      {
        path: '/quick',
        handler: (async ({ db, reply }) => {
          await connectionId(db);
          reply(200, {});
          second.open();
        }) satisfies Handler,
      },
    ];
    return serve(harness, { routes }, async (app) => {
      const client = await app.client();
      client.send(['/slow'], ['/quick']);
      await second.opened;
      await app.handedBack();
      first.open();
      assert.equal((await client.receive()).status, 200);
      assert.equal((await client.receive()).status, 200);
    });
  },
};

const twenty: Case = {
  name: 'twenty pipelined requests: twenty answers, no warning, one listener on the socket',
  run(harness) {
    const listeners: number[] = [];
    const handler: Handler = async ({ req, db, reply }) => {
      listeners.push(req.socket.listenerCount('close'));
      reply(200, { id: await connectionId(db) });
    };
    return serve(harness, { routes: [{ path: '/work', handler }] }, async (app) => {
      const client = await app.client();
      const warnings = await warningsDuring(async () => {
        client.send(...Array.from({ length: 20 }, (): [string] => ['/work']));
        for (let n = 0; n < 20; n++) assert.ok(Number(json(await client.receive()).id) > 0);
      });
      assert.deepEqual(warnings, []);
      await app.handedBack();
      client.send(['/work']);
      await client.receive();
      // One of ours per socket, for as long as the socket lives.
      assert.ok(Number(listeners.at(-1)) <= Number(listeners[0]) + 1, `'close' listeners grew: ${listeners}`);
    });
  },
};

export const pipelining: Case[] = [
  threeWhoseClientLeaves('GET', 'RST'),
  threeWhoseClientLeaves('GET', 'FIN'),
  threeWhoseClientLeaves('POST', 'RST'),
  threeWhoseClientLeaves('POST', 'FIN'),
  queuedAnswer,
  twenty,
];
