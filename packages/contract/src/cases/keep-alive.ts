import { strict as assert } from 'node:assert';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { connectionId, serve } from '../app.js';
import type { Case, Db, Handler } from '../harness.js';
import { warningsDuring } from '../support/warning-recorder.js';

/** The garbage collector, which Node gives out on request only. */
function collector(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
}

const forgets = (what: string, use: (db: Db) => unknown): Case => ({
  name: `a keep-alive socket does not remember the requests it has served (${what})`,
  run(harness) {
    const served: Array<WeakRef<object>> = [];
    const handler: Handler = async ({ db, reply }) => {
      served.push(new WeakRef(db));
      await use(db);
      reply(200, {});
    };
    return serve(harness, { routes: [{ path: '/work', handler }] }, async (app) => {
      const client = await app.client();
      const collect = collector();
      for (let n = 0; n < 50; n++) {
        client.send(['/work']);
        await client.receive();
      }
      await app.eventually(() => {
        collect();
        const remembered = served.filter((db) => db.deref() !== undefined).length;
        // The framework, the driver and the parser may each still hold on to a last one.
        assert.ok(remembered <= 5, `${remembered} of ${served.length} scopes are still in memory`);
      });
    });
  },
});

/** What grows with each request shows after a few hundred. */
const onOneSocket = (requests: number): Case => ({
  name: `${requests} requests on one keep-alive socket: one connection, no listener growth, no warning`,
  timeoutMs: 120_000,
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
});

/** More than anybody needs who runs the contract on each change. */
export const tenThousandOnOneSocket = onOneSocket(10_000);

export const keepAlive: Case[] = [
  onOneSocket(1_000),
  forgets('with a query', connectionId),
  forgets('with a look at db.signal', ({ signal }) => signal),
];
