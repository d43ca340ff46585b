import { strict as assert } from 'node:assert';
import { connectionId, serve } from '../app.js';
import type { Case, Handler, RunningApp } from '../harness.js';

const handler: Handler = async ({ db, reply }) => reply(200, { id: await connectionId(db) });

function injected(app: RunningApp, path: string) {
  assert.ok(app.inject, 'this framework has no inject()');
  return app.inject(path);
}

export const inject: Case[] = [
  {
    name: 'inject(), whose response finishes twice, hands back once and reuses the connection',
    only: ['fastify'],
    run: (harness) =>
      serve(harness, { routes: [{ path: '/work', handler }] }, async (app) => {
        const ids = new Set<unknown>();
        for (let n = 0; n < 100; n++) {
          const { statusCode, body } = await injected(app, '/work');
          assert.equal(statusCode, 200);
          ids.add(JSON.parse(body).id);
          await app.handedBack();
        }
        const { opened, acquired, released, idle } = app.pool.stats();
        assert.equal(ids.size, 1);
        assert.deepEqual(
          { opened, acquired, released, idle },
          { opened: 1, acquired: 100, released: 100, idle: 1 },
        );
      }),
  },
  {
    name: 'parallel inject() calls are requests of their own',
    only: ['fastify'],
    run: (harness) =>
      serve(harness, { routes: [{ path: '/work', handler }] }, async (app) => {
        const answers = await Promise.all(Array.from({ length: 20 }, () => injected(app, '/work')));
        assert.ok(answers.every((answer) => answer.statusCode === 200));
        assert.ok(app.pool.stats().opened <= 3);
      }),
  },
];
