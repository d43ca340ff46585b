import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import websocket from '@fastify/websocket';
import { type Case, connectionId, type Db, serve } from '@handback/contract';
import type { FastifyInstance } from 'fastify';
import { WebSocket } from 'ws';

export const websocketRoute: Case = {
  name: 'a route of @fastify/websocket: every message may query, and nothing is left when the socket is gone',
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
