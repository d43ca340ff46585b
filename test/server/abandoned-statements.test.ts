import { strict as assert } from 'node:assert';
import { type Account, withAccount } from '@handback/contract/support/account.js';
import { eventually, within } from '@handback/contract/support/eventually.js';
import { type ConnectionPool, createPool, type PoolOptions } from '@handback/core';
import { ConnectionPool as Flow } from '#core/connection-pool.js';
import { TestRequest, type TestRequestOptions } from '../core/request-fixture.js';
import { ThreadSampler } from './thread-sampler.js';

const MAX = 4;

interface Tested {
  pool: ConnectionPool;
  sampler: ThreadSampler;
  account: Account;
  request(options?: TestRequestOptions): TestRequest;
}

/** A pool with an account of its own, whose sessions are counted all the time. */
function tested(
  limits: string,
  options: PoolOptions,
  work: (tested: Tested) => Promise<void>,
): Promise<void> {
  return withAccount(limits, async (account) => {
    const pool = createPool({ uri: account.url, max: MAX, ...options });
    pool.events.on('warning', () => {});
    const sampler = await ThreadSampler.of(account.name);
    const flow = Flow.flowOf(pool as Flow);
    try {
      await work({ pool, sampler, account, request: (more) => new TestRequest({ flow }, more) });
    } finally {
      await pool.close();
      await sampler.stop();
    }
    const { max } = pool.stats();
    assert.ok(sampler.most <= max + 1, `${sampler.most} sessions on the server, max ${max}`);
    assert.ok(sampler.looks > 0);
  });
}

const codeOf = (work: Promise<unknown>): Promise<string | undefined> =>
  work.then(
    () => undefined,
    ({ code }: { code?: string }) => code ?? 'none',
  );

/** Timers are too coarse for it. */
async function waitUntil(time: number): Promise<void> {
  while (performance.now() < time) await new Promise((resolve) => setImmediate(resolve));
}

describe('clients that leave while a statement runs', () => {
  const ROUNDS = 2_500;
  const INNOCENT = 4;

  it('just as it ends, 2 500 times: none of 10 000 statements of others is killed, and no session is one too many', () =>
    tested('', { acquireTimeoutMs: 30_000 }, async ({ pool, request }) => {
      const hit: unknown[] = [];
      const stopped = { inTime: 0, tooLate: 0 };
      let round = 0;
      // Kept where as many leave before the end as after it, on any machine.
      let leaveAfterMs = 1;
      const abandon = async () => {
        const n = round++;
        const leaver = request({ afterResponse: n % 2 ? 'cancel' : 'allow' });
        const { signal } = leaver.db;
        // One of three by both: the signal of the statement, and the end of the request.
        const sql = 'SELECT SLEEP(0.001)';
        const read = codeOf(leaver.db.query(n % 4 === 1 ? sql : { sql, signal }));
        while (leaver.db.state === 'waiting') await new Promise((resolve) => setImmediate(resolve));
        await waitUntil(performance.now() + leaveAfterMs * (0.7 + 0.6 * Math.random()));
        leaver.leave();
        const inTime = (await read) !== undefined;
        leaveAfterMs = Math.min(20, Math.max(0.1, leaveAfterMs * (inTime ? 1.02 : 0.98)));
        stopped[inTime ? 'inTime' : 'tooLate']++;
      };
      const innocent = async (n: number) => {
        const one = request();
        // Long enough to be hit by a KILL that comes too late for another one.
        await one.db.query('SELECT ? AS n, SLEEP(0.001) AS hit', [n]).then(
          ([rows]) => assert.deepEqual(rows, [{ n, hit: 0 }]),
          (error) => hit.push(error),
        );
        one.answer();
      };
      const worker = async () => {
        while (round < ROUNDS) {
          await Promise.all([abandon(), ...Array.from({ length: INNOCENT }, (_, n) => innocent(n))]);
        }
      };
      const all = Promise.all(Array.from({ length: MAX + 1 }, worker));
      await within(90_000, 'the end of all rounds', all).finally(() => {
        round = ROUNDS;
      });
      assert.deepEqual(hit, []);
      // Else it was no race.
      assert.ok(Math.min(stopped.inTime, stopped.tooLate) > ROUNDS / 50, JSON.stringify(stopped));
      await eventually(() => assert.equal(pool.stats().leased + pool.stats().draining, 0));
    })).timeout(120_000);

  it('all of them at once: each is stopped, and no session is one too many', () =>
    tested('', {}, async ({ pool, request }) => {
      const leavers = Array.from({ length: 30 }, () => request({ afterResponse: 'cancel' }));
      const reads = leavers.map(({ db }) => codeOf(db.query('SELECT SLEEP(60)')));
      await eventually(() => assert.equal(pool.stats().leased, MAX));
      for (const leaver of leavers) leaver.leave();
      const codes = await Promise.all(reads);
      assert.deepEqual(
        [...codes].sort(),
        [...Array(26).fill('CLIENT_GONE'), ...Array(MAX).fill('QUERY_CANCELLED')].sort(),
      );
      await eventually(() => assert.equal(pool.stats().idle, MAX));
      assert.equal(pool.stats().opened, MAX);
    }));

  it('and no KILL can be sent, for the account has no connection left: the socket is cut, and its thread counts until it is gone', () =>
    tested(
      `WITH MAX_USER_CONNECTIONS ${MAX}`,
      { acquireTimeoutMs: 30_000 },
      async ({ pool, request, sampler }) => {
        const others = Array.from({ length: MAX - 1 }, () => request());
        for (const { db } of others) await db.query('SELECT 1');
        const leaver = request({ afterResponse: 'cancel' });
        const read = codeOf(leaver.db.query('SELECT SLEEP(1.5)'));
        await eventually(() => assert.equal(pool.stats().leased, MAX));
        leaver.leave();
        assert.equal(await read, 'QUERY_CANCELLED');
        await eventually(() => assert.equal(pool.stats().ghost, 1));
        assert.equal(pool.stats().evicted.undrained, 1);
        // Its place is taken, so the next one waits; the requests that have a connection go on with it.
        const next = request();
        const waiting = next.db.query('SELECT 1');
        await eventually(() => assert.equal(pool.stats().pending, 1));
        for (const { db } of others) await db.query('SELECT 1');
        assert.equal(pool.stats().ghost, 1);
        await waiting;
        assert.equal(pool.stats().ghost, 0);
        for (const each of [...others, next]) each.answer();
        await eventually(() => assert.equal(pool.stats().leased, 0));
        assert.equal(sampler.most, MAX);
      },
    )).timeout(60_000);
});
