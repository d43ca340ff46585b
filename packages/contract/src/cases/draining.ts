import { strict as assert } from 'node:assert';
import { connectionId, json, nextConnection, serve } from '../app.js';
import type { Case, Handler } from '../harness.js';
import { unique, withBank } from '../support/database.js';
import { Gate } from '../support/eventually.js';

const fireAndForget: Case = {
  name: 'a query not awaited at the end is drained: its result comes, and meanwhile nobody gets its connection',
  run(harness) {
    const marker = unique('not_awaited');
    const settled = new Gate<boolean>();
    const handler: Handler = async ({ db, reply }) => {
      await connectionId(db);
      const query = db.query(`SELECT SLEEP(10) AS ${marker}`);
      settled.open(query.then(() => true).catch(() => true));
      reply(200, {});
    };
    const setup = { routes: [{ path: '/work', handler }], options: { max: 2 } };
    return serve(harness, setup, async (app) => {
      assert.equal((await app.get('/work')).status, 200);
      const busy = await app.eventually(() => app.watcher.runner(marker));
      await nextConnection(app, busy.id);
      await app.watcher.interrupt(busy.id);
      assert.ok(await settled.opened);
    });
  },
};

const drainedInTime: Case = {
  name: 'a query that ends within drainTimeoutMs gives its rows, and its connection is used again',
  run(harness) {
    const result = new Gate<unknown>();
    const handler: Handler = async ({ db, reply }) => {
      await connectionId(db);
      result.open(db.query('SELECT SLEEP(0.2) AS slept').then(([rows]) => rows[0]?.slept));
      reply(200, {});
    };
    return serve(harness, { routes: [{ path: '/work', handler }] }, async (app) => {
      await app.get('/work');
      assert.equal(await result.opened, 0);
      await app.handedBack();
      await app.get('/next');
      assert.equal(app.pool.stats().opened, 1);
    });
  },
};

function outlives(where: 'pool' | 'route'): Case {
  return {
    name: `a query that outlives drainTimeoutMs (${where}) is gone from the server's process list`,
    run(harness) {
      const marker = unique('outlives_the_drain');
      const settled = new Gate<unknown>();
      const handler: Handler = async ({ db, reply }) => {
        settled.open(db.query(`SELECT SLEEP(60) AS ${marker}`).catch((error) => error));
        reply(200, {});
      };
      const limit = { drainTimeoutMs: 150 };
      const route = { path: '/work', handler, ...(where === 'route' ? { options: limit } : {}) };
      const setup = { routes: [route], options: { max: 1, ...(where === 'pool' ? limit : {}) } };
      return serve(harness, setup, async (app) => {
        await app.get('/work');
        const killed = await app.eventually(() => app.watcher.runner(marker));
        // With one connection, the next request is served only when the statement is out of the way; since the KILL
        // was acknowledged, on the same connection.
        assert.equal(json(await app.get('/next')).id, killed.id);
        assert.deepEqual(await app.watcher.running(marker), []);
        await settled.opened;
        await app.eventually(() => assert.equal(app.pool.stats().ghost, 0));
      });
    },
  };
}

const releasedWhileRunning: Case = {
  name: 'release() while a query runs: its result comes, and meanwhile nobody gets its connection',
  run(harness) {
    const marker = unique('released_while_running');
    const settled = new Gate();
    const handler: Handler = async ({ db, reply }) => {
      await connectionId(db);
      const query = db.query(`SELECT SLEEP(10) AS ${marker}`).catch(() => {});
      await db.release();
      reply(200, {});
      await query;
      settled.open();
    };
    // On Koa the answer waits for the handler, so the test does not wait for the answer.
    return serve(harness, { routes: [{ path: '/work', handler }], options: { max: 2 } }, async (app) => {
      const client = await app.client();
      client.send(['/work']);
      const busy = await app.eventually(() => app.watcher.runner(marker));
      await nextConnection(app, busy.id);
      await app.watcher.interrupt(busy.id);
      await settled.opened;
    });
  },
};

const killHitsNobodyElse: Case = {
  name: 'a KILL at the end of the drain never hits the next statement on that connection',
  run(harness) {
    const handler: Handler = async ({ db, reply }) => {
      // Ends close to its deadline, so that the KILL and the statement's own end race.
      db.query('SELECT SLEEP(0.02)').catch(() => {});
      reply(200, {});
    };
    const setup = { routes: [{ path: '/work', handler }], options: { max: 1, drainTimeoutMs: 20 } };
    return serve(harness, setup, async (app) => {
      for (let n = 0; n < 20; n++) {
        await app.get('/work');
        const { status, body } = await app.get('/next');
        assert.equal(status, 200, `round ${n}: the next request answered ${body}`);
      }
    });
  },
};

const handlerTimeout: Case = {
  name: "Fastify's handlerTimeout answers while a query runs: its connection is not handed on while busy",
  only: ['fastify'],
  run(harness) {
    const marker = unique('longer_than_its_handler_may');
    const settled = new Gate();
    const handler: Handler = async ({ db, reply }) => {
      await db.query(`SELECT SLEEP(10) AS ${marker}`).catch(() => {});
      settled.open();
      reply(200, {});
    };
    const frameworkOptions = { handlerTimeout: 200 };
    const setup = { routes: [{ path: '/work', handler }], options: { max: 2 }, frameworkOptions };
    return serve(harness, setup, async (app) => {
      assert.equal((await app.get('/work')).status, 503);
      const busy = await app.eventually(() => app.watcher.runner(marker));
      await nextConnection(app, busy.id);
      await app.watcher.interrupt(busy.id);
      await settled.opened;
    });
  },
};

const transactionStillRunning: Case = {
  name: 'a transaction(fn) still at work at the end commits as a whole',
  run: (harness) =>
    withBank((bank) => {
      const goOn = new Gate();
      const done = new Gate<unknown>();
      const handler: Handler = async ({ db, reply }) => {
        const transfer = db.transaction(async (tx) => {
          await tx.query(bank.add, [-100, 1]);
          await goOn.opened;
          await tx.query(bank.add, [100, 2]);
        });
        done.open(transfer);
        reply(200, {});
      };
      return serve(harness, { routes: [{ path: '/transfer', handler }] }, async (app) => {
        await app.get('/transfer');
        await app.get('/next');
        assert.equal(await bank.balance(1), 1000, 'nothing is visible before the commit');
        goOn.open();
        await done.opened;
        assert.deepEqual([await bank.balance(1), await bank.balance(2)], [900, 1100]);
      });
    }),
};

export const draining: Case[] = [
  fireAndForget,
  drainedInTime,
  outlives('pool'),
  outlives('route'),
  releasedWhileRunning,
  killHitsNobodyElse,
  handlerTimeout,
  transactionStillRunning,
];
