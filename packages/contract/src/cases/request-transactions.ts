import { strict as assert } from 'node:assert';
import { Afterwards, codeOf, json, serve } from '../app.js';
import type { Case, Db, Handler } from '../harness.js';
import { databaseUrl, withBank } from '../support/database.js';
import { TcpProxy } from '../support/tcp-proxy.js';

const whole = { transaction: true };

const beginsWithTheFirstQuery: Case = {
  name: 'BEGIN comes with the first query, and COMMIT with the answer; without a query neither does',
  async run(harness) {
    const proxy = await TcpProxy.inFrontOf(databaseUrl());
    const queries: Handler = async ({ db, reply }) => {
      const [rows] = await db.query('SELECT 1 AS one');
      reply(200, rows[0] ?? {});
    };
    const none: Handler = ({ db, reply }) => reply(200, { has: typeof db.query });
    const routes = [
      { path: '/queries', options: whole, handler: queries },
      { path: '/none', options: whole, handler: none },
    ];
    const options = { uri: proxy.url(databaseUrl()), max: 1 };
    try {
      await serve(harness, { routes, options }, async (app) => {
        await app.get('/queries');
        await app.handedBack();
        proxy.mark();
        assert.deepEqual(json(await app.get('/queries')), { one: 1 });
        await app.handedBack();
        assert.deepEqual(proxy.traffic.commands, { query: 3 });
        assert.equal((await app.get('/none')).status, 200);
        assert.deepEqual(proxy.traffic.commands, { query: 3 });
      });
    } finally {
      await proxy.close();
    }
  },
};

const decidedByTheStatus: Case[] = [200, 201, 303, 399, 400, 409, 500].map((status) => ({
  name: `an answer of ${status} ${status < 400 ? 'commits' : 'rolls back'}`,
  run: (harness) =>
    withBank((bank) => {
      const handler: Handler = async ({ db, reply }) => {
        await db.query(bank.add, [-100, 1]);
        await db.execute(bank.add, [100, 2]);
        reply(status, { status });
      };
      return serve(harness, { routes: [{ path: '/t', options: whole, handler }] }, async (app) => {
        assert.equal((await app.get('/t')).status, status);
        // The answer has come, so it is decided.
        assert.equal(await bank.balance(1), status < 400 ? 900 : 1000);
        assert.equal(await bank.balance(2), status < 400 ? 1100 : 1000);
        await app.handedBack();
        assert.equal(app.pool.stats().rolledBack, 0, 'nothing was forgotten');
        assert.ok(await bank.isUnlocked(1));
      });
    }),
}));

const throwing: Case[] = (['at once', 'later'] as const).map((when) => ({
  name: `a handler that throws ${when} rolls back`,
  run: (harness) =>
    withBank((bank) => {
      const handler: Handler = ({ db }) => {
        const written = db.query(bank.add, [-100, 1]);
        if (when === 'at once') {
          written.catch(() => {});
          throw new Error('oops');
        }
        return written.then(() => Promise.reject(new Error('oops')));
      };
      return serve(harness, { routes: [{ path: '/t', options: whole, handler }] }, async (app) => {
        assert.equal((await app.get('/t')).status, 500);
        await app.handedBack();
        assert.equal(await bank.balance(1), 1000);
        assert.ok(await bank.isUnlocked(1));
      });
    }),
}));

const unawaited: Case = {
  name: 'a statement that the handler does not wait for is part of it',
  run: (harness) =>
    withBank((bank) => {
      const handler: Handler = ({ db, reply }) => {
        void db.query(bank.add, [-100, 1]);
        reply(200, {});
      };
      return serve(harness, { routes: [{ path: '/t', options: whole, handler }] }, async (app) => {
        await app.get('/t');
        assert.equal(await bank.balance(1), 900);
      });
    }),
};

const everywhere: Case = {
  name: 'for all routes by an option of the plugin, and a route opts out',
  run(harness) {
    const handler: Handler = async ({ db, reply }) => {
      const [rows] = await db.query('SELECT @@in_transaction AS open');
      reply(200, rows[0] ?? {});
    };
    const routes = [
      { path: '/in', handler },
      { path: '/out', options: { transaction: false }, handler },
    ];
    return serve(harness, { routes, options: { transaction: true } }, async (app) => {
      assert.deepEqual(json(await app.get('/in')), { open: 1 });
      assert.deepEqual(json(await app.get('/out')), { open: 0 });
    });
  },
};

const settings: Case = {
  name: 'isolation and readOnly hold for it, and for it alone',
  run: (harness) =>
    withBank((bank) => {
      const handler: Handler = async ({ db, reply }) => {
        const refused = await codeOf(db.query(bank.add, [-100, 1]));
        await db.query(`SELECT balance FROM ${bank.table} WHERE id = 2`);
        // A serializable reader locks what it reads.
        reply(200, { refused, serializable: !(await bank.isUnlocked(2)) });
      };
      const routes = [
        {
          path: '/both',
          options: { transaction: { isolation: 'serializable', readOnly: true } },
          handler,
        },
        { path: '/readOnly', options: { readOnly: true }, handler },
        { path: '/plain', options: whole, handler },
      ];
      return serve(harness, { routes, options: { max: 1 } }, async (app) => {
        const refused = 'ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION';
        assert.deepEqual(json(await app.get('/both')), { refused, serializable: true });
        assert.deepEqual(json(await app.get('/readOnly')), { refused, serializable: false });
        assert.deepEqual(json(await app.get('/plain')), { refused: 'no error', serializable: false });
      });
    }),
};

const savepoints: Case = {
  name: 'transaction(fn) is a savepoint in it; commit(), beginTransaction() and release() are refused',
  run: (harness) =>
    withBank((bank) => {
      const handler: Handler = async ({ db, reply }) => {
        await db.query(bank.add, [1, 1]);
        const undone = await codeOf(
          db.transaction(async (tx) => {
            await tx.query(bank.add, [10, 1]);
            throw Object.assign(new Error('undo'), { code: 'UNDO' });
          }),
        );
        await db.transaction((tx) => tx.query(bank.add, [100, 1]));
        const refused = [
          await codeOf(db.commit()),
          await codeOf(db.beginTransaction()),
          await codeOf(db.release()),
        ];
        reply(200, { undone, refused });
      };
      return serve(harness, { routes: [{ path: '/t', options: whole, handler }] }, async (app) => {
        const { undone, refused } = json(await app.get('/t'));
        assert.equal(undone, 'UNDO');
        assert.deepEqual(refused, Array(3).fill('TRANSACTION_NESTED'));
        assert.equal(await bank.balance(1), 1101);
      });
    }),
};

const undoneByHand: Case = {
  name: 'rollback() undoes what was done, and the next query begins anew',
  run: (harness) =>
    withBank((bank) => {
      const handler: Handler = async ({ db, reply }) => {
        await db.query(bank.add, [1, 1]);
        await db.rollback();
        await db.query(bank.add, [10, 1]);
        const [rows] = await db.query('SELECT @@in_transaction AS open');
        reply(200, rows[0] ?? {});
      };
      const only: Handler = async ({ db, reply }) => {
        await db.query(bank.add, [100, 1]);
        await db.rollback();
        reply(200, {});
      };
      const routes = [
        { path: '/anew', options: whole, handler },
        { path: '/only', options: whole, handler: only },
      ];
      return serve(harness, { routes }, async (app) => {
        assert.deepEqual(json(await app.get('/anew')), { open: 1 });
        assert.equal(await bank.balance(1), 1010);
        assert.equal((await app.get('/only')).status, 200);
        assert.equal(await bank.balance(1), 1010);
      });
    }),
};

/** What is done after the answer. */
function late(
  name: string,
  work: (db: Db, add: string) => Promise<unknown>,
  code: string,
  total: number,
): Case {
  return {
    name,
    run: (harness) =>
      withBank((bank) => {
        const afterwards = new Afterwards<string | undefined>();
        const handler: Handler = async ({ db, reply }) => {
          await db.query(bank.add, [1, 1]);
          afterwards.schedule(() => codeOf(work(db, bank.add)));
          reply(200, {});
        };
        return serve(harness, { routes: [{ path: '/t', options: whole, handler }] }, async (app) => {
          await app.get('/t');
          assert.equal(await afterwards.begin(), code);
          assert.equal(await bank.total(), total);
        });
      }),
  };
}

const firstQueryTooLate: Case = {
  name: 'a first query after the headers were sent rejects TRANSACTION_TOO_LATE, and sends nothing',
  run: (harness) =>
    withBank((bank) => {
      const afterwards = new Afterwards<string | undefined>();
      const handler: Handler = ({ db, reply }) => {
        afterwards.schedule(() => codeOf(db.query(bank.add, [1, 1])));
        reply(200, {});
      };
      return serve(harness, { routes: [{ path: '/t', options: whole, handler }] }, async (app) => {
        await app.get('/t');
        assert.equal(await afterwards.begin(), 'TRANSACTION_TOO_LATE');
        assert.equal(await bank.balance(1), 1000);
        assert.equal(app.pool.stats().acquired, 0);
      });
    }),
};

const firstTransactionLate: Case = {
  name: 'a late transaction(fn) of a request without a query is one of its own',
  run: (harness) =>
    withBank((bank) => {
      const afterwards = new Afterwards<string | undefined>();
      const handler: Handler = ({ db, reply }) => {
        afterwards.schedule(() => codeOf(db.transaction((tx) => tx.query(bank.add, [1, 1]))));
        reply(200, {});
      };
      return serve(harness, { routes: [{ path: '/t', options: whole, handler }] }, async (app) => {
        await app.get('/t');
        assert.equal(await afterwards.begin(), 'no error');
        assert.equal(await bank.balance(1), 1001);
      });
    }),
};

export const requestTransactions: Case[] = [
  beginsWithTheFirstQuery,
  ...decidedByTheStatus,
  ...throwing,
  unawaited,
  everywhere,
  settings,
  savepoints,
  undoneByHand,
  firstQueryTooLate,
  firstTransactionLate,
  late(
    'a late statement behind it is refused, not run by itself',
    (db, add) => db.query(add, [10, 1]),
    'TRANSACTION_TOO_LATE',
    2001,
  ),
  late(
    'a late transaction(fn) behind it is one of its own',
    (db, add) => db.transaction((tx) => tx.query(add, [10, 1])),
    'no error',
    2011,
  ),
];
