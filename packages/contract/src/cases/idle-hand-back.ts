import { strict as assert } from 'node:assert';
import type { ServerResponse } from 'node:http';
import { type App, clientGone, codeOf, connectionId, serve } from '../app.js';
import type { Case, CaseHarness, Context, Db, Handler, Options } from '../harness.js';
import { Gate } from '../support/eventually.js';

const EVENTS = { 'Content-Type': 'text/event-stream' };

/** A response that begins in one of these ways lasts for as long as its client likes. */
const LASTING: Record<string, (context: Context) => ServerResponse> = {
  '/hijacked': ({ hijack }) => hijack(),
  '/set': ({ res }) => {
    res.setHeader('Content-Type', 'text/event-stream; charset=utf-8');
    return res;
  },
  '/sent': ({ res }) => res.writeHead(200, EVENTS),
};
/** The others have nothing to take a response away from: there it is the handler's from the beginning. */
const waysFor = ({ family }: CaseHarness) =>
  Object.keys(LASTING).filter((way) => way !== '/hijacked' || ['fastify', 'koa'].includes(family));

function lasting(way: string, work: (db: Db) => Promise<unknown>): Handler {
  return async (context) => {
    const { db, req } = context;
    await work(db);
    // Only now does it become one: what went before must not count.
    LASTING[way]?.(context).write('data: 1\n\n');
    await clientGone(req);
  };
}

const byDefault: Case = {
  name: 'hijacked, or an event stream: the connection goes back by itself after a second without a query',
  async run(harness) {
    const ways = waysFor(harness);
    const routes = ways.map((path) => ({ path, handler: lasting(path, connectionId) }));
    await serve(harness, { routes }, async (app) => {
      await openAll(app, ways);
      await app.eventually(() => assert.equal(app.pool.stats().leased, 0));
      assert.equal(app.pool.stats().released, ways.length);
    });
  },
};

async function openAll(app: App, paths: string[]) {
  return Promise.all(
    paths.map(async (path) => {
      const client = await app.client();
      client.send([path]);
      await client.receiveUntil('data: 1');
      return client;
    }),
  );
}

const switchedOff = (where: 'pool' | 'route'): Case => ({
  name: `idleHandBackMs: 0 (${where}) keeps it, whatever the response`,
  async run(harness) {
    const off: Options = { idleHandBackMs: 0 };
    const path = '/sent';
    const handler = lasting(path, connectionId);
    const other = { path: '/other', handler: lasting('/sent', connectionId), options: { idleHandBackMs: 5 } };
    const setup = {
      routes: [{ path, handler, ...(where === 'route' ? { options: off } : {}) }, other],
      options: where === 'pool' ? off : {},
    };
    await serve(harness, setup, async (app) => {
      const [client] = await openAll(app, [path]);
      // One that began later and has the shortest limit has come and gone.
      await openAll(app, ['/other']);
      await app.eventually(() => assert.equal(app.pool.stats().released, 1));
      assert.equal(app.pool.stats().leased, 1);
      client?.leave('FIN');
    });
  },
});

const longPoll: Case = {
  name: 'a long poll with idleHandBackMs: others use its connection while it waits, then it has one again',
  run(harness) {
    const news = new Gate();
    const handler: Handler = async ({ db, reply }) => {
      await connectionId(db);
      await news.opened;
      const code = await codeOf(db.query('SELECT LAST_INSERT_ID() AS id'));
      reply(200, { code, id: await connectionId(db) });
    };
    const setup = {
      routes: [{ path: '/poll', handler, options: { idleHandBackMs: 20 } }],
      options: { max: 1 },
    };
    return serve(harness, setup, async (app) => {
      const poll = app.get('/poll');
      await app.eventually(() => assert.equal(app.pool.stats().released, 1));
      assert.equal((await app.get('/next')).status, 200);
      news.open();
      const { code, id } = JSON.parse((await poll).body.toString());
      assert.equal(code, 'CONNECTION_LOST');
      assert.ok(id > 0);
    });
  },
};

const transaction: Case = {
  name: 'an open transaction keeps it until it is over',
  run(harness) {
    const open = new Gate();
    const goOn = new Gate();
    const handler: Handler = async ({ db, hijack, req }) => {
      const res = hijack();
      await db.beginTransaction();
      open.open();
      await goOn.opened;
      await db.commit();
      res.writeHead(200, EVENTS).write('data: committed\n\n');
      await clientGone(req);
    };
    const idle = {
      path: '/idle',
      handler: lasting('/sent', connectionId),
      options: { idleHandBackMs: 5 },
    };
    const setup = { routes: [{ path: '/work', handler, options: { idleHandBackMs: 5 } }, idle] };
    return serve(harness, setup, async (app) => {
      const client = await app.client();
      client.send(['/work']);
      await open.opened;
      await openAll(app, ['/idle']);
      await app.eventually(() => assert.equal(app.pool.stats().released, 1));
      assert.equal(app.pool.stats().leased, 1);
      goOn.open();
      await client.receiveUntil('committed');
      await app.eventually(() => assert.equal(app.pool.stats().leased, 0));
      assert.equal(app.pool.stats().rolledBack, 0);
    });
  },
};

const CLIENTS = 200;

const crowd: Case = {
  name: '200 clients of an event stream on a pool of 10: each gets all its events, and other requests are served',
  async run(harness) {
    const again = new Gate();
    let begun = 0;
    const handler: Handler = async ({ db, res, req }) => {
      await connectionId(db);
      res.writeHead(200, EVENTS).write('data: first\n\n');
      begun++;
      await again.opened;
      res.write(`data: second-${(await connectionId(db)) > 0}\n\n`);
      await clientGone(req);
    };
    const setup = {
      routes: [{ path: '/events', handler }],
      options: { max: 10, idleHandBackMs: 10, acquireTimeoutMs: 20_000 },
    };
    await serve(harness, setup, async (app) => {
      const clients = await Promise.all(Array.from({ length: CLIENTS }, () => app.client()));
      for (const client of clients) client.send(['/events']);
      await app.eventually(() => {
        const { leased, released } = app.pool.stats();
        assert.deepEqual({ begun, leased, released }, { begun: CLIENTS, leased: 0, released: CLIENTS });
      });
      for (let n = 0; n < 20; n++) assert.equal((await app.get('/next')).status, 200);
      again.open();
      await Promise.all(clients.map((client) => client.receiveUntil('second-true', 20_000)));
      assert.ok(app.pool.stats().opened <= 10);
      assert.equal(app.pool.stats().acquired - 20, 2 * CLIENTS);
      for (const client of clients) client.leave('RST');
    });
  },
};

export const idleHandBack: Case[] = [
  byDefault,
  switchedOff('pool'),
  switchedOff('route'),
  longPoll,
  transaction,
  crowd,
];
