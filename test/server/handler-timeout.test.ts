import assert from 'node:assert/strict';
import { type Bank, databaseUrl, unique, withBank } from '@handback/contract/support/database.js';
import { eventually, Gate, within } from '@handback/contract/support/eventually.js';
import { request } from '@handback/contract/support/raw-client.js';
import { ServerWatcher } from '@handback/contract/support/server-watcher.js';
import type { PoolOptions, Scope } from '@handback/core';
import { type App, fastifyApp } from './apps.js';

const HANDLER_TIMEOUT_MS = 1_000;

/** Fastify answers for a handler that takes longer than its `handlerTimeout`; the handler itself goes on. */
async function withApp(
  work: (db: Scope) => Promise<unknown>,
  options: PoolOptions,
  test: (app: App, watcher: ServerWatcher) => Promise<void>,
): Promise<void> {
  const watcher = await ServerWatcher.open();
  const pool = { uri: databaseUrl(), max: 2, ...options };
  const app = await fastifyApp(work, pool, { handlerTimeout: HANDLER_TIMEOUT_MS });
  app.pool.events.on('warning', () => {});
  try {
    await test(app, watcher);
    await eventually(() => assert.deepEqual([app.pool.stats().leased, app.pool.stats().draining], [0, 0]));
  } finally {
    await app.close();
    await watcher.close();
  }
}

describe('handlerTimeout of Fastify', () => {
  it('a query that runs when the answer is out is drained, and nobody gets its connection meanwhile', async () => {
    const marker = unique('outlasts');
    let first = true;
    const work = async (db: Scope) => {
      if (first) {
        first = false;
        await db.query(`SELECT SLEEP(60) AS ${marker}`);
      }
      const [rows] = await db.query('SELECT CONNECTION_ID() AS id');
      return rows;
    };
    await withApp(work, { drainTimeoutMs: 60_000 }, async (app, watcher) => {
      assert.equal((await request(app.port, '/')).status, 503);
      const busy = await eventually(() => watcher.runner(marker));
      const next = JSON.parse((await request(app.port, '/')).body.toString());
      assert.notEqual(next.result[0].id, busy.id);
      assert.deepEqual(app.outcomes, ['done']);
      await watcher.interrupt(busy.id);
      await eventually(() => assert.equal(app.outcomes.length, 2));
      assert.equal(app.pool.stats().acquired, app.pool.stats().released + app.pool.stats().leased);
    });
  });

  it('after drainTimeoutMs it is killed, and the handler’s later queries are late work', async () => {
    const marker = unique('killed');
    const later = new Gate<unknown>();
    const work = async (db: Scope) => {
      const killed = await db.query(`SELECT SLEEP(60) AS ${marker}`).catch(({ code }) => code);
      later.open(db.query('SELECT 7 AS seven').then(([rows]) => rows));
      return killed;
    };
    await withApp(work, { drainTimeoutMs: 100 }, async (app, watcher) => {
      assert.equal((await request(app.port, '/')).status, 503);
      assert.deepEqual(await within(10_000, 'the late query', later.opened), [{ seven: 7 }]);
      await eventually(async () => assert.deepEqual(await watcher.running(marker), []));
      assert.deepEqual([app.pool.stats().late, app.outcomes], [1, ['done']]);
    });
  });

  /** Two halves of a transfer; between them the handler does what `between` says. */
  const transfer = async (db: Pick<Scope, 'query'>, bank: Bank, between: () => Promise<unknown>) => {
    await db.query(bank.add, [-5, 1]);
    await between();
    await db.query(bank.add, [5, 2]);
  };
  const balances = async (bank: Bank) => [await bank.balance(1), await bank.balance(2)];

  it('a transaction(fn) that is open then is awaited, whatever its fn does meanwhile', async () => {
    await withBank(async (bank) => {
      const goOn = new Gate();
      const work = (db: Scope) => db.transaction((tx) => transfer(tx, bank, () => goOn.opened));
      await withApp(work, {}, async (app) => {
        assert.equal((await request(app.port, '/')).status, 503);
        goOn.open();
        await eventually(() => assert.deepEqual(app.outcomes, ['done']));
        assert.deepEqual(await balances(bank), [995, 1_005]);
      });
    });
  });

  const byHand = (bank: Bank, between: (db: Scope) => Promise<unknown>) => async (db: Scope) => {
    await db.beginTransaction();
    await transfer(db, bank, () => between(db));
    await db.commit();
  };

  it('one that was begun by hand goes on while its statements follow each other', async () => {
    await withBank(async (bank) => {
      const work = byHand(bank, (db) => db.query('SELECT SLEEP(1.6)'));
      await withApp(work, {}, async (app) => {
        assert.equal((await request(app.port, '/')).status, 503);
        await eventually(() => assert.deepEqual(app.outcomes, ['done']));
        assert.deepEqual(await balances(bank), [995, 1_005]);
      });
    });
  });

  it('one that was begun by hand and left alone is rolled back, and its second half refused', async () => {
    await withBank(async (bank) => {
      const goOn = new Gate();
      await withApp(
        byHand(bank, () => goOn.opened),
        {},
        async (app) => {
          assert.equal((await request(app.port, '/')).status, 503);
          await eventually(() => assert.equal(app.pool.stats().rolledBack, 1));
          goOn.open();
          await eventually(() => assert.deepEqual(app.outcomes, ['TRANSACTION_ROLLED_BACK']));
          assert.deepEqual(await balances(bank), [1_000, 1_000]);
        },
      );
    });
  });
});
