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

export const websocketIdle: Case = {
  name: 'a route of @fastify/websocket gives its connection back between messages (idleHandBackMs by default)',
  run(harness) {
    const signals: AbortSignal[] = [];
    const frameworkSetup = async (instance: unknown) => {
      const app = instance as FastifyInstance;
      await app.register(websocket);
      app.get('/socket', { websocket: true }, async (socket, request) => {
        const { db } = request as unknown as { db: Db };
        signals.push(db.signal);
        // Before the first message too: what it is was decided before its first query.
        await connectionId(db);
        socket.on('message', async () => socket.send(String(await connectionId(db))));
      });
    };
    return serve(harness, { routes: [], frameworkSetup, options: { max: 2 } }, async (app) => {
      const sockets = Array.from({ length: 2 }, () => new WebSocket(`ws://127.0.0.1:${app.port}/socket`));
      await app.eventually(() => assert.equal(app.pool.stats().leased, 2));
      await app.eventually(() => assert.equal(app.pool.stats().released, 2));
      for (const socket of sockets) {
        socket.send('go');
        const [id] = await once(socket, 'message');
        assert.ok(Number(id) > 0);
        socket.terminate();
      }
      await app.handedBack();
      assert.equal(app.pool.stats().acquired, 4);
      assert.deepEqual(
        signals.map(({ reason }) => reason?.code),
        ['CLIENT_GONE', 'CLIENT_GONE'],
      );
    });
  },
};
