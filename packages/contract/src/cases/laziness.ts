import { strict as assert } from 'node:assert';
import type { EventEmitter } from 'node:events';
import { clientGone, serve } from '../app.js';
import type { Case, CaseHarness, Context, Handler, Setup } from '../harness.js';
import { databaseUrl } from '../support/database.js';
import { Gate } from '../support/eventually.js';
import { request } from '../support/raw-client.js';

const noConnection: Case = {
  name: 'a request without a query opens no connection, whatever it reads of db',
  run(harness) {
    const handler: Handler = ({ db, reply }) => reply(200, { methods: typeof db.query });
    return serve(harness, { routes: [{ path: '/plain', handler }] }, async (app) => {
      for (let n = 0; n < 20; n++) assert.equal((await app.get('/plain')).status, 200);
      const { opened, acquired, opening } = app.pool.stats();
      assert.deepEqual({ opened, acquired, opening }, { opened: 0, acquired: 0, opening: 0 });
    });
  },
};

const nothingToEnd: Case = {
  name: 'commit(), rollback() and release() without a query are no-ops that open nothing',
  run(harness) {
    const handler: Handler = async ({ db, reply }) => {
      await db.commit();
      await db.rollback();
      await db.release();
      reply(200, {});
    };
    return serve(harness, { routes: [{ path: '/plain', handler }] }, async (app) => {
      assert.equal((await app.get('/plain')).status, 200);
      assert.equal(app.pool.stats().opened, 0);
    });
  },
};

/** Everything a plugin could have hung on a request: listeners, and methods of its own in place of the inherited. */
function attachments({ req, res }: Context): string[] {
  const found: string[] = [];
  for (const [name, emitter] of Object.entries({ req, res, socket: req.socket }) as Array<
    [string, EventEmitter]
  >) {
    for (const event of emitter.eventNames())
      found.push(`${name} ${String(event)} ${emitter.listenerCount(event)}`);
  }
  for (const method of ['end', 'write', 'writeHead', 'emit', 'destroy']) {
    if (Object.hasOwn(res, method)) found.push(`res.${method} replaced`);
  }
  return found.sort();
}

/** What hangs on a request of this framework, with the plugin as set up and without any. */
async function attachedTo(harness: CaseHarness, setup: Pick<Setup, 'plugins'>): Promise<string[]> {
  let found: string[] = [];
  const handler: Handler = (context) => {
    void context.db;
    found = attachments(context);
    context.reply(200, {});
  };
  const app = await harness.start({ ...setup, routes: [{ path: '/plain', handler }] });
  await request(app.port, '/plain');
  await app.close();
  return found;
}

const nothingAttached: Case = {
  name: 'before the first query nothing is attached to the request, the response or the socket',
  async run(harness) {
    const without = await attachedTo(harness, { plugins: [] });
    assert.deepEqual(await attachedTo(harness, { plugins: [{ uri: databaseUrl() }] }), without);
  },
};

const notFound: Case = {
  name: 'a 404 takes no connection',
  run: (harness) =>
    serve(harness, { routes: [] }, async (app) => {
      assert.equal((await app.get('/nowhere')).status, 404);
      assert.equal(app.pool.stats().acquired, 0);
    }),
};

const badBody: Case = {
  name: 'a body that is not JSON takes no connection',
  run(harness) {
    const handler: Handler = async ({ db }) => db.query('SELECT 1');
    return serve(harness, { routes: [{ method: 'POST', path: '/work', handler }] }, async (app) => {
      assert.equal((await app.get('/work', { method: 'POST', body: '{"a":' })).status, 400);
      assert.equal(app.pool.stats().acquired, 0);
    });
  },
};

const slowUpload: Case = {
  name: 'a body that is still coming takes no connection, and neither does one that is cut off',
  run(harness) {
    let handled = 0;
    const handler: Handler = async ({ db }) => {
      handled += 1;
      await db.query('SELECT 1');
    };
    return serve(harness, { routes: [{ method: 'POST', path: '/work', handler }] }, async (app) => {
      const arrived = new Gate();
      const left = new Gate();
      app.server.prependOnceListener('request', (req) => {
        arrived.open();
        clientGone(req).then(left.open);
      });
      const client = await app.client();
      client.write(
        'POST /work HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{',
      );
      await arrived.opened;
      await app.get('/nowhere');
      assert.equal(app.pool.stats().acquired, 0);
      client.leave('RST');
      await left.opened;
      assert.deepEqual([handled, app.pool.stats().acquired], [0, 0]);
    });
  },
};

export const laziness: Case[] = [noConnection, nothingToEnd, nothingAttached, notFound, badBody, slowUpload];
