import assert from 'node:assert/strict';
import type { HolderFacts } from '#core/events.js';
import { TestPool, track } from './fixture.js';
import { TestRequest } from './request-fixture.js';

const FACTS = { route: '/orders/:id', method: 'POST', requestId: 'req-7' };

const leases = (events: { lease?: number }[]) => events.map(({ lease }) => lease);

describe('the events of a lease', () => {
  it('have one number from the beginning of the acquire to the end of the reset', async () => {
    const test = new TestPool({ max: 1 });
    const first = await test.rest(test.pool.acquire());
    const second = track(test.pool.acquire());
    await test.rest(first.query('SET @a = 1'));
    first.release();
    await test.clock.settle();
    second.value.release();
    const { told } = test;
    for (const name of ['acquireStart', 'acquire', 'release'] as const)
      assert.deepEqual(leases(told.call(test, name) as { lease: number }[]), [1, 2], name);
    assert.deepEqual(leases(test.told('reset')), [1]);
    assert.equal(test.told('reset')[0]?.route, 'pool.acquire');
  });

  it('who asks at once and who waited are told how long that took', async () => {
    const test = new TestPool({ max: 1 });
    const first = await test.rest(test.pool.acquire());
    const second = track(test.pool.acquire());
    await test.clock.advance(40);
    first.release();
    await test.clock.settle();
    second.value.release();
    assert.deepEqual(
      test.told('acquire').map(({ waitedMs }) => waitedMs),
      [0, 40],
    );
  });

  it('a release tells for how long statements ran, and how many', async () => {
    const test = new TestPool();
    const lease = await test.rest(test.pool.acquire());
    test.driver.reply = () => 'hang';
    const query = track(lease.query('SELECT 1'));
    await test.clock.advance(30);
    test.connection().answer();
    await test.clock.settle();
    assert.equal(query.state, 'fulfilled');
    await test.clock.advance(70);
    lease.release();
    const [{ heldMs, usedMs, statements } = assert.fail()] = test.told('release');
    assert.deepEqual({ heldMs, usedMs, statements }, { heldMs: 100, usedMs: 30, statements: 1 });
  });

  it('whoever gives up waiting ends their acquire: WITHDRAWN', async () => {
    const test = new TestPool({ max: 1 });
    const lease = await test.rest(test.pool.acquire());
    const { signal, abort } = cancellable();
    const asked = track(test.pool.acquire({ signal }));
    const request = new TestRequest(test);
    const query = track(request.db.query('SELECT 1'));
    await test.clock.advance(10);
    abort();
    request.leave();
    await test.clock.settle();
    assert.deepEqual([asked.state, query.code], ['rejected', 'CLIENT_GONE']);
    assert.deepEqual(
      test
        .told('acquireFailed')
        .map(({ lease: number, code, waitedMs, error }) => [number, code, waitedMs, error]),
      [
        [2, 'WITHDRAWN', 10, undefined],
        [3, 'WITHDRAWN', 10, undefined],
      ],
    );
    lease.release();
  });

  it('a listener that hears of its connection and calls the acquire off has had it: one end, and its release', async () => {
    const test = new TestPool({ max: 1 });
    const lease = await test.rest(test.pool.acquire());
    const { signal, abort } = cancellable();
    track(test.pool.acquire({ signal }));
    test.observe('acquire', abort);
    lease.release();
    await test.clock.settle();
    assert.deepEqual(
      [leases(test.told('acquire')), leases(test.told('release'))],
      [
        [1, 2],
        [1, 2],
      ],
    );
    assert.deepEqual(test.told('acquireFailed'), []);
  });

  it('a refused one ends with the code of its error, a closed pool’s too', async () => {
    const test = new TestPool({ max: 1, acquireTimeoutMs: 50 });
    const lease = await test.rest(test.pool.acquire());
    const slow = track(test.pool.acquire());
    await test.clock.advance(50);
    lease.release();
    await test.rest(test.pool.close());
    const late = track(test.pool.acquire());
    await test.clock.settle();
    assert.deepEqual(
      test.told('acquireFailed').map(({ code, error }) => [code, error]),
      [
        ['ACQUIRE_TIMEOUT', slow.error],
        ['POOL_CLOSED', late.error],
      ],
    );
  });

  it('what is refused because of load is told as shed too', async () => {
    const test = new TestPool({ max: 1, maxPending: 1 });
    await test.rest(test.pool.acquire());
    track(test.pool.acquire());
    const refused = track(test.pool.acquire());
    await test.clock.settle();
    assert.equal(refused.code, 'QUEUE_FULL');
    assert.deepEqual(test.told('shed'), [
      { lease: 3, route: 'pool.acquire', waitedMs: 0, code: 'QUEUE_FULL', pending: 1 },
    ]);
  });

  it('tryAcquire that finds none has not asked', async () => {
    const test = new TestPool({ max: 1 });
    const lease = await test.rest(test.pool.acquire());
    assert.equal(test.pool.tryAcquire(), undefined);
    assert.equal(test.told('acquireStart').length, 1);
    lease.release();
    test.pool.tryAcquire()?.release();
    assert.deepEqual(leases(test.told('release')), [1, 2]);
  });

  it('what nobody heard has its number all the same', async () => {
    const test = new TestPool({ max: 1 });
    (await test.rest(test.pool.acquire())).release();
    test.listenNoMore();
    for (let n = 0; n < 5; n++) test.pool.tryAcquire()?.release();
    const released: number[] = [];
    test.pool.events.on('release', ({ lease }) => released.push(lease));
    test.pool.tryAcquire()?.release();
    assert.deepEqual(released, [7]);
  });

  it('so has what was handed over to whoever waited while nobody listened', async () => {
    const test = new TestPool({ max: 1 });
    test.listenNoMore();
    const first = await test.rest(test.pool.acquire());
    const second = track(test.pool.acquire());
    first.release();
    await test.clock.settle();
    const released: number[] = [];
    test.pool.events.on('release', ({ lease }) => released.push(lease));
    second.value.release();
    assert.deepEqual(released, [2]);
  });

  it('an eviction names the lease it came with, and none where nobody had it', async () => {
    const test = new TestPool({ max: 2 });
    const lease = await test.rest(test.pool.acquire());
    assert.ok(lease.connection());
    lease.release();
    (await test.rest(test.pool.acquire())).release();
    test.pool.evictAll();
    assert.deepEqual(
      test.told('evict').map(({ lease: number, reason }) => [number, reason]),
      [
        [1, 'exposed'],
        [undefined, 'stale'],
      ],
    );
  });

  it('say which route, method and request it is, on the whole way', async () => {
    const test = new TestPool({ leakAfterMs: 1_000 });
    const request = new TestRequest(test, FACTS);
    await test.rest(request.db.query('SET @a = 1'));
    await test.rest(request.db.beginTransaction());
    await test.clock.advance(1_000);
    request.answer();
    await test.clock.settle();
    const over = new TestRequest(test, { ...FACTS, over: 'answered' });
    await test.rest(over.db.query('SELECT 1'));
    const named = [
      'acquireStart',
      'acquire',
      'leak',
      'unleak',
      'rollback',
      'release',
      'reset',
      'late',
    ] as const;
    for (const name of named) {
      const [{ route, method, requestId } = assert.fail(name)] = test.told(name) as HolderFacts[];
      assert.deepEqual([route, method, requestId], ['/orders/:id', 'POST', 'req-7'], name);
    }
  });

  it('a route that is known only later is the one that the end is told of', async () => {
    const test = new TestPool();
    const request = new TestRequest(test, { route: 'GET (unmatched)' });
    await test.rest(request.db.query('SELECT 1'));
    request.route = '/orders/:id';
    request.answer();
    await test.clock.settle();
    assert.deepEqual(
      [test.told('acquire')[0]?.route, test.told('release')[0]?.route],
      ['GET (unmatched)', '/orders/:id'],
    );
  });
});

function cancellable(): { signal: AbortSignal; abort: () => void } {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort() };
}
