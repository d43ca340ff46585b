import { strict as assert } from 'node:assert';
import type { ServerResponse } from 'node:http';
import { clientGone, connectionId, serve } from '../app.js';
import type { Case, Handler } from '../harness.js';
import { unique } from '../support/database.js';
import { Gate } from '../support/eventually.js';
import type { Departure } from '../support/raw-client.js';

const aborted = (signal: AbortSignal): Promise<unknown> =>
  new Promise((resolve) => signal.addEventListener('abort', () => resolve(signal.reason), { once: true }));

function assertClientGone(reason: unknown): void {
  assert.equal((reason as { code?: string }).code, 'CLIENT_GONE');
}

const leaves = (how: Departure, method: 'GET' | 'POST', query: 'before' | 'no'): Case => ({
  name: `aborts when the client of a ${method} leaves (${how}), with ${query === 'no' ? 'no query' : 'a query before'}`,
  run(harness) {
    const started = new Gate();
    const reason = new Gate<unknown>();
    const handler: Handler = async ({ db, reply }) => {
      if (query === 'before') await connectionId(db);
      reason.open(aborted(db.signal));
      started.open();
      await reason.opened;
      reply(200, {});
    };
    return serve(harness, { routes: [{ method, path: '/work', handler }] }, async (app) => {
      const client = await app.client();
      client.send(['/work', method === 'POST' ? { method, body: '{}' } : {}]);
      await started.opened;
      client.leave(how);
      assertClientGone(await reason.opened);
      if (query === 'no') assert.equal(app.pool.stats().acquired, 0);
    });
  },
});

const queued: Case = {
  name: 'aborts for requests that are queued behind another one (pipelining)',
  run(harness) {
    const reasons: Promise<unknown>[] = [];
    const all = new Gate();
    const handler: Handler = async ({ db, reply }) => {
      const reason = aborted(db.signal);
      if (reasons.push(reason) === 3) all.open();
      await reason;
      reply(200, {});
    };
    return serve(harness, { routes: [{ method: 'POST', path: '/work', handler }] }, async (app) => {
      const client = await app.client();
      const one: [string, object] = ['/work', { method: 'POST', body: '{}' }];
      client.send(one, one, one);
      await all.opened;
      client.leave('RST');
      for (const reason of await Promise.all(reasons)) assertClientGone(reason);
    });
  },
};

const answeredInTheQueue: Case = {
  name: 'does not abort for a request whose answer was queued behind another one when the client left',
  run(harness) {
    const signals: AbortSignal[] = [];
    const answer = new Gate<ServerResponse>();
    const first = new Gate<unknown>();
    const slow: Handler = async ({ db, reply }) => {
      signals.push(db.signal);
      first.open(aborted(db.signal));
      await first.opened;
      reply(200, {});
    };
    const quick: Handler = ({ db, res, reply }) => {
      signals.push(db.signal);
      answer.open(res);
      reply(200, {});
    };
    const routes = [
      { path: '/slow', handler: slow },
      { path: '/quick', handler: quick },
    ];
    return serve(harness, { routes }, async (app) => {
      const client = await app.client();
      client.send(['/slow'], ['/quick']);
      const res = await answer.opened;
      await app.eventually(() => assert.ok(res.writableEnded));
      client.leave('RST');
      assertClientGone(await first.opened);
      assert.deepEqual(
        signals.map((signal) => signal.aborted),
        [true, false],
      );
    });
  },
};

const goneBefore: Case = {
  name: 'has aborted already when it is read after the client has left',
  run(harness) {
    const started = new Gate();
    const seen = new Gate<AbortSignal>();
    const handler: Handler = async ({ req, db, reply }) => {
      started.open();
      await clientGone(req);
      seen.open(db.signal);
      reply(200, {});
    };
    return serve(harness, { routes: [{ path: '/work', handler }] }, async (app) => {
      const client = await app.client();
      client.send(['/work']);
      await started.opened;
      client.leave('FIN');
      const signal = await seen.opened;
      assert.equal(signal.aborted, true);
      assertClientGone(signal.reason);
    });
  },
};

const answered = (query: boolean): Case => ({
  name: `never aborts once the handler has answered, ${query ? 'after a query' : 'without a query'}: neither on the next request of the socket nor at its end`,
  run(harness) {
    const signals: AbortSignal[] = [];
    const handler: Handler = async ({ db, reply }) => {
      signals.push(db.signal);
      if (query) await connectionId(db);
      reply(200, {});
    };
    return serve(harness, { routes: [{ path: '/work', handler }] }, async (app) => {
      const client = await app.client();
      for (let n = 0; n < 3; n++) {
        client.send(['/work']);
        assert.equal((await client.receive()).status, 200);
      }
      // Two at once: the second is answered while the first still goes out.
      client.send(['/work'], ['/work']);
      await client.receive();
      await client.receive();
      client.leave('RST');
      await app.eventually(async () => {
        const open = await new Promise<number>((resolve, reject) =>
          app.server.getConnections((error, count) => (error ? reject(error) : resolve(count))),
        );
        assert.equal(open, 0);
      });
      assert.deepEqual(
        signals.map(({ aborted: is }) => is),
        Array(5).fill(false),
      );
    });
  },
});

const stopsAStatement: Case = {
  name: 'given to a statement, it stops it on the server when the client leaves; the connection serves the next one',
  run(harness) {
    const marker = unique('signalled');
    const outcome = new Gate<unknown>();
    const handler: Handler = async ({ db, reply }) => {
      const read = db.query({ sql: `SELECT SLEEP(60) AS ${marker}`, signal: db.signal });
      outcome.open(read.catch((error) => error));
      await outcome.opened;
      // Not 'cancel': the rest of the handler's work goes on.
      await connectionId(db);
      reply(200, {});
    };
    const setup = { routes: [{ path: '/read', handler }], options: { max: 1 } };
    return serve(harness, setup, async (app) => {
      const client = await app.client();
      client.send(['/read']);
      await app.eventually(() => app.watcher.runner(marker));
      client.leave('RST');
      assertClientGone(await outcome.opened);
      await app.eventually(async () => assert.deepEqual(await app.watcher.running(marker), []));
      await app.handedBack();
      assert.equal(app.pool.stats().opened, 1);
    });
  },
};

const optedOut: Case = {
  name: 'works on a route that is opted out',
  run(harness) {
    const started = new Gate();
    const reason = new Gate<unknown>();
    const handler: Handler = async ({ db, reply }) => {
      reason.open(aborted(db.signal));
      started.open();
      await reason.opened;
      reply(200, {});
    };
    const routes = [{ path: '/work', handler, options: false as const }];
    return serve(harness, { routes }, async (app) => {
      const client = await app.client();
      client.send(['/work']);
      await started.opened;
      client.leave('RST');
      assertClientGone(await reason.opened);
    });
  },
};

export const clientSignal: Case[] = [
  leaves('RST', 'GET', 'no'),
  leaves('FIN', 'GET', 'before'),
  leaves('RST', 'POST', 'before'),
  leaves('FIN', 'POST', 'no'),
  queued,
  answeredInTheQueue,
  goneBefore,
  answered(true),
  answered(false),
  stopsAStatement,
  optedOut,
];
