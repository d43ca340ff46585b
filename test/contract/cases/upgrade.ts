import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import websocket from '@fastify/websocket';
import type { FastifyInstance } from 'fastify';
import { WebSocket } from 'ws';
import { connectionId, json, serve } from '../app.js';
import type { Case, Db, Handler } from '../harness.js';

const websocketRoute: Case = {
  name: 'a route of @fastify/websocket: every message may query, and nothing is left when the socket is gone',
  only: ['fastify'],
  run(harness) {
    const frameworkSetup = async (instance: unknown) => {
      const app = instance as FastifyInstance;
      await app.register(websocket);
      app.get('/socket', { websocket: true }, (socket, request) => {
        const { db } = request as unknown as { db: Db };
        socket.on('message', async () => socket.send(String(await connectionId(db))));
      });
    };
    return serve(harness, { routes: [], frameworkSetup }, async (app) => {
      const socket = new WebSocket(`ws://127.0.0.1:${app.port}/socket`);
      await once(socket, 'open');
      for (let n = 0; n < 3; n++) {
        socket.send('go');
        const [id] = await once(socket, 'message');
        assert.ok(Number(id) > 0);
      }
      socket.terminate();
      await app.handedBack();
    });
  },
};

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

export const upgrade: Case[] = [websocketRoute, plainListener, withoutListener];
