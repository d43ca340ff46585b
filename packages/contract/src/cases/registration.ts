import { strict as assert } from 'node:assert';
import { codeOf, connectionId, json, nothingLeaked, serveUnchecked } from '../app.js';
import type { Case, Handler, Options } from '../harness.js';
import { databaseUrl } from '../support/database.js';

const registered = (...names: Array<string | undefined>): Options[] =>
  names.map((as) => ({ uri: databaseUrl(), max: 2, ...(as === undefined ? {} : { as }) }));

const both: Case = {
  name: 'two registrations with different `as` are two pools with a connection each',
  run(harness) {
    const handler: Handler = async ({ db, named, reply }) =>
      reply(200, { db: await connectionId(db), reporting: await connectionId(named('reporting')) });
    const setup = { routes: [{ path: '/work', handler }], plugins: registered(undefined, 'reporting') };
    return serveUnchecked(harness, setup, async (app) => {
      const { db, reporting } = json(await app.get('/work'));
      assert.notEqual(db, reporting);
      assert.deepEqual(json(await app.get('/work')), { db, reporting });
      await nothingLeaked(app);
      assert.equal(app.pools.length, 2);
      for (const pool of app.pools) {
        const { opened, leased, idle } = pool.stats();
        assert.deepEqual({ opened, leased, idle }, { opened: 1, leased: 0, idle: 1 });
      }
    });
  },
};

const onlyOne: Case = {
  name: 'a request that uses one of two pools opens nothing in the other',
  run: (harness) =>
    serveUnchecked(harness, { routes: [], plugins: registered(undefined, 'reporting') }, async (app) => {
      await app.get('/next');
      assert.deepEqual(
        app.pools.map((pool) => pool.stats().opened),
        [1, 0],
      );
    }),
};

function theSameTwice(...names: [string | undefined, string | undefined]): Case {
  return {
    name: `the same \`as\` twice (${names.join(', ') || 'the default'}) is ALREADY_REGISTERED`,
    run(harness) {
      const setup = { routes: [], plugins: registered(...names) };
      if (harness.refusesAtStart) {
        return codeOf(harness.start(setup)).then((code) => assert.equal(code, 'ALREADY_REGISTERED'));
      }
      return serveUnchecked(harness, setup, async (app) => {
        assert.equal((await app.get('/next')).status, 500);
        assert.equal((app.errors[0] as { code?: string }).code, 'ALREADY_REGISTERED');
      });
    },
  };
}

export const registration: Case[] = [
  both,
  onlyOne,
  theSameTwice(undefined, undefined),
  theSameTwice('db', 'db'),
];
