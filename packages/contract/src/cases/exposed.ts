import { strict as assert } from 'node:assert';
import { connectionId, json, serve } from '../app.js';
import type { Case, Handler, RawConnection } from '../harness.js';

/** mysql2's own account of what a connection is busy with. */
function isBusy(raw: RawConnection): boolean {
  const { _command, _commands, _paused } = raw as unknown as {
    _command?: unknown;
    _commands: { length: number };
    _paused?: unknown;
  };
  return Boolean(_command) || _commands.length > 0 || Boolean(_paused);
}

const evicted: Case = {
  name: "a request that took its raw connection: it is evicted ('exposed') at the end, never handed on",
  run(harness) {
    const handler: Handler = async ({ db, reply }) => {
      const id = await connectionId(db);
      const raw = await db.connection();
      await raw.promise().query('SET @left_behind = 1');
      reply(200, { id, same: raw.threadId === id });
    };
    return serve(harness, { routes: [{ path: '/raw', handler }], options: { max: 1 } }, async (app) => {
      const { id, same } = json(await app.get('/raw'));
      assert.equal(same, true);
      assert.notEqual(json(await app.get('/next')).id, id);
      assert.equal(app.pool.stats().evicted.exposed, 1);
      await app.eventually(async () => assert.equal(await app.watcher.isConnected(Number(id)), false));
    });
  },
};

const firstThing: Case = {
  name: 'connection() as the first thing acquires, and what it gives runs nothing of anybody else',
  run(harness) {
    const busy: boolean[] = [];
    const peek: Handler = async ({ db, reply }) => {
      busy.push(isBusy(await db.connection()));
      reply(200, {});
    };
    const notAwaited: Handler = async ({ db, reply }) => {
      db.query('SELECT SLEEP(0.02)').catch(() => {});
      reply(200, {});
    };
    const routes = [
      { path: '/peek', handler: peek },
      { path: '/work', handler: notAwaited },
    ];
    return serve(harness, { routes, options: { max: 2 } }, async (app) => {
      for (let n = 0; n < 10; n++) {
        await app.get('/work');
        assert.equal((await app.get('/peek')).status, 200);
      }
      assert.deepEqual(busy, Array(10).fill(false));
    });
  },
};

export const exposed: Case[] = [evicted, firstThing];
