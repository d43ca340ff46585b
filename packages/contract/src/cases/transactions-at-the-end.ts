import { strict as assert } from 'node:assert';
import { Afterwards, codeOf, connectionId, serve } from '../app.js';
import type { Case, Db, Handler } from '../harness.js';
import { withBank } from '../support/database.js';
import { Gate } from '../support/eventually.js';

const rolledBack: Case = {
  name: 'a transaction left open at the end is rolled back, counted and reported with its route',
  run: (harness) =>
    withBank((bank) => {
      const handler: Handler = async ({ db, reply }) => {
        await db.beginTransaction();
        await db.query(bank.add, [-100, 1]);
        reply(200, {});
      };
      return serve(harness, { routes: [{ path: '/transfers', handler }] }, async (app) => {
        const reports: Array<{ route: string }> = [];
        app.pool.events.on('rollback', (report) => reports.push(report));
        await app.get('/transfers');
        await app.handedBack();
        await app.eventually(async () =>
          assert.ok(await bank.isUnlocked(1), 'half: the row is still locked'),
        );
        assert.equal(await bank.balance(1), 1000, 'half: the update stayed');
        assert.equal(app.pool.stats().rolledBack, 1);
        assert.deepEqual(
          reports.map(({ route }) => route),
          ['/transfers'],
        );
      });
    }),
};

const notHandedOn: Case = {
  name: 'a transaction left open at the end is not found by the next request on that connection',
  run: (harness) =>
    withBank((bank) => {
      const routes = [
        {
          path: '/open',
          handler: (async ({ db, reply }) => {
            await db.beginTransaction();
            await db.query(bank.add, [-100, 1]);
            reply(200, {});
          }) satisfies Handler,
        },
        {
          path: '/update',
          handler: (async ({ db, reply }) => {
            await db.query(bank.add, [5, 2]);
            reply(200, {});
          }) satisfies Handler,
        },
      ];
      return serve(harness, { routes, options: { max: 1 } }, async (app) => {
        await app.get('/open');
        await app.get('/update');
        await app.handedBack();
        assert.equal(
          await bank.balance(2),
          1005,
          'half: the next request wrote into a transaction it did not begin',
        );
        assert.equal(await bank.balance(1), 1000);
      });
    }),
};

/** A transfer whose answer goes out between its two halves. */
function halfTransfer(name: string, late: (db: Db, add: string) => Promise<void>, total = 2000): Case {
  return {
    name,
    run: (harness) =>
      withBank((bank) => {
        const afterwards = new Afterwards<void>();
        const handler: Handler = async ({ db, reply }) => {
          await db.beginTransaction();
          await db.query(bank.add, [-100, 1]);
          afterwards.schedule(() => late(db, bank.add));
          reply(200, {});
        };
        return serve(harness, { routes: [{ path: '/transfers', handler }] }, async (app) => {
          await app.get('/transfers');
          await app.handedBack();
          await afterwards.begin();
          await app.handedBack();
          assert.equal(await bank.total(), total, 'half: money was made or lost');
        });
      }),
  };
}

const lateHalf = halfTransfer(
  'a late second half of a transfer is refused: the total stays',
  async (db, add) => {
    assert.equal(
      await codeOf(db.query(add, [100, 2])),
      'TRANSACTION_ROLLED_BACK',
      'half: the second half ran',
    );
  },
);

const everyLateStatement = halfTransfer(
  'after the rollback every statement is refused, commit() included, until rollback() is called',
  async (db, add) => {
    const refused = 'TRANSACTION_ROLLED_BACK';
    assert.equal(await codeOf(db.query('SELECT 1')), refused);
    assert.equal(await codeOf(db.execute(add, [100, 2])), refused);
    assert.equal(await codeOf(db.transaction((tx) => tx.query('SELECT 1'))), refused);
    assert.equal(await codeOf(db.commit()), refused);
    assert.equal(await codeOf(db.query('SELECT 1')), refused);
    await db.rollback();
    assert.ok((await connectionId(db)) > 0);
  },
);

const commitOnTheNextLine: Case = {
  name: 'commit() on the line after the answer counts',
  run: (harness) =>
    withBank((bank) => {
      const done = new Gate<unknown>();
      const handler: Handler = async ({ db, hijack, reply }) => {
        await db.beginTransaction();
        await db.query(bank.add, [-100, 1]);
        await db.query(bank.add, [100, 2]);
        // Koa answers after the handler; to be before its commit, the answer must be sent by hand.
        if (harness.family === 'koa') hijack().end('{}');
        else reply(200, {});
        const committed = db.commit();
        done.open(committed);
        await committed;
      };
      return serve(harness, { routes: [{ path: '/transfers', handler }] }, async (app) => {
        await app.get('/transfers');
        await done.opened;
        await app.handedBack();
        assert.deepEqual([await bank.balance(1), await bank.balance(2)], [900, 1100]);
        assert.equal(app.pool.stats().rolledBack, 0);
      });
    }),
};

export const transactionsAtTheEnd: Case[] = [
  rolledBack,
  notHandedOn,
  lateHalf,
  everyLateStatement,
  commitOnTheNextLine,
];
