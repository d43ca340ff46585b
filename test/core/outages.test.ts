import assert from 'node:assert/strict';
import { connectError } from './fake-server.js';
import { TestPool, track } from './fixture.js';

describe('outages', () => {
  it('a failed open frees its slot', async () => {
    const { clock, driver, pool } = new TestPool({ max: 1 });
    driver.refuse('ER_ACCESS_DENIED_ERROR', 1045);
    const failed = track(pool.acquire());
    await clock.settle();
    assert.equal(failed.code, 'OPEN_FAILED');
    const { opened, closed, opening } = pool.stats();
    assert.deepEqual({ opened, closed, opening }, { opened: 1, closed: 1, opening: 0 });
    driver.accept();
    await clock.advance(1_500);
    await pool.acquire();
  });

  it('all who wait learn of a failure that lasts, each with its cause', async () => {
    const { clock, driver, pool } = new TestPool({ max: 2 });
    driver.refuse('ER_ACCESS_DENIED_ERROR', 1045);
    const waiting = Array.from({ length: 6 }, () => track(pool.acquire()));
    await clock.settle();
    for (const each of waiting) {
      assert.equal(each.code, 'OPEN_FAILED');
      assert.match(String(each.error.cause), /ER_ACCESS_DENIED_ERROR/);
      assert.equal(each.error.statusCode, 503);
      assert.deepEqual(each.error.headers, { 'Retry-After': '1' });
    }
    assert.equal(pool.stats().pending, 0);
  });

  it('while it lasts, newcomers fail at once and a wrong password is tried at most once a second', async () => {
    const { clock, driver, pool } = new TestPool();
    driver.refuse('ER_ACCESS_DENIED_ERROR', 1045);
    clock.randomness = 0;
    for (let n = 0; n < 100; n++) {
      void track(pool.acquire());
      await clock.advance(100);
    }
    assert.ok(driver.opens.length >= 5, `${driver.opens.length} attempts in 10 s: it must notice the repair`);
    assert.ok(driver.opens.length <= 10, `${driver.opens.length} attempts in 10 s`);
  });

  it('connections that live are handed out while new ones are refused', async () => {
    const { clock, driver, pool } = new TestPool({ max: 2 });
    const held = await pool.acquire();
    driver.refuse('ER_ACCESS_DENIED_ERROR', 1045);
    const waiting = track(pool.acquire());
    await clock.settle();
    held.release();
    await clock.settle();
    assert.equal(waiting.value.threadId, held.threadId);
  });

  for (const code of [
    'ECONNREFUSED',
    'ETIMEDOUT',
    'ECONNRESET',
    'EAI_AGAIN',
    'PROTOCOL_CONNECTION_LOST',
    'PROTOCOL_UNEXPECTED_PACKET',
  ]) {
    it(`${code} passes: whoever waits is served once the server is back, within the deadline`, async () => {
      const { clock, driver, pool } = new TestPool({ acquireTimeoutMs: 2_800 });
      driver.refuse(code);
      const waiting = track(pool.acquire());
      await clock.advance(300);
      assert.equal(waiting.state, 'pending');
      driver.accept();
      await clock.advance(100);
      assert.equal(waiting.state, 'fulfilled');
    });
  }

  it('attempts during an outage are bounded per second, however many wait', async () => {
    const { clock, driver, pool } = new TestPool({ max: 50, maxOpening: 10, acquireTimeoutMs: 10_000 });
    driver.refuse('ECONNREFUSED');
    clock.randomness = 0;
    for (let n = 0; n < 200; n++) void track(pool.acquire());
    await clock.advance(1_000);
    // The first burst, then one at a time.
    assert.ok(driver.opens.length <= 10 + 25, `${driver.opens.length} attempts in a second`);
    const before = driver.opens.length;
    await clock.advance(1_000);
    assert.ok(driver.opens.length - before <= 25, `${driver.opens.length - before} attempts in a second`);
  });

  it('a server without room is asked at most twice a second, and its other connections serve on', async () => {
    const { clock, driver, pool } = new TestPool({ max: 5 });
    const held = await pool.acquire();
    driver.refuse('ER_CON_COUNT_ERROR', 1040);
    clock.randomness = 0;
    const waiting = track(pool.acquire());
    await clock.advance(4_000);
    assert.ok(driver.opens.length - 1 <= 9, `${driver.opens.length - 1} attempts in 4 s`);
    assert.equal(waiting.state, 'pending');
    held.release();
    await clock.settle();
    assert.equal(waiting.state, 'fulfilled');
  });

  it('at the deadline an unreachable server is OPEN_FAILED, a busy pool ACQUIRE_TIMEOUT', async () => {
    const { clock, driver, pool } = new TestPool({ max: 2, acquireTimeoutMs: 500 });
    driver.refuse('ECONNREFUSED');
    const unreachable = track(pool.acquire());
    await clock.advance(500);
    assert.equal(unreachable.code, 'OPEN_FAILED');
    driver.accept();
    await clock.advance(500);
    const held = await pool.acquire();
    driver.refuse('ECONNREFUSED');
    const busy = track(pool.acquire());
    await clock.advance(500);
    assert.equal(busy.code, 'ACQUIRE_TIMEOUT');
    held.release();
  });

  it('with acquireTimeoutMs 0 an unreachable server does not make anybody wait for ever', async () => {
    const { clock, driver, pool } = new TestPool({ acquireTimeoutMs: 0 });
    driver.refuse('ECONNREFUSED');
    const acquiring = track(pool.acquire());
    await clock.advance(60_000);
    assert.equal(acquiring.code, 'OPEN_FAILED');
  });

  it('nobody waits: attempts for minIdle slow down to one in five seconds, and speed up for a waiter', async () => {
    const { clock, driver, pool } = new TestPool({ minIdle: 1 });
    driver.refuse('ECONNREFUSED');
    await clock.advance(60_000);
    const before = driver.opens.length;
    await clock.advance(20_000);
    assert.equal(driver.opens.length - before, 4);
    driver.accept();
    const waiting = track(pool.acquire());
    await clock.advance(100);
    assert.equal(waiting.state, 'fulfilled');
  });

  it('an event tells of each failed attempt, its number and the time of the next', async () => {
    const test = new TestPool({ acquireTimeoutMs: 200 });
    test.driver.onOpen = (open) => open.fail(connectError('ECONNREFUSED'));
    void track(test.pool.acquire());
    await test.clock.advance(150);
    const told = test.told('openFailed');
    assert.deepEqual(
      told.map(({ attempt, retryInMs }) => ({ attempt, retryInMs })),
      [1, 2, 3].map((attempt) => ({ attempt, retryInMs: 65 })),
    );
    test.driver.accept();
    await test.clock.advance(100);
    test.connection().lose();
    test.driver.refuse('ECONNREFUSED');
    await test.clock.advance(160);
    void track(test.pool.acquire());
    await test.clock.advance(1);
    assert.equal(test.told('openFailed').at(-1)?.attempt, 1, 'a success in between begins the count anew');
  });
});
