import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { TestPool, track } from './fixture.js';

describe('acquire deadlines', () => {
  it('a deadline below a second is kept to the millisecond', async () => {
    const { clock, pool } = new TestPool({ max: 1, acquireTimeoutMs: 500 });
    await pool.acquire();
    const waiting = track(pool.acquire());
    await clock.advance(499);
    assert.equal(waiting.state, 'pending');
    await clock.advance(1);
    assert.equal(waiting.code, 'ACQUIRE_TIMEOUT');
    assert.equal(pool.stats().timedOut, 1);
  });

  it('nobody fails early, whenever they came', async () => {
    const { clock, pool } = new TestPool({ max: 1, acquireTimeoutMs: 1_000 });
    await pool.acquire();
    const waits: { since: number; until: number }[] = [];
    for (const gap of [1, 137, 1, 1, 137, 2, 137, 1, 137, 1]) {
      const since = clock.now();
      pool.acquire().catch(() => waits.push({ since, until: clock.now() }));
      await clock.advance(gap);
    }
    await clock.advance(1_000);
    assert.deepEqual(
      waits.map(({ since, until }) => until - since),
      Array(10).fill(1_000),
    );
  });

  it('time counts from the end of the turn of the event loop: what blocks it meanwhile is at nobody’s expense', async () => {
    const { clock, pool } = new TestPool({ max: 1, acquireTimeoutMs: 500 });
    await pool.acquire();
    const first = track(pool.acquire());
    clock.stall(2_000);
    const second = track(pool.acquire());
    await clock.advance(499);
    assert.deepEqual([first.state, second.state], ['pending', 'pending']);
    await clock.advance(1);
    assert.deepEqual([first.code, second.code], ['ACQUIRE_TIMEOUT', 'ACQUIRE_TIMEOUT']);
  });

  it('who is served in the turn in which it came costs no timer', async () => {
    const { clock, pool } = new TestPool({ max: 1, acquireTimeoutMs: 500 });
    const held = await pool.acquire();
    await clock.settle();
    const before = clock.timers;
    const waiting = track(pool.acquire());
    held.release();
    await clock.settle();
    assert.equal(waiting.state, 'fulfilled');
    assert.deepEqual(clock.timers, before);
  });

  it('one with a shorter deadline fails first, though it came later', async () => {
    const { clock, pool } = new TestPool({ max: 1 });
    await pool.acquire();
    const patient = track(pool.acquire({ timeoutMs: 2_000 }));
    const hurried = track(pool.acquire({ timeoutMs: 100 }));
    await clock.advance(100);
    assert.equal(hurried.code, 'ACQUIRE_TIMEOUT');
    await clock.advance(1_899);
    assert.equal(patient.state, 'pending');
    await clock.advance(1);
    assert.equal(patient.code, 'ACQUIRE_TIMEOUT');
  });

  it('it is one deadline over queueing, failed attempts to open, and resetting', async () => {
    const { clock, driver, pool } = new TestPool({ max: 1, acquireTimeoutMs: 1_000 });
    driver.refuse('ECONNREFUSED');
    const began = clock.now();
    const waiting = track(pool.acquire().catch((error) => [error.code, clock.now() - began]));
    await clock.advance(600);
    driver.accept();
    await clock.advance(100);
    assert.equal(waiting.state, 'fulfilled');

    const next = track(pool.acquire());
    await clock.advance(900);
    assert.equal(next.state, 'pending', 'the only connection is still leased');
    await clock.advance(100);
    assert.equal(next.code, 'ACQUIRE_TIMEOUT');
  });

  it('a reset that hangs does not hold whoever waits beyond the deadline', async () => {
    const test = new TestPool({ max: 1, acquireTimeoutMs: 800 });
    const lease = await test.pool.acquire();
    await lease.query('SET @a = 1');
    test.connection().resetReply = 'hang';
    lease.release();
    test.driver.hang();
    const waiting = track(test.pool.acquire());
    await test.clock.advance(799);
    assert.equal(waiting.state, 'pending');
    await test.clock.advance(1);
    assert.equal(waiting.state, 'rejected');
  });

  it('after the event loop was blocked, a connection that is free goes out before deadlines count', async () => {
    const { clock, pool } = new TestPool({ max: 1, acquireTimeoutMs: 500 });
    const held = await pool.acquire();
    const waiting = track(pool.acquire());
    await clock.settle();
    // In this very turn of the event loop the release follows the overdue deadline.
    clock.after(500, () => held.release());
    clock.stall(2_000);
    await clock.advance(0);
    assert.equal(waiting.state, 'fulfilled');
  });

  it('0 = never in the queue: fails at once when max connections are in use', async () => {
    const { clock, pool } = new TestPool({ max: 2, acquireTimeoutMs: 0 });
    const first = track(pool.acquire());
    const second = track(pool.acquire());
    const third = track(pool.acquire());
    await clock.settle();
    assert.equal(first.state, 'fulfilled');
    assert.equal(second.state, 'fulfilled');
    assert.equal(third.code, 'ACQUIRE_TIMEOUT');
    first.value.release();
    assert.equal(track(pool.acquire()).state, 'pending');
  });

  it('0 = fails only at max: waits for a connection that may still be opened, however slow', async () => {
    const { clock, driver, pool } = new TestPool({ max: 2, maxOpening: 1, acquireTimeoutMs: 0 });
    driver.hang();
    const both = [track(pool.acquire()), track(pool.acquire())];
    await clock.advance(2_000);
    driver.accept();
    driver.opens[0]?.succeed();
    await clock.settle();
    assert.deepEqual(
      both.map(({ state }) => state),
      ['fulfilled', 'fulfilled'],
    );
  });

  for (const options of [{ acquireTimeoutMs: 0 }, { maxPending: 0 }]) {
    it(`a connection that is closed for its age is not in use: no refusal with ${inspect(options)}`, async () => {
      const { clock, pool } = new TestPool({ max: 1, maxLifetimeMs: 1_000, ...options });
      (await pool.acquire()).release();
      clock.stall(1_000);
      const acquiring = track(pool.acquire());
      await clock.settle();
      assert.equal(acquiring.code ?? acquiring.state, 'fulfilled');
    });
  }

  it('Infinity = no deadline', async () => {
    const { clock, pool } = new TestPool({
      max: 1,
      acquireTimeoutMs: Number.POSITIVE_INFINITY,
      maxLifetimeMs: 0,
    });
    const held = await pool.acquire();
    const waiting = track(pool.acquire());
    await clock.advance(3_600_000);
    assert.equal(waiting.state, 'pending');
    held.release();
    await clock.settle();
    assert.equal(waiting.state, 'fulfilled');
  });
});
