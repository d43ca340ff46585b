import assert from 'node:assert/strict';
import { withAccount } from '@handback/contract/support/account.js';
import { type Bank, withBank } from '@handback/contract/support/database.js';
import { eventually, within } from '@handback/contract/support/eventually.js';
import { RawClient } from '@handback/contract/support/raw-client.js';
import { ServerWatcher } from '@handback/contract/support/server-watcher.js';
import type { PoolOptions, Scope } from '@handback/core';
import { type App, expressApp, fastifyApp, httpApp, koaApp } from './apps.js';

const REQUESTS = 8;
/** Fewer connections than requests: some run and some wait when the end comes. */
const MAX = 3;
const CLOSE_MS = 15_000;

type Start = (work: (db: Scope) => Promise<unknown>, options: PoolOptions) => Promise<App>;

const fastifyWith =
  (forceCloseConnections: boolean | 'idle'): Start =>
  (work, options) =>
    fastifyApp(work, options, { forceCloseConnections });

interface Stage {
  readonly app: App;
  readonly bank: Bank;
  readonly clients: RawClient[];
  /** The status of each answer; what was cut off has none. */
  readonly answers: Promise<(number | 'cut off')[]>;
}

/**
 * Many requests on keep-alive connections, each a transfer in a transaction that takes a while. When `work` runs, some of
 * them are in their transaction and the others wait for a connection.
 */
async function underLoad(start: Start, options: PoolOptions, work: (stage: Stage) => Promise<void>) {
  await withBank((bank) =>
    withAccount('', async ({ name, url }) => {
      const transfer = (db: Scope) =>
        db.transaction(async (tx) => {
          await tx.query(bank.add, [-1, 1]);
          await tx.query('SELECT SLEEP(0.2)');
          await tx.query(bank.add, [1, 2]);
        });
      const app = await start(transfer, { uri: url, max: MAX, ...options });
      const clients = await Promise.all(Array.from({ length: REQUESTS }, () => RawClient.connect(app.port)));
      const watcher = await ServerWatcher.open();
      try {
        const answers = clients.map(async (client) => {
          client.send(['/transfer']);
          const answer = await client.receive(CLOSE_MS).catch(() => null);
          client.leave('FIN');
          return answer?.status ?? 'cut off';
        });
        await eventually(() => {
          const { leased, pending } = app.pool.stats();
          assert.deepEqual([app.begun, leased > 0, pending > 0], [REQUESTS, true, true]);
        });
        await work({ app, bank, clients, answers: Promise.all(answers) });
        await eventually(async () => assert.deepEqual(await watcher.threadsOf(name), []));
      } finally {
        for (const client of clients) client.leave('RST');
        await app.pool.close({ timeoutMs: 0 });
        await app.close().catch(() => {});
        await watcher.close();
      }
    }),
  );
}

/** Every call of the handler has ended, and money moved only in those that were done. */
async function assertSettled({ app, bank }: Stage, others: string[]): Promise<void> {
  await eventually(() => assert.equal(app.outcomes.length, app.begun, 'a promise hangs'));
  const done = app.outcomes.filter((outcome) => outcome === 'done').length;
  for (const outcome of app.outcomes)
    assert.ok(['done', ...others].includes(outcome as string), `${outcome}`);
  assert.deepEqual([await bank.balance(1), await bank.balance(2)], [1_000 - done, 1_000 + done]);
  const { leased, pending, draining, opened, closed } = app.pool.stats();
  assert.deepEqual(
    { leased, pending, draining, open: opened - closed },
    { leased: 0, pending: 0, draining: 0, open: 0 },
  );
}

const patient: Record<string, Start> = {
  'Fastify, forceCloseConnections: false': fastifyWith(false),
  "Fastify, forceCloseConnections: 'idle'": fastifyWith('idle'),
  Express: expressApp,
  Koa: koaApp,
  http: httpApp,
};

for (const [name, start] of Object.entries(patient)) {
  describe(`closing under load: ${name}`, () => {
    it('what runs and what waits is answered; then the pool is closed', async () => {
      await underLoad(start, {}, async (stage) => {
        await within(CLOSE_MS, 'close()', stage.app.close());
        assert.deepEqual(await stage.answers, Array(REQUESTS).fill(200));
        await assertSettled(stage, []);
      });
    });
  });
}

describe('closing under load: Fastify, forceCloseConnections: true', () => {
  it('the clients are cut off; what runs finishes, what waits is refused, and the pool is closed after both', async () => {
    await underLoad(fastifyWith(true), {}, async (stage) => {
      await within(CLOSE_MS, 'close()', stage.app.close());
      assert.deepEqual(await stage.answers, Array(REQUESTS).fill('cut off'));
      await assertSettled(stage, ['POOL_CLOSED', 'CLIENT_GONE']);
      assert.ok(stage.app.outcomes.includes('done'), 'what ran was not allowed to finish');
    });
  });

  it('what does not finish is killed after drainTimeoutMs, and rolled back', async () => {
    await withBank((bank) =>
      withAccount('', async ({ name, url }) => {
        const watcher = await ServerWatcher.open();
        const endless = (db: Scope) =>
          db.transaction(async (tx) => {
            await tx.query(bank.add, [-1, 1]);
            await tx.query('SELECT SLEEP(600)');
            await tx.query(bank.add, [1, 2]);
          });
        const app = await fastifyWith(true)(endless, { uri: url, drainTimeoutMs: 100 });
        const warnings: string[] = [];
        app.pool.events.on('warning', ({ code }) => warnings.push(code));
        try {
          const client = await RawClient.connect(app.port);
          client.send(['/']);
          await eventually(async () => {
            const statements = (await watcher.threadsOf(name)).map(({ statement }) => statement ?? '');
            assert.ok(statements.some((statement) => statement.includes('SLEEP')));
          });
          await within(CLOSE_MS, 'close()', app.close());
          await eventually(() => assert.equal(app.outcomes.length, 1));
          assert.notEqual(app.outcomes[0], 'done');
          assert.deepEqual(warnings, ['OPEN_TRANSACTION']);
          assert.deepEqual([await bank.balance(1), await bank.balance(2)], [1_000, 1_000]);
          await eventually(async () => assert.deepEqual(await watcher.threadsOf(name), []));
        } finally {
          await app.pool.close({ timeoutMs: 0 });
          await watcher.close();
        }
      }),
    );
  });
});

for (const [name, start] of Object.entries({
  ...patient,
  'Fastify, forceCloseConnections: true': fastifyWith(true),
})) {
  describe(`connections cut by the server: ${name}`, () => {
    it('closeAllConnections() under load: handlers end what they had begun, and nothing stays out', async () => {
      await underLoad(start, {}, async (stage) => {
        stage.app.server.closeAllConnections();
        assert.deepEqual(await stage.answers, Array(REQUESTS).fill('cut off'));
        // Those that had run nothing yet leave the queue; the others are let finish.
        await eventually(() => assert.equal(stage.app.outcomes.length, REQUESTS));
        await within(CLOSE_MS, 'close()', stage.app.close());
        await assertSettled(stage, ['CLIENT_GONE']);
        assert.ok(stage.app.outcomes.includes('done'));
      });
    });

    it('closeIdleConnections() under load disturbs nobody', async () => {
      await underLoad(start, {}, async (stage) => {
        stage.app.server.closeIdleConnections();
        assert.deepEqual(await stage.answers, Array(REQUESTS).fill(200));
        await within(CLOSE_MS, 'close()', stage.app.close());
        await assertSettled(stage, []);
      });
    });
  });
}
