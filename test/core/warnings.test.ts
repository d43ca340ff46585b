import assert from 'node:assert/strict';
import type { HandbackError } from '#core/errors.js';
import { PoolEvents } from '#core/events.js';
import { TestPool, track } from './fixture.js';
import { TestRequest } from './request-fixture.js';

/** What listeners throw surfaces as an uncaught exception; caught here in mocha's place. */
async function collectUncaught(work: () => Promise<void>): Promise<unknown[]> {
  const uncaught: unknown[] = [];
  const before = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  process.on('uncaughtException', (error) => uncaught.push(error));
  try {
    await work();
    await new Promise((resolve) => setImmediate(resolve));
  } finally {
    process.removeAllListeners('uncaughtException');
    for (const listener of before) process.on('uncaughtException', listener);
  }
  return uncaught;
}

describe('warnings', () => {
  it('once a second at most, with the number of those that were not said', async () => {
    const test = new TestPool({ max: 1, maxPending: 0 });
    await test.pool.acquire();
    for (let n = 0; n < 50; n++) void track(test.pool.acquire());
    await test.clock.settle();
    assert.equal(test.told('warning').length, 1);
    assert.equal(test.told('acquireFailed').length, 50, 'each one is an event');
    await test.clock.advance(1_000);
    void track(test.pool.acquire());
    await test.clock.settle();
    const [, second, ...more] = test.told('warning');
    assert.match(second?.message ?? '', /49 more refused since the last report/);
    assert.deepEqual(more, []);
  });

  it('an exhausted pool: with all who hold a connection, where each error has the ten oldest', async () => {
    const test = new TestPool({ max: 12, maxPending: 0 });
    for (let n = 0; n < 12; n++) await test.rest(test.pool.acquire());
    const refused = track(test.pool.acquire());
    await test.clock.settle();
    const error = refused.error as HandbackError | undefined;
    assert.equal(error?.report?.holders.length, 10);
    assert.equal(test.told('warning')[0]?.report?.holders.length, 12);
  });

  it('an open transaction: told each time, warned of once per route', async () => {
    const test = new TestPool();
    for (const route of ['POST /a', 'POST /a', 'POST /b', 'POST /a']) {
      const request = new TestRequest(test, { route });
      await request.db.query('START TRANSACTION');
      request.answer();
      await test.clock.settle();
    }
    assert.equal(test.told('rollback').length, 4);
    assert.deepEqual(
      test.told('warning').map(({ code, message }) => [code, message.split(' left')[0]]),
      [
        ['OPEN_TRANSACTION', 'POST /a'],
        ['OPEN_TRANSACTION', 'POST /b'],
      ],
    );
  });

  it('of a thousand names with one defect no more are said; other defects are', async () => {
    const test = new TestPool({ max: 1, leakAfterMs: 1_000 });
    for (let n = 0; n < 1_050; n++) {
      const request = new TestRequest(test, { route: `job ${n}` });
      await test.rest(request.db.query('START TRANSACTION'));
      request.answer();
      await test.clock.settle();
    }
    await test.rest(new TestRequest(test, { route: 'leaking' }).db.query('SELECT 1'));
    await test.clock.advance(1_000);
    const codes = test.told('warning').map(({ code }) => code);
    assert.equal(codes.filter((code) => code === 'OPEN_TRANSACTION').length, 1_000);
    assert.deepEqual(codes.slice(1_000), ['LEAK']);
  });

  it('without a listener a warning becomes a warning of the process', async () => {
    const heard: (Error & { code?: string })[] = [];
    const listen = (warning: Error) => void heard.push(warning);
    const before = process.listeners('warning');
    process.removeAllListeners('warning');
    process.on('warning', listen);
    try {
      new PoolEvents().warn({ code: 'LEAK', message: 'seen' });
      await new Promise((resolve) => setImmediate(resolve));
    } finally {
      process.removeAllListeners('warning');
      for (const listener of before) process.on('warning', listener);
    }
    assert.deepEqual(
      heard.map(({ name, code, message }) => [name, code, message]),
      [['HandbackWarning', 'LEAK', 'seen']],
    );
  });
});

describe('listeners that throw', () => {
  it('don’t disturb the pool, and are heard of as uncaught exceptions', async () => {
    const test = new TestPool({ max: 1 });
    const defect = new Error('a defect in a listener');
    const names = ['open', 'acquire', 'release', 'reset', 'evict', 'rollback', 'warning'] as const;
    for (const name of names) {
      test.pool.events.on(name, () => {
        throw defect;
      });
    }
    const uncaught = await collectUncaught(async () => {
      const lease = await test.pool.acquire();
      await lease.beginTransaction();
      const waiting = track(test.pool.acquire());
      lease.release();
      await test.clock.settle();
      waiting.value.connection();
      waiting.value.release();
      await test.clock.settle();
    });
    assert.deepEqual(new Set(uncaught), new Set([defect]));
    assert.ok(uncaught.length >= names.length);
    const { opened, closed, leased, idle, acquired, released } = test.stats();
    assert.deepEqual([opened, closed, leased, idle, acquired, released], [1, 1, 0, 0, 2, 2]);
  });
});
