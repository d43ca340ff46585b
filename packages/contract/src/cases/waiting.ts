import { strict as assert } from 'node:assert';
import { type App, codeOf, connectionId, json, serve } from '../app.js';
import type { Case, Handler, Route } from '../harness.js';
import { Gate } from '../support/eventually.js';

/** A route that keeps the only connection until the gate opens. */
function holder(goOn: Gate): Route {
  return {
    path: '/hold',
    async handler({ db, reply }) {
      await connectionId(db);
      await goOn.opened;
      reply(200, { id: await connectionId(db) });
    },
  };
}

/** Asks for /hold and waits until it has the connection; then `whenAnswered()` gives its answer. */
async function hold(app: App) {
  const answer = app.get('/hold');
  // Only looked at by a test that gets so far.
  answer.catch(() => {});
  await app.eventually(() => assert.equal(app.pool.stats().leased, 1));
  return { whenAnswered: () => answer };
}

const waiting = (app: App, count: number) =>
  app.eventually(() => assert.equal(app.pool.stats().pending, count, `leaked: pending is not ${count}`));

const served: Case = {
  name: 'a request that waits gets the connection of the one that ends',
  run(harness) {
    const goOn = new Gate();
    return serve(harness, { routes: [holder(goOn)], options: { max: 1 } }, async (app) => {
      const { whenAnswered } = await hold(app);
      const next = app.get('/next');
      await waiting(app, 1);
      goOn.open();
      assert.equal(json(await next).id, json(await whenAnswered()).id);
    });
  },
};

const leavesTheQueue: Case = {
  name: 'the client leaves while its first query waits: out of the queue at once with CLIENT_GONE',
  run(harness) {
    const goOn = new Gate();
    const code = new Gate<string | undefined>();
    const handler: Handler = async ({ db, reply }) => {
      code.open(codeOf(connectionId(db)));
      await code.opened;
      reply(200, {});
    };
    const routes = [holder(goOn), { path: '/wait', handler }];
    return serve(harness, { routes, options: { max: 1 } }, async (app) => {
      const { whenAnswered } = await hold(app);
      const client = await app.client();
      client.send(['/wait']);
      await waiting(app, 1);
      client.leave('RST');
      await waiting(app, 0);
      assert.equal(await code.opened, 'CLIENT_GONE');
      assert.equal(app.pool.stats().leased, 1, 'the holder still holds');
      goOn.open();
      assert.equal((await whenAnswered()).status, 200);
    });
  },
};

const keepsItsPlace: Case = {
  name: 'the client leaves while a later query waits: it keeps its place, so that no work is cut in half',
  run(harness) {
    const goOn = new Gate();
    const holding = new Gate();
    const code = new Gate<string | undefined>();
    const handler: Handler = async ({ db, reply }) => {
      await connectionId(db);
      await db.release();
      await holding.opened;
      code.open(codeOf(connectionId(db)));
      await code.opened;
      reply(200, {});
    };
    const routes = [holder(goOn), { path: '/wait', handler }];
    return serve(harness, { routes, options: { max: 1 } }, async (app) => {
      const client = await app.client();
      client.send(['/wait']);
      await app.eventually(() => assert.equal(app.pool.stats().released, 1));
      const { whenAnswered } = await hold(app);
      holding.open();
      await waiting(app, 1);
      client.leave('RST');
      for (let n = 0; n < 3; n++) await app.get('/nowhere');
      assert.equal(app.pool.stats().pending, 1);
      goOn.open();
      assert.equal(await code.opened, 'no error');
      assert.equal((await whenAnswered()).status, 200);
    });
  },
};

export const waitingRequests: Case[] = [served, leavesTheQueue, keepsItsPlace];
