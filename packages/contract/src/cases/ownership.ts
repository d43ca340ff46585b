import { strict as assert } from 'node:assert';
import { createPool } from '@handback/core';
import { type App, codeOf, connectionId, json, serveUnchecked } from '../app.js';
import type { Case, Handler, PoolView, Route } from '../harness.js';
import { databaseUrl, unique } from '../support/database.js';
import { Gate } from '../support/eventually.js';

/** A request in the middle of its work, holding a connection until the gate opens. */
function atWork(goOn: Gate): Route {
  return {
    path: '/work',
    async handler({ db, reply }) {
      const before = await connectionId(db);
      await goOn.opened;
      reply(200, { same: before === (await connectionId(db)) });
    },
  };
}

async function threadsOf(app: App, id: unknown): Promise<void> {
  await app.eventually(async () => assert.equal(await app.watcher.isConnected(Number(id)), false));
}

const given: Case = {
  name: 'a pool that was given stays open when the app shuts down',
  async run(harness) {
    const pool = createPool({ uri: databaseUrl(), max: 2 }) as unknown as PoolView;
    try {
      await serveUnchecked(harness, { routes: [], plugins: [{ pool }] }, async (app) => {
        assert.equal((await app.get('/next')).status, 200);
        assert.equal(app.pool, pool);
      });
      const { idle, leased, closed } = pool.stats();
      assert.deepEqual({ idle, leased, closed }, { idle: 1, leased: 0, closed: 0 });
      assert.ok((await connectionId(pool)) > 0);
    } finally {
      await pool.close();
    }
  },
};

const owned: Case = {
  name: 'an owned pool is closed when the app shuts down, and its connections are gone from the server',
  run: (harness) =>
    serveUnchecked(harness, { routes: [] }, async (app) => {
      const { id } = json(await app.get('/next'));
      await app.close();
      assert.equal(await codeOf(app.pool.query('SELECT 1')), 'POOL_CLOSED');
      await threadsOf(app, id);
      const { opened, closed } = app.pool.stats();
      assert.equal(opened, closed);
    }),
};

const waitsForLeases: Case = {
  name: 'closing a pool waits for the leases that are out, and refuses new ones with POOL_CLOSED',
  run(harness) {
    const goOn = new Gate();
    return serveUnchecked(harness, { routes: [atWork(goOn)] }, async (app) => {
      const answer = app.get('/work');
      await app.eventually(() => assert.equal(app.pool.stats().leased, 1));
      let isClosed = false;
      const closing = app.pool.close().then(() => {
        isClosed = true;
      });
      assert.equal(await codeOf(app.pool.query('SELECT 1')), 'POOL_CLOSED');
      assert.ok((await app.get('/next')).status >= 500);
      assert.equal(isClosed, false);
      goOn.open();
      assert.deepEqual(json(await answer), { same: true });
      await closing;
      const { opened, closed } = app.pool.stats();
      assert.deepEqual([opened, closed], [1, 1]);
    });
  },
};

const deadline: Case = {
  name: 'closing a pool waits no longer than timeoutMs: then what still runs is ended, on the server too',
  run(harness) {
    const marker = unique('outlives_the_pool');
    const ended = new Gate<string | undefined>();
    const handler: Handler = async ({ db, reply }) => {
      ended.open(codeOf(db.query(`SELECT SLEEP(60) AS ${marker}`)));
      await ended.opened;
      reply(200, {});
    };
    return serveUnchecked(harness, { routes: [{ path: '/work', handler }] }, async (app) => {
      const client = await app.client();
      client.send(['/work']);
      const running = () => app.watcher.running(marker);
      await app.eventually(async () => assert.equal((await running()).length, 1));
      await app.pool.close({ timeoutMs: 100 });
      assert.notEqual(await ended.opened, 'no error');
      await app.eventually(async () => assert.deepEqual(await running(), []));
    });
  },
};

const twice: Case = {
  name: 'closing twice is closing once',
  run: (harness) =>
    serveUnchecked(harness, { routes: [] }, async (app) => {
      await app.get('/next');
      await Promise.all([app.pool.close(), app.pool.close()]);
      await app.pool.close();
      const { opened, closed } = app.pool.stats();
      assert.deepEqual([opened, closed], [1, 1]);
    }),
};

const forced: Case = {
  name: 'close() with forceCloseConnections, under a running handler: its work ends, nothing hangs',
  only: ['fastify'],
  run(harness) {
    const marker = unique('under_close');
    const settled = new Gate<string | undefined>();
    const handler: Handler = async ({ db, reply }) => {
      settled.open(codeOf(db.query(`SELECT SLEEP(0.3) AS ${marker}`)));
      await settled.opened;
      reply(200, {});
    };
    const frameworkOptions = { forceCloseConnections: true };
    return serveUnchecked(
      harness,
      { routes: [{ path: '/work', handler }], frameworkOptions },
      async (app) => {
        const client = await app.client();
        client.send(['/work']);
        await app.eventually(() => app.watcher.runner(marker));
        await app.close();
        assert.equal(await settled.opened, 'no error');
        const { leased, opened, closed } = app.pool.stats();
        assert.deepEqual([leased, opened], [0, closed]);
      },
    );
  },
};

export const ownership: Case[] = [given, owned, waitsForLeases, deadline, twice, forced];
