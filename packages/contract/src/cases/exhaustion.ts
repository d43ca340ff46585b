import { strict as assert } from 'node:assert';
import { inspect } from 'node:util';
import { type App, serve } from '../app.js';
import type { Case, CaseHarness, Options, Route } from '../harness.js';
import { databaseUrl, password } from '../support/database.js';
import { Gate } from '../support/eventually.js';

interface Exhausted extends Error {
  code: string;
  report: { holders: Array<{ route?: string; ageMs?: number; statement?: string }> };
}

/** One connection, taken by GET /hold with a bound value that nobody else may see; `work` finds none left. */
function exhausted(harness: CaseHarness, options: Options, work: (app: App) => Promise<void>): Promise<void> {
  const goOn = new Gate();
  const held = new Gate();
  const holder: Route = {
    path: '/hold',
    // It is to get its connection however slowly the machine opens one.
    options: { acquireTimeoutMs: 30_000 },
    async handler({ db, reply }) {
      await db.query('SELECT ? AS held_statement', ['a-bound-value']);
      held.open();
      await goOn.opened;
      reply(200, {});
    },
  };
  const setup = { routes: [holder], options: { max: 1, acquireTimeoutMs: 100, ...options } };
  return serve(harness, setup, async (app) => {
    const holding = app.get('/hold');
    holding.catch(() => {});
    await held.opened;
    try {
      await work(app);
    } finally {
      goOn.open();
      await holding;
    }
  });
}

const answers503: Case = {
  name: 'an exhausted pool answers 503 with Retry-After, and its body says nothing internal',
  run: (harness) =>
    exhausted(harness, {}, async (app) => {
      const { status, headers, body } = await app.get('/next');
      assert.equal(status, 503);
      assert.ok(Number(headers['retry-after']) > 0, `Retry-After: ${headers['retry-after']}`);
      const { host, username, pathname } = new URL(databaseUrl());
      for (const secret of [
        '/hold',
        'held_statement',
        'a-bound-value',
        password(),
        host,
        pathname.slice(1),
      ]) {
        assert.ok(!body.includes(secret), `the body tells ${JSON.stringify(secret)}`);
      }
      assert.ok(!body.includes(`${username}@`));
    }),
};

const reportNamesHolders: Case = {
  name: 'err.report names the holders by route, age and statement without values, and is not enumerable',
  run: (harness) =>
    exhausted(harness, {}, async (app) => {
      await app.get('/next');
      const error = app.errors[0] as Exhausted;
      assert.equal(error.code, 'ACQUIRE_TIMEOUT');
      assert.equal(Object.getOwnPropertyDescriptor(error, 'report')?.enumerable, false);
      assert.ok(!JSON.stringify(error).includes('/hold'));
      const [holder] = error.report.holders;
      assert.match(String(holder?.route), /\/hold/);
      assert.match(String(holder?.statement), /SELECT \? AS held_statement/);
      assert.ok(Number(holder?.ageMs) >= 0);
      const everything = inspect(error, { depth: 10, showHidden: true });
      assert.ok(!everything.includes('a-bound-value') && !everything.includes(password()));
    }),
};

const eventNamesHolders: Case = {
  name: "the pool's warning and its 'acquireFailed' event name the holder, without its values",
  run: (harness) =>
    exhausted(harness, {}, async (app) => {
      const failures: unknown[] = [];
      app.pool.events.on('acquireFailed', (failure) => failures.push(failure));
      await app.get('/next');
      assert.equal(failures.length, 1);
      for (const told of [app.warnings, failures]) {
        const log = inspect(told, { depth: 10, showHidden: true });
        assert.match(log, /\/hold/);
        assert.ok(!log.includes('a-bound-value') && !log.includes(password()));
      }
    }),
};

const dontQueue: Case = {
  name: 'acquireTimeoutMs: 0 does not queue: 503 at once, and only when all connections are out',
  run: (harness) =>
    exhausted(harness, { acquireTimeoutMs: 0 }, async (app) => {
      assert.equal((await app.get('/next')).status, 503);
      assert.equal(app.pool.stats().pending, 0);
    }),
};

const queueFull: Case = {
  name: 'maxPending: the request that would be one too many in the queue gets 503 (QUEUE_FULL)',
  run: (harness) =>
    exhausted(harness, { maxPending: 1, acquireTimeoutMs: 3_000 }, async (app) => {
      const waiting = app.get('/next');
      await app.eventually(() => assert.equal(app.pool.stats().pending, 1));
      const answer = await app.get('/next');
      assert.equal(answer.status, 503);
      assert.ok(Number(answer.headers['retry-after']) > 0);
      assert.equal((app.errors[0] as Exhausted).code, 'QUEUE_FULL');
      waiting.catch(() => {});
    }),
};

export const exhaustion: Case[] = [answers503, reportNamesHolders, eventNamesHolders, dontQueue, queueFull];
