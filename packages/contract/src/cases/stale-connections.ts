import { strict as assert } from 'node:assert';
import { type App, type CaseSetup, connectionId, json, serve } from '../app.js';
import type { Case, CaseHarness, Db, Handler } from '../harness.js';
import { Gate } from '../support/eventually.js';

/** Past this the server has hung up on a session with `hangsUpSoon`. */
const BLOCKED_MS = 2_200;
const hangsUpSoon = { onConnect: 'SET SESSION wait_timeout = 1' };

/** Nothing of this process runs meanwhile, so it can't have noticed anything. */
function blockTheLoop(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/** A handler that queries, pauses, and queries again; `pause` is given what it needs to know when it may go on. */
function withPause(
  harness: CaseHarness,
  setup: Pick<CaseSetup, 'options'>,
  pause: (app: App, id: number) => Promise<void>,
) {
  const first = new Gate<number>();
  const goOn = new Gate();
  const handler: Handler = async ({ db, reply }) => {
    const before = await connectionId(db);
    first.open(before);
    await goOn.opened;
    reply(200, { before, after: await connectionId(db) });
  };
  return serve(harness, { ...setup, routes: [{ path: '/pause', handler }] }, async (app) => {
    const answer = app.get('/pause');
    await pause(app, await first.opened);
    goOn.open();
    const { before, after } = json(await answer);
    assert.ok(after, 'the second query was not answered');
    assert.notEqual(after, before, 'the connection was not lost at all');
  });
}

const gone = (app: App, id: number) =>
  app.eventually(async () => assert.ok(!(await app.watcher.isConnected(id)), 'still connected'));

const pauseInRequest: Case = {
  name: 'a request that pauses for longer than wait_timeout between two queries gets both answers',
  run: (harness) => withPause(harness, { options: hangsUpSoon }, gone),
};

const killedInRequest: Case = {
  name: 'a connection killed between two queries of a request is replaced',
  run: (harness) =>
    withPause(harness, {}, async (app, id) => {
      await app.watcher.disconnect(id);
      await gone(app, id);
    }),
};

const blockedInRequest: Case = {
  name: 'a process too busy to see that the server hung up: both queries of the request are answered',
  run(harness) {
    const handler: Handler = async ({ db, reply }) => {
      const before = await connectionId(db);
      blockTheLoop(BLOCKED_MS);
      reply(200, { before, after: await connectionId(db) });
    };
    const routes = [{ path: '/block', handler }];
    return serve(harness, { routes, options: hangsUpSoon }, async (app) => {
      const { before, after } = json(await app.get('/block'));
      assert.ok(after, 'the second query was not answered');
      assert.notEqual(after, before, 'the connection was not lost at all');
    });
  },
};

const blockedWhileIdle: Case = {
  name: 'a process too busy to see that the server hung up on idle connections: the next query is answered',
  run(harness) {
    const handler: Handler = async ({ db, reply }) => {
      blockTheLoop(BLOCKED_MS);
      reply(200, { id: await connectionId(db) });
    };
    const routes = [{ path: '/block', handler }];
    return serve(harness, { routes, options: hangsUpSoon }, async (app) => {
      const { id } = json(await app.get('/next'));
      await app.handedBack();
      assert.notEqual(json(await app.get('/block')).id, id, 'the connection was not lost at all');
    });
  },
};

const idleTooLong: Case = {
  name: 'a pool that lay idle for longer than wait_timeout answers the next request',
  run: (harness) =>
    serve(harness, { routes: [], options: hangsUpSoon }, async (app) => {
      const { id } = json(await app.get('/next'));
      await gone(app, id as number);
      assert.notEqual(json(await app.get('/next')).id, id);
      assert.deepEqual(app.errors, []);
    }),
};

const killedAtOnce: Case = {
  name: 'all idle connections killed at once: as many requests as there were connections are answered',
  run(harness) {
    const arrived: number[] = [];
    const all = new Gate();
    const handler: Handler = async ({ db, reply }) => {
      arrived.push(await connectionId(db as Db));
      if (arrived.length === 3) all.open();
      await all.opened;
      reply(200, {});
    };
    return serve(harness, { routes: [{ path: '/all', handler }] }, async (app) => {
      await Promise.all([app.get('/all'), app.get('/all'), app.get('/all')]);
      await app.handedBack();
      assert.equal(app.pool.stats().idle, 3);
      const killed = [...arrived];
      await Promise.all(killed.map((id) => app.watcher.disconnect(id)));
      await Promise.all(killed.map((id) => gone(app, id)));
      const answers = await Promise.all(Array.from({ length: 9 }, () => app.get('/next')));
      for (const answer of answers) {
        assert.equal(answer.status, 200, `answered ${answer.body}`);
        assert.ok(!killed.includes(json(answer).id as number), 'a dead connection was handed out');
      }
    });
  },
};

export const staleConnections: Case[] = [
  pauseInRequest,
  killedInRequest,
  blockedInRequest,
  blockedWhileIdle,
  idleTooLong,
  killedAtOnce,
];
