import { strict as assert } from 'node:assert';
import { type App, connectionId, json, serve } from '../app.js';
import type { Case, CaseHarness, Db, Handler } from '../harness.js';
import { Gate } from '../support/eventually.js';

/** Answers with what `work` gives. */
function answering(
  harness: CaseHarness,
  work: (db: Db) => Promise<unknown>,
  check: (answer: unknown, app: App) => void | Promise<void>,
) {
  const handler: Handler = async ({ db, reply }) => reply(200, { answer: await work(db) });
  return serve(harness, { routes: [{ path: '/work', handler }] }, async (app) => {
    const answer = await app.get('/work');
    assert.equal(answer.status, 200, `answered ${answer.body}`);
    await check(json(answer).answer, app);
  });
}

const oneConnection: Case = {
  name: 'the queries of one request use one connection',
  run: (harness) =>
    answering(
      harness,
      async (db) => {
        await db.query('SET @owner = 42');
        const ids = [await connectionId(db), await connectionId(db)];
        const [rows] = await db.execute('SELECT @owner AS owner, CONNECTION_ID() AS id');
        return [...ids, Number(rows[0]?.id), Number(rows[0]?.owner)];
      },
      (answer) => {
        const [first, second, third, owner] = answer as number[];
        assert.deepEqual([second, third, owner], [first, first, 42]);
      },
    ),
};

const parallelFirst: Case = {
  name: 'parallel first queries share one acquire',
  run: (harness) =>
    answering(
      harness,
      (db) => Promise.all(Array.from({ length: 5 }, () => connectionId(db))),
      (answer, app) => {
        assert.equal(new Set(answer as number[]).size, 1);
        const { acquired, opened } = app.pool.stats();
        assert.deepEqual({ acquired, opened }, { acquired: 1, opened: 1 });
      },
    ),
};

const reused: Case = {
  name: 'the next request reuses the connection',
  run: (harness) =>
    answering(harness, connectionId, async (id, app) => {
      for (let n = 0; n < 5; n++) {
        await app.handedBack();
        assert.equal(json(await app.get('/next')).id, id);
      }
      assert.equal(app.pool.stats().opened, 1);
    }),
};

const sideBySide: Case = {
  name: 'requests at the same time have a connection each, never more than max',
  run(harness) {
    const all = new Gate();
    let inside = 0;
    const handler: Handler = async ({ db, reply }) => {
      const id = await connectionId(db);
      inside += 1;
      if (inside === 3) all.open();
      await all.opened;
      reply(200, { id });
    };
    return serve(harness, { routes: [{ path: '/work', handler }] }, async (app) => {
      const answers = await Promise.all(Array.from({ length: 9 }, () => app.get('/work')));
      assert.equal(new Set(answers.slice(0, 9).map((answer) => json(answer).id)).size, 3);
      assert.equal(app.pool.stats().opened, 3);
    });
  },
};

const releasedEarly: Case = {
  name: 'release() hands back early, twice is harmless, and the next query acquires again',
  run: (harness) =>
    answering(
      harness,
      async (db) => {
        await connectionId(db);
        await db.release();
        await db.release();
        return (await connectionId(db)) > 0;
      },
      (answer, app) => {
        assert.equal(answer, true);
        assert.equal(app.pool.stats().acquired, 2);
      },
    ),
};

const staleRelease: Case = {
  name: "a second release() of an old holder does not touch the next holder's connection",
  run(harness) {
    const released = new Gate();
    const staleReleased = new Gate();
    const held = new Gate();
    const goOn = new Gate();
    const first: Handler = async ({ db, reply }) => {
      await connectionId(db);
      await db.release();
      released.open();
      await held.opened;
      await db.release();
      staleReleased.open();
      reply(200, {});
    };
    const second: Handler = async ({ db, reply }) => {
      const id = await connectionId(db);
      held.open();
      await goOn.opened;
      reply(200, { same: id === (await connectionId(db)) });
    };
    const routes = [
      { path: '/first', handler: first },
      { path: '/second', handler: second },
    ];
    return serve(harness, { routes, options: { max: 1 } }, async (app) => {
      const answers = [app.get('/first'), released.opened.then(() => app.get('/second'))];
      await staleReleased.opened;
      const { leased, idle } = app.pool.stats();
      assert.deepEqual({ leased, idle }, { leased: 1, idle: 0 });
      goOn.open();
      assert.deepEqual((await Promise.all(answers)).map(json), [{}, { same: true }]);
    });
  },
};

export const sharing: Case[] = [
  oneConnection,
  parallelFirst,
  reused,
  sideBySide,
  releasedEarly,
  staleRelease,
];
