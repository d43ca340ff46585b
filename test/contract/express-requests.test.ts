import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import handback from '@handback/express';
import express, { type Express, type Request } from 'express';
import expressFour from 'express4';

/** It is not reached: no scope here has a query. */
const uri = 'mysql://nobody@127.0.0.1:1/none';

async function get(app: Express, path: string): Promise<unknown> {
  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const { port } = server.address() as AddressInfo;
    return await (await fetch(`http://127.0.0.1:${port}${path}`)).json();
  } finally {
    server.close();
  }
}

for (const [name, make] of [
  ['express 5', express],
  ['express 4', expressFour as unknown as typeof express],
] as const) {
  describe(`requests of ${name}`, () => {
    it('what stands for a request, a proxy or what inherits from it, has its scope', async () => {
      const app = make();
      app.use(handback({ uri }));
      app.get('/', (req, res) => {
        const heir = Object.create(req) as Request;
        const proxy = new Proxy(req, { get: (target, key, receiver) => Reflect.get(target, key, receiver) });
        res.json([heir.db === req.db, proxy.db === req.db, req.db.state]);
      });
      assert.deepEqual(await get(app, '/'), [true, true, 'unused']);
    });

    it('doubles of requests, without a stream, have a scope each', () => {
      const app = make();
      const scopes = new Set<unknown>();
      const states: string[] = [];
      app.use(handback({ uri }), (req) => {
        scopes.add(req.db).add(req.db);
        states.push(req.db.state);
      });
      for (let n = 0; n < 2; n++) {
        const double = { method: 'GET', url: '/', headers: {} } as IncomingMessage;
        app(double as Request, new ServerResponse(double) as never);
      }
      assert.deepEqual([scopes.size, states], [2, ['unused', 'unused']]);
    });

    it('a request that does not pass the middleware has no scope', async () => {
      const app = make();
      app.use('/behind', handback({ uri }));
      app.use((req, res) => {
        res.json(req.db === undefined ? 'none' : req.db.state);
      });
      assert.equal(await get(app, '/behind'), 'unused');
      assert.equal(await get(app, '/elsewhere'), 'none');
    });

    it('a request has one scope, whoever looks: the application it passed, one mounted there, and a second pass', async () => {
      const [app, mounted] = [make(), make()];
      const middleware = handback({ uri });
      const seen: unknown[] = [];
      const look = (req: Request, _res: unknown, next: () => void) => {
        seen.push(req.db);
        next();
      };
      app.use(middleware, look);
      app.use('/mounted', mounted);
      mounted.use(look, middleware, look);
      mounted.get('/', (_req, res) => {
        res.json(new Set(seen).size);
      });
      assert.equal(await get(app, '/mounted'), 1);
    });
  });
}
