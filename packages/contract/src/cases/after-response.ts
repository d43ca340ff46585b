import { strict as assert } from 'node:assert';
import { Afterwards, codeOf, connectionId, serve } from '../app.js';
import type { Case, Db, Handler, Options } from '../harness.js';
import { unique } from '../support/database.js';
import { Gate } from '../support/eventually.js';

function rejects(where: 'pool' | 'route', policy: 'reject' | 'cancel'): Case {
  return {
    name: `afterResponse '${policy}' (${where}): every kind of late work rejects SCOPE_ENDED`,
    run(harness) {
      const afterwards = new Afterwards<Array<string | undefined>>();
      const late = (db: Db) =>
        Promise.all([
          codeOf(db.query('SELECT 1')),
          codeOf(db.execute('SELECT 1')),
          codeOf(db.beginTransaction()),
          codeOf(db.transaction((tx) => tx.query('SELECT 1'))),
          codeOf(db.connection()),
        ]);
      const handler: Handler = async ({ db, reply }) => {
        await connectionId(db);
        afterwards.schedule(() => late(db));
        reply(200, {});
      };
      const options: Options = { afterResponse: policy };
      const route = { path: '/work', handler, ...(where === 'route' ? { options } : {}) };
      return serve(harness, { routes: [route], options: where === 'pool' ? options : {} }, async (app) => {
        await app.get('/work');
        await app.handedBack();
        const codes = await afterwards.begin();
        assert.deepEqual(codes, Array(5).fill('SCOPE_ENDED'));
        assert.equal(app.pool.stats().acquired, 1);
      });
    },
  };
}

const notTheDrain: Case = {
  name: "afterResponse 'reject' still drains what was begun before the answer",
  run(harness) {
    const slept = new Gate<unknown>();
    const handler: Handler = async ({ db, reply }) => {
      await connectionId(db);
      slept.open(db.query('SELECT SLEEP(0.1) AS slept').then(([rows]) => rows[0]?.slept));
      reply(200, {});
    };
    const setup = { routes: [{ path: '/work', handler }], options: { afterResponse: 'reject' } };
    return serve(harness, setup, async (app) => {
      await app.get('/work');
      assert.equal(await slept.opened, 0);
    });
  },
};

const cancels: Case = {
  name: "afterResponse 'cancel' kills what is in flight when the client leaves",
  run(harness) {
    const marker = unique('an_expensive_read');
    const ended = new Gate<unknown>();
    const handler: Handler = async ({ db, reply }) => {
      const read = db.query(`SELECT SLEEP(60) AS ${marker}`);
      ended.open(read.catch((error) => error));
      await read.catch(() => {});
      reply(200, {});
    };
    const setup = { routes: [{ path: '/read', handler, options: { afterResponse: 'cancel' } }] };
    return serve(harness, setup, async (app) => {
      const client = await app.client();
      client.send(['/read']);
      const running = () => app.watcher.running(marker);
      await app.eventually(async () => assert.equal((await running()).length, 1));
      client.leave('RST');
      await app.eventually(async () => assert.deepEqual(await running(), []));
      assert.ok((await ended.opened) instanceof Error);
    });
  },
};

export const afterResponse: Case[] = [
  rejects('pool', 'reject'),
  rejects('route', 'reject'),
  rejects('route', 'cancel'),
  notTheDrain,
  cancels,
];
