import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { type App, connectionId, json, serve } from '../app.js';
import type { Case, Handler } from '../harness.js';
import { Gate } from '../support/eventually.js';

const mebibyte = Buffer.alloc(2 ** 20, 'x');
const twentyMebibytes = Buffer.alloc(20 * 2 ** 20, 'x');

/** Ten clients that ask for `path` and read nothing; resolves when the tenth has asked. */
async function tenThatReadNothing(app: App, path: string): Promise<void> {
  const clients = await Promise.all(Array.from({ length: 10 }, () => app.client()));
  for (const client of clients) client.send([path]);
}

const wholeBody: Case = {
  name: 'ten clients that read nothing of a 20 MB body hold nothing, and other routes go on',
  run(harness) {
    const handled = new Gate();
    let answers = 0;
    const handler: Handler = async ({ db, reply }) => {
      await connectionId(db);
      reply(200, twentyMebibytes);
      answers += 1;
      if (answers === 10) handled.open();
    };
    return serve(harness, { routes: [{ path: '/big', handler }] }, async (app) => {
      await tenThatReadNothing(app, '/big');
      // With three connections, the fourth client is only served when an earlier one's went back.
      await app.eventually(() => assert.equal(answers, 10, `leaked: only ${answers} of 10 were served`));
      await app.handedBack();
      assert.equal((await app.get('/next')).status, 200);
    });
  },
};

const writtenByHand: Case = {
  name: 'a body of 20 MB written without regard to the reader is handed over: nothing is held',
  run(harness) {
    let answers = 0;
    const handler: Handler = async ({ db, hijack }) => {
      await connectionId(db);
      answers += 1;
      const res = hijack();
      res.writeHead(200, { 'Content-Type': 'text/plain' });
      for (let n = 0; n < 20; n++) res.write(mebibyte);
      res.end();
    };
    return serve(harness, { routes: [{ path: '/big', handler }] }, async (app) => {
      await tenThatReadNothing(app, '/big');
      await app.eventually(() => assert.equal(answers, 10, `leaked: only ${answers} of 10 were served`));
      await app.handedBack();
    });
  },
};

const producedWhileRead: Case = {
  name: 'ten bodies that can not be produced any further, because nobody reads, hold nothing after release()',
  run(harness) {
    let asked = 0;
    const handler: Handler = async ({ db, stream }) => {
      await connectionId(db);
      await db.release();
      asked += 1;
      stream(Readable.from(Array.from({ length: 20 }, () => mebibyte)));
    };
    return serve(harness, { routes: [{ path: '/big', handler }] }, async (app) => {
      await tenThatReadNothing(app, '/big');
      await app.eventually(() => assert.equal(asked, 10, `leaked: only ${asked} of 10 were served`));
      await app.handedBack();
      assert.equal((await app.get('/next')).status, 200);
    });
  },
};

const firstQueryAfterTheAnswer: Case = {
  name: 'a first query behind an answer that its client is still to read holds nothing',
  run(harness) {
    const ended = new Gate();
    const queried = new Gate<number>();
    const handler: Handler = async ({ db, res, reply }) => {
      res.once('prefinish', () => ended.open());
      queried.open(ended.opened.then(() => connectionId(db)));
      reply(200, twentyMebibytes);
    };
    return serve(harness, { routes: [{ path: '/big', handler }] }, async (app) => {
      const client = await app.client();
      client.send(['/big']);
      assert.ok((await queried.opened) > 0);
      await app.handedBack();
    });
  },
};

const keptEnd: Case = {
  name: 'a handler that ends with the res.end it kept from before its first query: its slow reader holds nothing',
  run(harness) {
    const ended = new Gate();
    const handler: Handler = async ({ db, hijack }) => {
      const res = hijack();
      const end = res.end.bind(res) as (body: Buffer) => unknown;
      await connectionId(db);
      res.writeHead(200, { 'Content-Length': twentyMebibytes.length });
      end(twentyMebibytes);
      ended.open();
    };
    return serve(harness, { routes: [{ path: '/big', handler }] }, async (app) => {
      const client = await app.client();
      client.send(['/big']);
      await ended.opened;
      await app.handedBack();
    });
  },
};

const untilFinish: Case = {
  name: "releaseOn 'finish' holds the connection until the client has read the body",
  run(harness) {
    const ended = new Gate();
    const handler: Handler = async ({ db, res, reply }) => {
      const id = await connectionId(db);
      res.setHeader('X-Connection', id);
      res.once('prefinish', () => ended.open());
      reply(200, twentyMebibytes);
    };
    const setup = { routes: [{ path: '/big', options: { releaseOn: 'finish' }, handler }] };
    return serve(harness, setup, async (app) => {
      const client = await app.client();
      client.send(['/big']);
      await ended.opened;
      // Other requests come and go, each with the event loop turning many times; this one is still out.
      for (let n = 0; n < 3; n++) {
        const next = json(await app.get('/next')).id;
        await app.eventually(() => assert.equal(app.pool.stats().leased, 1));
        assert.ok(next);
      }
      const { headers, body } = await client.receive();
      assert.equal(body.length, twentyMebibytes.length);
      await app.handedBack();
      const { idle, opened } = app.pool.stats();
      assert.equal(idle, opened, `connection ${headers['x-connection']} is idle again`);
    });
  },
};

const finishLeft: Case = {
  name: "releaseOn 'finish' hands back at once when the client leaves instead of reading",
  run(harness) {
    const ended = new Gate();
    const handler: Handler = async ({ db, res, reply }) => {
      await connectionId(db);
      once(res, 'prefinish').then(() => ended.open());
      reply(200, twentyMebibytes);
    };
    const setup = { routes: [{ path: '/big', handler }], options: { releaseOn: 'finish' } };
    return serve(harness, setup, async (app) => {
      const client = await app.client();
      client.send(['/big']);
      await ended.opened;
      assert.equal(app.pool.stats().leased, 1);
      client.leave('RST');
      await app.handedBack();
    });
  },
};

export const slowReaders: Case[] = [
  wholeBody,
  writtenByHand,
  producedWhileRead,
  firstQueryAfterTheAnswer,
  keptEnd,
  untilFinish,
  finishLeft,
];
