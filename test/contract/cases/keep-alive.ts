import { strict as assert } from 'node:assert';
import { warningsDuring } from '../../support/warning-recorder.js';
import { connectionId, serve } from '../app.js';
import type { Case, Handler } from '../harness.js';

const requests = 10_000;

export const keepAlive: Case[] = [
  {
    name: '10 000 requests on one keep-alive socket: one connection, no listener growth, no warning',
    run(harness) {
      const listeners = new Set<number>();
      const sockets = new Set<unknown>();
      const handler: Handler = async ({ req, db, reply }) => {
        sockets.add(req.socket);
        const { socket } = req;
        listeners.add(socket.eventNames().reduce((sum, event) => sum + socket.listenerCount(event), 0));
        reply(200, { id: await connectionId(db) });
      };
      return serve(harness, { routes: [{ path: '/work', handler }] }, async (app) => {
        const client = await app.client();
        const warnings = await warningsDuring(async () => {
          for (let n = 0; n < requests; n++) {
            client.send(['/work']);
            const { status } = await client.receive();
            assert.equal(status, 200);
          }
        });
        assert.deepEqual(warnings, []);
        assert.equal(sockets.size, 1);
        assert.ok(
          Math.max(...listeners) - Math.min(...listeners) <= 1,
          `listeners on the socket: ${[...listeners]}`,
        );
        assert.equal(app.pool.stats().opened, 1);
      });
    },
  },
];
