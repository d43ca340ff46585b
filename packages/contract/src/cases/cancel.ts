import { strict as assert } from 'node:assert';
import { type App, connectionId, json, serve } from '../app.js';
import type { Case, CaseHarness, Db, Handler } from '../harness.js';
import { unique, withBank } from '../support/database.js';
import { Gate } from '../support/eventually.js';

interface Abandoned {
  app: App;
  /** The server's session that ran the statement. */
  thread: number;
  /** What became of the handler's work. */
  error: Error & { code?: string };
}

/** `work` runs a statement that contains `marker` when its client leaves, on a route with afterResponse 'cancel'. */
function abandon(
  harness: CaseHarness,
  marker: string,
  work: (db: Db) => Promise<unknown>,
  check: (abandoned: Abandoned) => Promise<void> = async () => {},
): Promise<void> {
  const ended = new Gate<unknown>();
  const handler: Handler = async ({ db, reply }) => {
    await connectionId(db);
    ended.open(work(db).catch((error: unknown) => error));
    await ended.opened;
    reply(200, {});
  };
  const routes = [{ path: '/read', handler, options: { afterResponse: 'cancel' } }];
  return serve(harness, { routes, options: { max: 1 } }, async (app) => {
    const client = await app.client();
    client.send(['/read']);
    const thread = await app.eventually(() => app.watcher.runner(marker));
    const waiting = app.get('/next');
    await app.eventually(() => assert.equal(app.pool.stats().pending, 1));
    client.leave('RST');
    // Whoever waits goes on: on the same connection, cleaned.
    assert.equal(json(await waiting).id, thread.id);
    assert.deepEqual(await app.watcher.running(marker), []);
    const error = (await ended.opened) as Abandoned['error'];
    assert.ok(error instanceof Error, `the handler got ${error}`);
    assert.equal(app.pool.stats().opened, 1);
    await check({ app, thread: thread.id, error });
  });
}

const NAME = (what: string) =>
  `afterResponse 'cancel': ${what} is stopped when the client leaves, and the next request gets its connection`;

const sleeping: Case = {
  name: NAME('a statement that sleeps'),
  run(harness) {
    const marker = unique('cancelled_sleep');
    return abandon(
      harness,
      marker,
      (db) => db.query(`SELECT SLEEP(60) AS ${marker}`),
      async ({ error }) => assert.equal(error.code, 'QUERY_CANCELLED'),
    );
  },
};

const computing: Case = {
  name: NAME('a long SELECT'),
  run(harness) {
    const marker = unique('cancelled_select');
    return abandon(harness, marker, (db) =>
      db.query(`SELECT COUNT(*) AS ${marker} FROM seq_1_to_1000000 a, seq_1_to_1000000 b`),
    );
  },
};

const waitingForALock: Case = {
  name: NAME('a statement that waits for a lock'),
  run: (harness) =>
    withBank(async (bank) => {
      const holding = new Gate();
      const letGo = new Gate();
      const outcome = bank.locked(1, async () => {
        holding.open();
        await letGo.opened;
      });
      await holding.opened;
      const update = `UPDATE ${bank.table} SET balance = 0 WHERE id = 1`;
      try {
        await abandon(harness, update, (db) => db.query(update));
      } finally {
        letGo.open();
        await outcome;
      }
      assert.equal(await bank.balance(1), 1_000);
    }),
};

const insideATransaction: Case = {
  name: NAME('a statement inside transaction(fn)'),
  run: (harness) =>
    withBank((bank) => {
      const marker = unique('cancelled_in_transaction');
      const transfer = (db: Db) =>
        db.transaction(async (tx) => {
          await tx.query(bank.add, [-100, 1]);
          await tx.query(`SELECT SLEEP(60) AS ${marker}`).catch(() => {});
          await tx.query(bank.add, [100, 2]);
        });
      return abandon(harness, marker, transfer, async ({ app }) => {
        assert.deepEqual([await bank.balance(1), await bank.balance(2)], [1_000, 1_000]);
        assert.ok(await bank.isUnlocked(1));
        assert.equal(app.pool.stats().rolledBack, 1);
      });
    }),
};

const streaming: Case = {
  name: NAME('a stream'),
  run(harness) {
    const marker = unique('cancelled_stream');
    return abandon(harness, marker, async (db) => {
      const rows = db.stream(`SELECT seq, SLEEP(0.01) AS ${marker} FROM seq_1_to_100000`);
      for await (const row of rows) void row;
    });
  },
};

export const cancel: Case[] = [sleeping, computing, waitingForALock, insideATransaction, streaming];
