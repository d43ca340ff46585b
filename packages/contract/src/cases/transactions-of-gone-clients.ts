import { strict as assert } from 'node:assert';
import { clientGone, serve } from '../app.js';
import type { Case, Handler } from '../harness.js';
import { withBank } from '../support/database.js';
import { Gate } from '../support/eventually.js';

const clientLeavesAtWork: Case = {
  name: 'the client leaves in the middle of a transaction: the handler finishes it as a whole',
  run: (harness) =>
    withBank((bank) => {
      const half = new Gate();
      const done = new Gate<unknown>();
      const handler: Handler = async ({ req, db, reply }) => {
        await db.beginTransaction();
        await db.query(bank.add, [-100, 1]);
        half.open();
        await clientGone(req);
        // Long after the end was seen and decided.
        await new Promise((resolve) => setTimeout(resolve, 50));
        const rest = db.query(bank.add, [100, 2]).then(() => db.commit());
        done.open(rest);
        await rest;
        reply(200, {});
      };
      return serve(harness, { routes: [{ path: '/transfers', handler }] }, async (app) => {
        const client = await app.client();
        client.send(['/transfers']);
        await half.opened;
        client.leave('RST');
        await done.opened;
        await app.handedBack();
        assert.deepEqual([await bank.balance(1), await bank.balance(2)], [900, 1100]);
      });
    }),
};

const clientLeavesForEver: Case = {
  name: 'the client leaves in a transaction that is never finished: rolled back after drainTimeoutMs',
  run: (harness) =>
    withBank((bank) => {
      const half = new Gate();
      const handler: Handler = async ({ db }) => {
        await db.beginTransaction();
        await db.query(bank.add, [-100, 1]);
        half.open();
        await new Promise(() => {});
      };
      const setup = { routes: [{ path: '/transfers', handler }], options: { drainTimeoutMs: 150 } };
      return serve(harness, setup, async (app) => {
        const client = await app.client();
        client.send(['/transfers']);
        await half.opened;
        client.leave('RST');
        await app.handedBack();
        await app.eventually(async () => assert.ok(await bank.isUnlocked(1)));
        assert.equal(await bank.balance(1), 1000);
        assert.equal(app.pool.stats().rolledBack, 1);
      });
    }),
};

/** The handler ends after its client has left, with its transaction still open: nobody will finish that one. */
const handlerGivesUp = (how: 'answers' | 'throws' | 'returns'): Case => ({
  ...(how === 'returns' ? { needs: 'showsHandlersEnd' } : {}),
  name: `the client leaves in a transaction and the handler ${how} without finishing it: rolled back at once`,
  run: (harness) =>
    withBank((bank) => {
      const half = new Gate();
      const handler: Handler = async ({ req, db, reply }) => {
        await db.beginTransaction();
        await db.query(bank.add, [-100, 1]);
        half.open();
        await clientGone(req);
        if (how === 'throws') throw new Error('oops');
        if (how === 'answers') reply(200, {});
      };
      const setup = { routes: [{ path: '/transfers', handler }], options: { drainTimeoutMs: 60_000 } };
      return serve(harness, setup, async (app) => {
        const client = await app.client();
        client.send(['/transfers']);
        await half.opened;
        client.leave('RST');
        await app.handedBack();
        await app.eventually(async () => assert.ok(await bank.isUnlocked(1)));
        assert.equal(await bank.balance(1), 1000);
      });
    }),
});

export const transactionsOfGoneClients: Case[] = [
  clientLeavesAtWork,
  clientLeavesForEver,
  handlerGivesUp('answers'),
  handlerGivesUp('throws'),
  handlerGivesUp('returns'),
];
