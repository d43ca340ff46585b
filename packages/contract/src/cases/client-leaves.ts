import { strict as assert } from 'node:assert';
import { clientGone, connectionId, json, nextConnection, serve } from '../app.js';
import type { Case, Handler } from '../harness.js';
import { unique } from '../support/database.js';
import { Gate } from '../support/eventually.js';
import type { Departure } from '../support/raw-client.js';

const beforeTheFirstQuery = (how: Departure): Case => ({
  name: `the client leaves (${how}) before the first query, which is never answered: it works and leaks nothing`,
  run(harness) {
    const started = new Gate();
    const queried = new Gate<number>();
    const handler: Handler = async ({ req, db }) => {
      started.open();
      await clientGone(req);
      queried.open(connectionId(db));
      await new Promise(() => {});
    };
    return serve(harness, { routes: [{ path: '/work', handler }] }, async (app) => {
      const client = await app.client();
      client.send(['/work']);
      await started.opened;
      client.leave(how);
      assert.ok((await queried.opened) > 0);
    });
  },
});

const duringAQuery = (how: Departure, method: 'GET' | 'POST'): Case => ({
  name: `the client of a ${method} leaves (${how}) during a query: it is not handed on while busy`,
  run(harness) {
    const marker = unique('while_the_client_leaves');
    const left = new Gate();
    const settled = new Gate();
    const handler: Handler = async ({ req, db, reply }) => {
      clientGone(req).then(left.open);
      await db.query(`SELECT SLEEP(10) AS ${marker}`).catch(() => {});
      reply(200, {});
      settled.open();
    };
    const setup = { routes: [{ method, path: '/slow', handler }], options: { max: 2 } };
    return serve(harness, setup, async (app) => {
      const client = await app.client();
      client.send(['/slow', method === 'POST' ? { method, body: '{}' } : {}]);
      const busy = await app.eventually(() => app.watcher.runner(marker));
      client.leave(how);
      await left.opened;
      await nextConnection(app, busy.id);
      await app.watcher.interrupt(busy.id);
      await settled.opened;
    });
  },
});

const betweenQueries = (how: Departure): Case => ({
  name: `the client leaves (${how}) between two queries, and is never answered: the second one works`,
  run(harness) {
    const between = new Gate();
    const queried = new Gate<number>();
    const handler: Handler = async ({ req, db }) => {
      await connectionId(db);
      between.open();
      await clientGone(req);
      queried.open(connectionId(db));
      await new Promise(() => {});
    };
    return serve(harness, { routes: [{ path: '/work', handler }] }, async (app) => {
      const client = await app.client();
      client.send(['/work']);
      await between.opened;
      client.leave(how);
      assert.ok((await queried.opened) > 0);
    });
  },
});

const afterTheAnswer = (how: Departure): Case => ({
  name: `the client leaves (${how}) after the answer: the next request reuses the connection`,
  run(harness) {
    const handler: Handler = async ({ db, reply }) => reply(200, { id: await connectionId(db) });
    return serve(harness, { routes: [{ path: '/work', handler }] }, async (app) => {
      const client = await app.client();
      client.send(['/work']);
      const { id } = json(await client.receive());
      client.leave(how);
      await app.handedBack();
      assert.equal(json(await app.get('/next')).id, id);
    });
  },
});

const neverAnswered = (how: Departure): Case => ({
  name: `a handler never answers and the client leaves (${how}): the connection is back`,
  run(harness) {
    const queried = new Gate();
    const handler: Handler = async ({ db }) => {
      await connectionId(db);
      queried.open();
      await new Promise(() => {});
    };
    return serve(harness, { routes: [{ path: '/never', handler }] }, async (app) => {
      const client = await app.client();
      client.send(['/never']);
      await queried.opened;
      client.leave(how);
      await app.handedBack();
    });
  },
});

const socketsCutByTheServer: Case = {
  name: 'the server cuts every socket (closeAllConnections) during a query: it is not handed on while busy',
  run(harness) {
    const marker = unique('while_sockets_are_cut');
    const left = new Gate();
    const settled = new Gate();
    const handler: Handler = async ({ req, db, reply }) => {
      clientGone(req).then(left.open);
      await db.query(`SELECT SLEEP(10) AS ${marker}`).catch(() => {});
      reply(200, {});
      settled.open();
    };
    return serve(harness, { routes: [{ path: '/slow', handler }], options: { max: 2 } }, async (app) => {
      const client = await app.client();
      client.send(['/slow']);
      const busy = await app.eventually(() => app.watcher.runner(marker));
      app.server.closeAllConnections();
      await left.opened;
      await nextConnection(app, busy.id);
      await app.watcher.interrupt(busy.id);
      await settled.opened;
    });
  },
};

export const clientLeaves: Case[] = [
  ...(['RST', 'FIN'] as const).flatMap((how) => [
    beforeTheFirstQuery(how),
    duringAQuery(how, 'GET'),
    duringAQuery(how, 'POST'),
    betweenQueries(how),
    afterTheAnswer(how),
    neverAnswered(how),
  ]),
  socketsCutByTheServer,
];
