import { strict as assert } from 'node:assert';
import { Afterwards, type App, codeOf, connectionId, serve } from '../app.js';
import type { Case, CaseHarness, Db, Handler, Options } from '../harness.js';
import { withBank } from '../support/database.js';

/** A request that is answered, handed back, and then goes on with `late`. */
function lateWork<T>(
  harness: CaseHarness,
  late: (db: Db) => Promise<T>,
  check: (result: T, app: App) => void | Promise<void>,
  options: Options = {},
): Promise<void> {
  const afterwards = new Afterwards<T>();
  const handler: Handler = async ({ db, reply }) => {
    await connectionId(db);
    afterwards.schedule(() => late(db));
    reply(200, {});
  };
  return serve(harness, { routes: [{ path: '/work', handler }], options }, async (app) => {
    await app.get('/work');
    await app.handedBack();
    const result = await afterwards.begin();
    await app.handedBack();
    await check(result, app);
  });
}

const oneByOne: Case = {
  name: 'late statements work one by one and leak nothing',
  run: (harness) =>
    lateWork(
      harness,
      async (db) => {
        const ids = [await connectionId(db), await connectionId(db)];
        const parallel = await Promise.all([connectionId(db), connectionId(db), connectionId(db)]);
        const [rows] = await db.execute('SELECT ? + 1 AS sum', [41]);
        return [...ids, ...parallel, Number(rows[0]?.sum)];
      },
      (result) => {
        assert.equal(result.length, 6);
        assert.equal(result.at(-1), 42);
      },
    ),
};

const firstQueryIsLate: Case = {
  name: 'a request whose first query comes after its answer leaks nothing',
  run(harness) {
    const afterwards = new Afterwards<number>();
    const handler: Handler = async ({ db, reply }) => {
      afterwards.schedule(() => connectionId(db));
      reply(200, {});
    };
    return serve(harness, { routes: [{ path: '/work', handler }] }, async (app) => {
      await app.get('/work');
      assert.ok((await afterwards.begin()) > 0);
    });
  },
};

const counted: Case = {
  name: 'late statements are counted and reported with their route',
  run(harness) {
    const reports: Array<{ route: string }> = [];
    const afterwards = new Afterwards<void>();
    const handler: Handler = async ({ db, reply }) => {
      await connectionId(db);
      afterwards.schedule(async () => {
        for (let n = 0; n < 3; n++) await connectionId(db);
      });
      reply(200, {});
    };
    return serve(harness, { routes: [{ path: '/reports', handler }] }, async (app) => {
      app.pool.events.on('late', (report) => reports.push(report));
      await app.get('/reports');
      await app.handedBack();
      assert.equal(app.pool.stats().late, 0);
      await afterwards.begin();
      assert.equal(app.pool.stats().late, 3);
      assert.deepEqual(
        reports.map(({ route }) => route),
        Array(3).fill('/reports'),
      );
    });
  },
};

const transaction: Case = {
  name: 'a late transaction(fn) works as a whole and counts once',
  run: (harness) =>
    withBank((bank) =>
      lateWork(
        harness,
        (db) =>
          db.transaction(async (tx) => {
            await tx.query(bank.add, [-100, 1]);
            await tx.query(bank.add, [100, 2]);
          }),
        async (_result, app) => {
          assert.deepEqual([await bank.balance(1), await bank.balance(2)], [900, 1100]);
          assert.equal(app.pool.stats().late, 1);
        },
      ),
    ),
};

const failing: Case = {
  name: 'a late failing statement rejects with the error of the server and leaks nothing',
  run: (harness) =>
    lateWork(
      harness,
      (db) => codeOf(db.query('SELECT * FROM no_such_table')),
      (code) => assert.equal(code, 'ER_NO_SUCH_TABLE'),
    ),
};

const needsTheSession: Record<string, (db: Db) => Promise<unknown>> = {
  'SELECT LAST_INSERT_ID()': (db) => db.query('SELECT LAST_INSERT_ID()'),
  'SELECT ROW_COUNT()': (db) => db.query('SELECT ROW_COUNT()'),
  'SELECT FOUND_ROWS()': (db) => db.query('SELECT FOUND_ROWS()'),
  'SELECT @variable': (db) => db.query('SELECT @variable'),
  'SET @variable = 1': (db) => db.query('SET @variable = 1'),
  'SET SESSION …': (db) => db.query('SET SESSION sql_safe_updates = 1'),
  'CREATE TEMPORARY TABLE': (db) => db.query('CREATE TEMPORARY TABLE late_table (id INT)'),
  'SELECT GET_LOCK()': (db) => db.query("SELECT GET_LOCK('late', 0)"),
  'LOCK TABLES': (db) => db.query('LOCK TABLES no_such_table READ'),
  'beginTransaction()': (db) => db.beginTransaction(),
  'connection()': (db) => db.connection(),
};

const sessionState = Object.entries(needsTheSession).map(
  ([what, late]): Case => ({
    name: `late work that needs its session is refused: ${what} rejects SCOPE_ENDED`,
    run: (harness) =>
      lateWork(
        harness,
        (db) => codeOf(late(db)),
        (code) => assert.equal(code, 'SCOPE_ENDED'),
      ),
  }),
);

/** These hold for any strategy that hands back and leases again. */
export const lateStatements: Case[] = [oneByOne, firstQueryIsLate];
export const latePolicy: Case[] = [counted, transaction, failing, ...sessionState];
