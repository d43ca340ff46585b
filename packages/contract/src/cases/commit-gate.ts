import { strict as assert } from 'node:assert';
import { PassThrough, Readable } from 'node:stream';
import { connectionId, json, serve } from '../app.js';
import type { Case, CaseHarness, Context, Handler } from '../harness.js';
import { databaseUrl, withBank } from '../support/database.js';
import { eventually, Gate } from '../support/eventually.js';
import type { RequestOptions } from '../support/http-message.js';
import { TcpProxy } from '../support/tcp-proxy.js';

const whole = { transaction: true };

/** Ways to answer; each is to be seen by the client as a whole, with its status, or not at all. */
const answers: Record<
  string,
  { status: number; request?: RequestOptions | undefined; send(context: Context): void }
> = {
  'a body': { status: 200, send: ({ reply }) => reply(200, { ok: true }) },
  'a status of its own': { status: 201, send: ({ reply }) => reply(201, { ok: true }) },
  'no content': { status: 204, send: ({ reply }) => reply(204, '') },
  'a redirect': {
    status: 303,
    send: ({ res, reply }) => {
      res.setHeader('Location', '/elsewhere');
      reply(303, '');
    },
  },
  'not modified': { status: 304, send: ({ reply }) => reply(304, '') },
  'a HEAD request': {
    status: 200,
    request: { method: 'HEAD' },
    send: ({ reply }) => reply(200, { ok: true }),
  },
  'a stream of one piece': { status: 200, send: ({ stream }) => stream(Readable.from(['all of it'])) },
  'an empty stream': { status: 200, send: ({ stream }) => stream(Readable.from([])) },
  'the raw response': {
    status: 200,
    send: ({ hijack }) => {
      const res = hijack();
      res.writeHead(200, { 'Content-Type': 'text/plain' });
      res.end('written by hand');
    },
  },
  'the raw response, in pieces': {
    status: 200,
    send: ({ hijack }) => {
      const res = hijack();
      res.statusCode = 200;
      res.setHeader('Content-Type', 'text/plain');
      res.flushHeaders();
      res.write('written ');
      res.end();
    },
  },
};

/** Serves routes on a pool of one, behind a proxy. */
async function behindAProxy(
  harness: CaseHarness,
  handler: (proxy: TcpProxy) => Handler,
  work: (app: Parameters<Parameters<typeof serve>[2]>[0], proxy: TcpProxy) => Promise<void>,
): Promise<void> {
  const proxy = await TcpProxy.inFrontOf(databaseUrl());
  const routes = [
    { path: '/t', options: whole, handler: handler(proxy) },
    { path: '/ping', handler: (({ reply }) => reply(200, {})) satisfies Handler },
  ];
  const options = { uri: proxy.url(databaseUrl()), max: 1 };
  try {
    await serve(harness, { routes, options }, (app) => work(app, proxy));
  } finally {
    await proxy.close();
  }
}

const notBeforeCommit: Case[] = Object.entries(answers).map(([name, { send, status, request }]) => ({
  name: `not a byte leaves before COMMIT is answered: ${name}`,
  run: (harness) =>
    withBank((bank) => {
      const handler = (proxy: TcpProxy): Handler => {
        return async (context) => {
          await context.db.query(bank.add, [-100, 1]);
          proxy.mark();
          proxy.flow = 'hold-to-client';
          send(context);
        };
      };
      return behindAProxy(harness, handler, async (app, proxy) => {
        const client = await app.client();
        let answered = false;
        client.send(['/t', request ?? {}]);
        const answer = client.receive().finally(() => {
          answered = true;
        });
        await app.eventually(() => assert.equal(proxy.traffic.commands.query, 1, 'COMMIT was not sent'));
        await app.eventually(async () => assert.equal(await bank.balance(1), 900));
        // What was sent before has come by now.
        for (let n = 0; n < 3; n++) await app.get('/ping');
        assert.equal(answered, false, 'the answer has left before COMMIT was answered');
        assert.equal(client.received, 0, 'a part of it has left before COMMIT was answered');
        proxy.flow = 'pass';
        assert.equal((await answer).status, status);
      });
    }),
}));

const failedCommit: Case[] = Object.entries(answers).map(([name, { send, request }]) => ({
  name: `a failed COMMIT becomes the framework's own 500: ${name}`,
  run: (harness) =>
    withBank((bank) => {
      const handler: Handler = async (context) => {
        const { db, res } = context;
        await db.query(bank.add, [-100, 1]);
        cut.open(await connectionId(db));
        await goOn.opened;
        res.setHeader('X-Answer', 'gone');
        send(context);
      };
      const cut = new Gate<number>();
      const goOn = new Gate();
      return serve(harness, { routes: [{ path: '/t', options: whole, handler }] }, async (app) => {
        const client = await app.client();
        client.send(['/t', request ?? {}]);
        await app.watcher.disconnect(await cut.opened);
        await app.eventually(async () => assert.ok(!(await app.watcher.isConnected(await cut.opened))));
        goOn.open();
        const { status, headers, body } = await client.receive();
        assert.equal(status, 500);
        assert.equal(headers['x-answer'], undefined, 'headers of the answer that was not given');
        assert.doesNotMatch(body.toString(), /written|all of it|"ok"/);
        assert.equal(await bank.balance(1), 1000);
        if (!name.startsWith('the raw')) {
          const [error] = app.errors as Array<{ code?: string }>;
          assert.equal(error?.code, 'TRANSACTION_ROLLED_BACK', 'the framework was not told');
        }
      });
    }),
}));

/** A body whose last piece comes when the test says so. */
function inPieces(handlers: { finish: Gate }): (context: Context) => void {
  return ({ stream }) => {
    const body = new PassThrough();
    stream(body);
    body.write('first piece\n');
    body.write('second piece\n');
    void handlers.finish.opened.then(() => body.end('last piece\n'));
  };
}

const streamedInPieces: Case = {
  name: 'of a streamed body the last piece leaves when COMMIT has been answered',
  run: (harness) =>
    withBank((bank) => {
      const finish = new Gate();
      const answer = inPieces({ finish });
      const handler = (): Handler => async (context) => {
        await context.db.query(bank.add, [-100, 1]);
        answer(context);
      };
      return behindAProxy(harness, handler, async (app, proxy) => {
        const client = await app.client();
        client.send(['/t']);
        await client.receiveUntil('first piece');
        assert.equal(await bank.balance(1), 1000);
        proxy.mark();
        proxy.flow = 'hold-to-client';
        finish.open();
        await app.eventually(() => assert.equal(proxy.traffic.commands.query, 1, 'COMMIT was not sent'));
        for (let n = 0; n < 3; n++) await app.get('/ping');
        assert.doesNotMatch(client.begun, /last piece/);
        proxy.flow = 'pass';
        assert.match((await client.receive()).body.toString(), /last piece\n$/);
        assert.equal(await bank.balance(1), 900);
      });
    }),
};

const streamedAndFailed: Case = {
  name: 'of a streamed body whose COMMIT fails the end never comes: the socket is cut',
  run: (harness) =>
    withBank((bank) => {
      const finish = new Gate();
      const begun = new Gate<number>();
      const answer = inPieces({ finish });
      const handler: Handler = async (context) => {
        await context.db.query(bank.add, [-100, 1]);
        begun.open(await connectionId(context.db));
        answer(context);
      };
      return serve(harness, { routes: [{ path: '/t', options: whole, handler }] }, async (app) => {
        const client = await app.client();
        client.send(['/t']);
        await client.receiveUntil('first piece');
        await app.watcher.disconnect(await begun.opened);
        await app.eventually(async () => assert.ok(!(await app.watcher.isConnected(await begun.opened))));
        finish.open();
        await assert.rejects(client.receive(), /closed the connection before its answer was whole/);
        assert.equal(await bank.balance(1), 1000);
        // Fastify has no hook for it: it logs.
        if (harness.family === 'fastify') return;
        const [error] = app.errors as Array<{ code?: string }>;
        assert.equal(error?.code, 'TRANSACTION_ROLLED_BACK', 'the framework was not told');
      });
    }),
};

const unanswered: Case = {
  name: 'a COMMIT whose answer is lost: 500, and OUTCOME_UNKNOWN for the operator',
  run: (harness) =>
    withBank((bank) => {
      const handler =
        (proxy: TcpProxy): Handler =>
        async ({ db, reply }) => {
          await db.query(bank.add, [-100, 1]);
          proxy.mark();
          proxy.flow = 'swallow-to-client';
          reply(200, { ok: true });
        };
      return behindAProxy(harness, handler, async (app, proxy) => {
        const client = await app.client();
        client.send(['/t']);
        await eventually(() => assert.equal(proxy.traffic.commands.query, 1));
        await app.eventually(async () => assert.equal(await bank.balance(1), 900));
        proxy.cutAll('RST');
        proxy.flow = 'pass';
        assert.equal((await client.receive()).status, 500);
        assert.equal((app.errors[0] as { code?: string }).code, 'OUTCOME_UNKNOWN');
      });
    }),
};

const swallowed: Case = {
  name: 'a handler that swallows the error which rolled it back can not answer 200',
  run: (harness) =>
    withBank((bank) => {
      const bothLocked = new Gate();
      let locked = 0;
      const handler: Handler = async ({ db, req, reply }) => {
        const [mine, other] = req.url === '/t?2' ? [2, 1] : [1, 2];
        await db.query(bank.add, [10, mine]);
        locked += 1;
        if (locked === 2) bothLocked.open();
        await bothLocked.opened;
        await db.query(bank.add, [10, other]).catch(() => {});
        reply(200, {});
      };
      return serve(harness, { routes: [{ path: '/t', options: whole, handler }] }, async (app) => {
        const statuses = await Promise.all([app.get('/t'), app.get('/t?2')]);
        assert.deepEqual(statuses.map(({ status }) => status).sort(), [200, 500]);
        assert.equal(await bank.total(), 2020);
      });
    }),
};

const replaced: Case = {
  name: 'an error thrown behind res.end() takes the place of the answer, and rolls back',
  only: ['express', 'http'],
  run: (harness) =>
    withBank((bank) => {
      const handler: Handler = async ({ db, reply }) => {
        await db.query(bank.add, [-100, 1]);
        reply(200, { ok: true });
        throw new Error('oops');
      };
      return serve(harness, { routes: [{ path: '/t', options: whole, handler }] }, async (app) => {
        const { status, headers, body } = await app.get('/t');
        assert.equal(status, 500);
        assert.match(String(headers['content-type']), /html|plain/);
        assert.doesNotMatch(body.toString(), /"ok"/);
        assert.equal(await bank.balance(1), 1000);
      });
    }),
};

const twoDatabases: Case = {
  name: 'of two registrations both are committed before the answer leaves',
  run: (harness) =>
    withBank((bank) => {
      const handler: Handler = async ({ db, named, reply }) => {
        await db.query(bank.add, [-100, 1]);
        await named('other').query(bank.add, [100, 2]);
        reply(200, {});
      };
      const uri = databaseUrl();
      const plugins = [
        { uri, max: 1, transaction: true },
        { uri, max: 1, transaction: true, as: 'other' },
      ];
      return serve(harness, { routes: [{ path: '/t', handler }], plugins }, async (app) => {
        assert.deepEqual(json(await app.get('/t')), {});
        assert.deepEqual([await bank.balance(1), await bank.balance(2)], [900, 1100]);
      });
    }),
};

export const commitGate: Case[] = [
  ...notBeforeCommit,
  ...failedCommit,
  streamedInPieces,
  streamedAndFailed,
  unanswered,
  swallowed,
  replaced,
  twoDatabases,
];
