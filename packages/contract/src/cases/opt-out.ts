import { strict as assert } from 'node:assert';
import { codeOf, connectionId, json, serve } from '../app.js';
import type { Case, Db, Handler } from '../harness.js';

const methods: Record<string, (db: Db) => Promise<unknown>> = {
  query: (db) => db.query('SELECT 1'),
  execute: (db) => db.execute('SELECT 1'),
  beginTransaction: (db) => db.beginTransaction(),
  transaction: (db) => db.transaction((tx) => tx.query('SELECT 1')),
  connection: (db) => db.connection(),
};

const everyMethod: Handler = async ({ db, reply }) => {
  const codes: Record<string, string | undefined> = {};
  for (const [name, call] of Object.entries(methods)) codes[name] = await codeOf(call(db));
  reply(200, { codes, message: await db.query('SELECT 1').catch((error: Error) => error.message) });
};

const refused = Object.fromEntries(Object.keys(methods).map((name) => [name, 'ROUTE_OPTED_OUT']));

const optedOut: Case = {
  name: 'on an opted-out route the methods of db reject ROUTE_OPTED_OUT naming the route, and no connection opens',
  run(harness) {
    const setup = { routes: [{ path: '/health', options: false as const, handler: everyMethod }] };
    return serve(harness, setup, async (app) => {
      const { codes, message } = json(await app.get('/health'));
      assert.deepEqual(codes, refused);
      assert.match(String(message), /\/health/);
      assert.equal(app.pool.stats().opened, 0);
    });
  },
};

const readingIsSafe: Case = {
  name: 'on an opted-out route reading db is safe, and the other routes keep theirs',
  run(harness) {
    const handler: Handler = ({ db, reply }) => reply(200, { type: typeof db });
    const setup = { routes: [{ path: '/health', options: false as const, handler }] };
    return serve(harness, setup, async (app) => {
      assert.deepEqual(json(await app.get('/health')), { type: 'object' });
      assert.equal((await app.get('/next')).status, 200);
      assert.equal(app.pool.stats().opened, 1);
    });
  },
};

const skipped: Case = {
  name: 'skip(req) opts out by request',
  run(harness) {
    // The framework's own request, whichever that is.
    const skip = ({ url, req }: { url?: string; req?: { url: string } }) =>
      (url ?? req?.url)?.startsWith('/assets/') === true;
    const routes = [
      { path: '/assets/logo', handler: everyMethod },
      {
        path: '/page',
        handler: (async ({ db, reply }) => reply(200, { id: await connectionId(db) })) satisfies Handler,
      },
    ];
    return serve(harness, { routes, options: { skip } }, async (app) => {
      assert.deepEqual(json(await app.get('/assets/logo')).codes, refused);
      assert.equal(app.pool.stats().opened, 0);
      assert.ok(Number(json(await app.get('/page')).id) > 0);
    });
  },
};

export const optOut: Case[] = [optedOut, readingIsSafe, skipped];
