import { strict as assert } from 'node:assert';
import { PassThrough } from 'node:stream';
import { clientGone, codeOf, serve } from '../app.js';
import type { Case, Handler } from '../harness.js';
import { withBank } from '../support/database.js';
import { Gate } from '../support/eventually.js';

const whole = { transaction: true };

function gone(name: string, departure: 'RST' | 'FIN', status: number, balance: number): Case {
  return {
    name,
    run: (harness) =>
      withBank((bank) => {
        const begun = new Gate();
        const handler: Handler = async ({ db, req, reply }) => {
          await db.query(bank.add, [-60, 1]);
          begun.open();
          await clientGone(req);
          await db.query(bank.add, [-40, 1]);
          reply(status, {});
        };
        return serve(harness, { routes: [{ path: '/t', options: whole, handler }] }, async (app) => {
          const client = await app.client();
          client.send(['/t']);
          await begun.opened;
          client.leave(departure);
          await app.handedBack();
          assert.equal(await bank.balance(1), balance);
          assert.ok(await bank.isUnlocked(1));
        });
      }),
  };
}

const neverEnds: Case = {
  name: 'a handler that never ends is rolled back drainTimeoutMs after its client has left',
  run: (harness) =>
    withBank((bank) => {
      const begun = new Gate();
      const goOn = new Gate();
      const late = new Gate<string | undefined>();
      const handler: Handler = async ({ db }) => {
        await db.query(bank.add, [-100, 1]);
        begun.open();
        await goOn.opened;
        late.open(await codeOf(db.query(bank.add, [-100, 1])));
        await new Promise(() => {});
      };
      const options = { transaction: true, drainTimeoutMs: 50 };
      return serve(harness, { routes: [{ path: '/t', options, handler }] }, async (app) => {
        const client = await app.client();
        client.send(['/t']);
        await begun.opened;
        client.leave('RST');
        await app.handedBack();
        goOn.open();
        assert.equal(await late.opened, 'TRANSACTION_ROLLED_BACK');
        assert.equal(await bank.balance(1), 1000);
        assert.equal(app.pool.stats().rolledBack, 1);
      });
    }),
};

const firstQueryAfterwards: Case = {
  name: 'a first query after the client has left runs in it too: the handler’s end decides',
  run: (harness) =>
    withBank((bank) => {
      const begun = new Gate();
      const handler: Handler = async ({ db, req, reply }) => {
        begun.open();
        await clientGone(req);
        await db.query(bank.add, [-60, 1]);
        await db.query(bank.add, [-40, 1]);
        reply(200, {});
      };
      return serve(harness, { routes: [{ path: '/t', options: whole, handler }] }, async (app) => {
        const client = await app.client();
        client.send(['/t']);
        await begun.opened;
        client.leave('RST');
        await app.eventually(async () => assert.equal(await bank.balance(1), 900));
        await app.handedBack();
      });
    }),
};

/** Frameworks that send a stream by themselves destroy it when the client leaves, and are done. */
const streaming: Case = {
  name: 'a stream whose client leaves: rolled back at once, and nobody is told of an open transaction',
  only: ['fastify', 'koa'],
  run: (harness) =>
    withBank((bank) => {
      const handler: Handler = async ({ db, stream }) => {
        await db.query(bank.add, [-100, 1]);
        const body = new PassThrough();
        // The last piece would wait for COMMIT.
        for (const piece of ['x', 'y']) body.write(piece.repeat(100_000));
        stream(body);
      };
      const routes = [{ path: '/t', options: { transaction: true, drainTimeoutMs: 600_000 }, handler }];
      return serve(harness, { routes }, async (app) => {
        const client = await app.client();
        client.send(['/t']);
        await client.receiveUntil('xxx');
        client.leave('RST');
        await app.handedBack();
        assert.equal(await bank.balance(1), 1000);
        assert.deepEqual([app.pool.stats().rolledBack, app.warnings], [0, []]);
      });
    }),
};

const waiting: Case = {
  name: 'a request that waits for its connection when its client leaves begins nothing',
  run: (harness) =>
    withBank((bank) => {
      const held = new Gate();
      const release = new Gate();
      const asked = new Gate<{ code: Promise<string | undefined> }>();
      const routes = [
        {
          path: '/hold',
          handler: (async ({ db, reply }) => {
            await db.query('SELECT 1');
            held.open();
            await release.opened;
            reply(200, {});
          }) satisfies Handler,
        },
        {
          path: '/t',
          options: whole,
          handler: (async ({ db, reply }) => {
            const code = codeOf(db.query(bank.add, [-100, 1]));
            asked.open({ code });
            await code;
            reply(200, {});
          }) satisfies Handler,
        },
      ];
      return serve(harness, { routes, options: { max: 1 } }, async (app) => {
        const holding = app.get('/hold');
        await held.opened;
        const client = await app.client();
        client.send(['/t']);
        const { code } = await asked.opened;
        client.leave('RST');
        assert.equal(await code, 'CLIENT_GONE');
        release.open();
        await holding;
        await app.handedBack();
        assert.equal(await bank.balance(1), 1000);
      });
    }),
};

export const requestTransactionsOfGoneClients: Case[] = [
  gone('the client leaves (RST), the handler ends well: committed', 'RST', 200, 900),
  gone('the client leaves (FIN), the handler ends well: committed', 'FIN', 200, 900),
  gone('the client leaves, the handler answers 409: rolled back', 'RST', 409, 1000),
  neverEnds,
  firstQueryAfterwards,
  streaming,
  waiting,
];
