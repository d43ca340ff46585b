import assert from 'node:assert/strict';
import { tracingChannel } from 'node:diagnostics_channel';
import { type Outcome, TestPool, track } from './fixture.js';
import { TestRequest } from './request-fixture.js';

/** What was told of each lease, in order. */
function storyOf({ events }: TestPool, lease: number): string[] {
  return events.filter(({ event }) => (event as { lease?: number }).lease === lease).map(({ name }) => name);
}

/** A pool of one connection, which somebody holds, and somebody waits for. */
async function contested() {
  const test = new TestPool({ max: 1 });
  const held = await test.rest(test.pool.acquire());
  const controller = new AbortController();
  const waiting = track(test.pool.acquire({ signal: controller.signal }));
  return { test, held, waiting, abort: () => controller.abort(new Error('no more')) };
}

describe('a listener that acts on what it hears', () => {
  it('calls off an acquire that has just begun: nobody waits, and it has ended', async () => {
    const test = new TestPool({ max: 1 });
    const held = await test.rest(test.pool.acquire());
    const controller = new AbortController();
    test.observe('acquireStart', () => controller.abort(new Error('no more')));
    const asked = track(test.pool.acquire({ signal: controller.signal }));
    await test.clock.settle();
    assert.equal(asked.error.message, 'no more');
    assert.equal(test.stats().pending, 0);
    assert.deepEqual(storyOf(test, 2), ['acquireStart', 'acquireFailed']);
    held.release();
  });

  it('the same of a statement', async () => {
    const test = new TestPool({ max: 1 });
    const held = await test.rest(test.pool.acquire());
    const controller = new AbortController();
    test.observe('acquireStart', () => controller.abort(new Error('no more')));
    const request = new TestRequest(test);
    const one = track(test.pool.query({ sql: 'SELECT 1', signal: controller.signal }));
    const other = track(request.db.query({ sql: 'SELECT 1', signal: controller.signal }));
    await test.clock.settle();
    assert.deepEqual([one.error.message, other.error.message], ['no more', 'no more']);
    assert.equal(test.stats().pending, 0);
    held.release();
  });

  it('gives another connection back when it hears who was handed one: nobody is handed two', async () => {
    const test = new TestPool({ max: 2 });
    const [held, more] = await test.rest(Promise.all([test.pool.acquire(), test.pool.acquire()]));
    assert.ok(held && more);
    const controller = new AbortController();
    const waiting = track(test.pool.acquire({ signal: controller.signal }));
    const next = track(test.pool.acquire());
    test.observe('acquire', ({ lease }) => {
      if (lease !== 3) return;
      more.release();
      controller.abort();
    });
    held.release();
    await test.clock.settle();
    assert.equal(waiting.state, 'rejected');
    assert.deepEqual(storyOf(test, 3), ['acquireStart', 'acquire', 'release']);
    assert.deepEqual(storyOf(test, 4), ['acquireStart', 'acquire']);
    next.value.release();
    assert.equal(test.stats().leased, 0);
  });

  it('takes a connection when it hears that one goes: not the one that goes', async () => {
    const test = new TestPool({ max: 1 });
    (await test.rest(test.pool.acquire())).release();
    const taken: (number | undefined)[] = [];
    test.observe('evict', () => taken.push(test.pool.tryAcquire()?.threadId));
    assert.equal(test.pool.evictAll(), 1);
    await test.clock.settle();
    assert.deepEqual(taken, [undefined]);
    assert.deepEqual([test.told('evict').length, test.stats().closed], [1, 1]);
  });

  it('evicts all when it hears that one goes: each goes once', async () => {
    const test = new TestPool({ max: 3 });
    const leases = await test.rest(
      Promise.all([test.pool.acquire(), test.pool.acquire(), test.pool.acquire()]),
    );
    for (const lease of leases) lease.release();
    test.observe('evict', () => test.pool.evictAll());
    test.pool.evictAll();
    await test.clock.settle();
    assert.deepEqual([test.told('evict').length, test.stats().closed], [3, 3]);
  });

  it('on a tracing channel, too', async () => {
    const { test, held, waiting, abort } = await contested();
    const { asyncEnd } = tracingChannel('handback:acquire');
    asyncEnd.subscribe(abort);
    held.release();
    asyncEnd.unsubscribe(abort);
    await test.clock.settle();
    assert.notEqual(waiting.state, 'pending');
    assert.equal(test.told('acquireFailed').length, 0);
  });

  it('queries in a request whose acquire it hears of: that has one connection all the same', async () => {
    for (const idle of [1, 2]) {
      const test = new TestPool({ max: 2 });
      const leases = await Promise.all(Array.from({ length: 2 }, () => test.rest(test.pool.acquire())));
      for (const lease of leases.slice(0, idle)) lease.release();
      const request = new TestRequest(test);
      const inner: Outcome<unknown>[] = [];
      test.observe('acquireStart', () => {
        if (inner.length === 0) inner.push(track(request.db.query('SELECT 2')));
      });
      const outer = track(request.db.query('SELECT 1'));
      await test.clock.settle();
      assert.deepEqual([outer.state, inner[0]?.state], ['fulfilled', 'fulfilled'], `${idle} idle`);
      assert.equal(test.stats().leased, 2 - idle + 1, `${idle} idle`);
      request.answer();
      for (const lease of leases) lease.release();
      await test.clock.settle();
      assert.equal(test.stats().leased, 0, `${idle} idle`);
    }
  });

  for (const timeoutMs of [0, 100]) {
    it(`closes the pool within ${timeoutMs} ms when it hears of an acquire that had not to wait`, async () => {
      const test = new TestPool({ max: 1 });
      (await test.rest(test.pool.acquire())).release();
      const closed: Outcome<void>[] = [];
      test.observe('acquire', () => closed.push(track(test.pool.close({ timeoutMs }))));
      const request = new TestRequest(test);
      const query = track(request.db.query('SELECT 1'));
      await test.clock.advance(100);
      request.answer();
      await test.clock.advance(10_000);
      assert.notEqual(query.state, 'pending');
      assert.equal(closed[0]?.state, 'fulfilled');
      assert.deepEqual(storyOf(test, 2).slice(0, 3), ['acquireStart', 'acquire', 'release']);
    });
  }

  it('throws: the others hear all the same, and it is an uncaught exception', async () => {
    const test = new TestPool({ max: 1 });
    const heard: string[] = [];
    test.pool.events.prependListener('acquire', () => {
      throw new Error('of a listener');
    });
    test.observe('acquire', () => heard.push('acquire'));
    const before = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    const thrown = new Promise((resolve) => process.once('uncaughtException', resolve));
    try {
      const lease = track(test.pool.acquire());
      assert.equal(((await thrown) as Error).message, 'of a listener');
      await test.clock.settle();
      lease.value.release();
    } finally {
      for (const listener of before) process.on('uncaughtException', listener);
    }
    assert.deepEqual(heard, ['acquire']);
  });
});
