import { strict as assert } from 'node:assert';
import { connectionId, json, serve } from '../app.js';
import type { Case, Handler } from '../harness.js';

const upgradeHeaders = { Connection: 'Upgrade', Upgrade: 'test-protocol' };

const plainListener: Case = {
  name: "a server's own upgrade listener is left alone, and may use pool.run()",
  run: (harness) =>
    serve(harness, { routes: [] }, async (app) => {
      app.server.on('upgrade', async (_req, socket) => {
        socket.on('error', () => {});
        const id = await app.pool.run((db) => connectionId(db));
        socket.end(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nX-Id: ${id}\r\n\r\n`);
      });
      const answer = await app.get('/socket', { headers: upgradeHeaders });
      assert.equal(answer.status, 101);
      assert.ok(Number(answer.headers['x-id']) > 0);
      await app.handedBack();
    }),
};

const withoutListener: Case = {
  name: 'a request to upgrade that nobody listens to is an ordinary request',
  run(harness) {
    const handler: Handler = async ({ db, reply }) => reply(200, { id: await connectionId(db) });
    return serve(harness, { routes: [{ path: '/work', handler }] }, async (app) => {
      assert.ok(Number(json(await app.get('/work', { headers: upgradeHeaders })).id) > 0);
      await app.handedBack();
    });
  },
};

export const upgrade: Case[] = [plainListener, withoutListener];
