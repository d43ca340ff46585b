import { strict as assert } from 'node:assert';
import { Afterwards, codeOf, connectionId, json, serve } from '../app.js';
import type { Case, Handler } from '../harness.js';
import { withBank } from '../support/database.js';

const oops = () => {
  throw new Error('oops');
};

const throwsSynchronously: Case = {
  name: 'a handler that throws synchronously after starting a query: 500, and the connection is back',
  run(harness) {
    const handler: Handler = ({ db }) => {
      connectionId(db).catch(() => {});
      throw new Error('oops');
    };
    return serve(harness, { routes: [{ path: '/boom', handler }] }, async (app) => {
      assert.equal((await app.get('/boom')).status, 500);
    });
  },
};

const throwsLater: Case = {
  name: 'a handler that rejects after a query: 500, the connection is back and reused',
  run(harness) {
    const handler: Handler = async ({ db }) => {
      await connectionId(db);
      throw new Error('oops');
    };
    return serve(harness, { routes: [{ path: '/boom', handler }] }, async (app) => {
      for (let n = 0; n < 5; n++) {
        assert.equal((await app.get('/boom')).status, 500);
        await app.handedBack();
      }
      assert.equal(app.pool.stats().opened, 1);
    });
  },
};

const throwsInATransaction: Case = {
  name: 'a handler that rejects in an open transaction: rolled back',
  run: (harness) =>
    withBank((bank) => {
      const handler: Handler = async ({ db }) => {
        await db.beginTransaction();
        await db.query(bank.add, [-100, 1]);
        throw new Error('oops');
      };
      return serve(harness, { routes: [{ path: '/boom', handler }] }, async (app) => {
        const reports: Array<{ route: string }> = [];
        app.pool.events.on('rollback', (report) => reports.push(report));
        assert.equal((await app.get('/boom')).status, 500);
        await app.handedBack();
        await app.eventually(async () =>
          assert.ok(await bank.isUnlocked(1), 'half: the row is still locked'),
        );
        assert.equal(await bank.balance(1), 1000);
        assert.deepEqual(
          reports.map(({ route }) => route),
          ['/boom'],
        );
      });
    }),
};

const laterHookThrows: Case = {
  name: 'an error in a hook after the handler: 500, and the connection is back',
  run(harness) {
    let thrown = false;
    const laterHook = () => {
      if (!thrown) {
        thrown = true;
        oops();
      }
    };
    const handler: Handler = async ({ db, reply }) => {
      await connectionId(db);
      reply(200, {});
    };
    return serve(harness, { routes: [{ path: '/work', handler }], laterHook }, async (app) => {
      assert.equal((await app.get('/work')).status, 500);
      await app.handedBack();
      thrown = true;
    });
  },
};

const driverErrors: Case = {
  name: 'errors of the server reach the handler unchanged, and the connection is still good',
  run: (harness) =>
    withBank((bank) => {
      const handler: Handler = async ({ db, reply }) => {
        const codes = [
          await codeOf(db.query(`INSERT INTO ${bank.table} VALUES (1, 0)`)),
          await codeOf(db.execute('SELECT * FROM no_such_table')),
          await codeOf(db.query('SELEC')),
        ];
        reply(200, { codes, id: await connectionId(db) });
      };
      return serve(harness, { routes: [{ path: '/work', handler }] }, async (app) => {
        const { codes } = json(await app.get('/work'));
        assert.deepEqual(codes, ['ER_DUP_ENTRY', 'ER_NO_SUCH_TABLE', 'ER_PARSE_ERROR']);
      });
    }),
};

const noTransaction: Case = {
  name: 'statements that failed are not taken for an open transaction: none is counted, late work is not refused',
  run(harness) {
    const afterwards = new Afterwards<number>();
    const handler: Handler = async ({ db, reply }) => {
      await codeOf(db.query('SELECT * FROM no_such_table'));
      await codeOf(db.query('SELEC'));
      afterwards.schedule(() => connectionId(db));
      reply(200, {});
    };
    return serve(harness, { routes: [{ path: '/work', handler }] }, async (app) => {
      await app.get('/work');
      await app.handedBack();
      assert.equal(app.pool.stats().rolledBack, 0);
      assert.ok((await afterwards.begin()) > 0);
    });
  },
};

const transactionThrows: Case = {
  name: 'a transaction(fn) whose fn throws is rolled back, and the error is the one thrown',
  run: (harness) =>
    withBank((bank) => {
      const handler: Handler = async ({ db, reply }) => {
        const failed = await db
          .transaction(async (tx) => {
            await tx.query(bank.add, [-100, 1]);
            throw new Error('insufficient funds');
          })
          .catch((error: Error) => error);
        reply(409, { message: (failed as Error).message });
      };
      return serve(harness, { routes: [{ path: '/transfer', handler }] }, async (app) => {
        const answer = await app.get('/transfer');
        assert.deepEqual([answer.status, json(answer)], [409, { message: 'insufficient funds' }]);
        assert.equal(await bank.balance(1), 1000);
        assert.equal(app.pool.stats().rolledBack, 0, 'rolled back by its owner: nothing was left open');
      });
    }),
};

export const throwing: Case[] = [
  throwsSynchronously,
  throwsLater,
  throwsInATransaction,
  laterHookThrows,
  driverErrors,
  noTransaction,
  transactionThrows,
];
