import assert from 'node:assert/strict';
import { TestPool, track } from './fixture.js';

describe('opening connections', () => {
  it('no more than maxOpening at a time', async () => {
    const { clock, driver, pool } = new TestPool({ max: 10, maxOpening: 2 });
    driver.hang();
    for (let n = 0; n < 5; n++) void track(pool.acquire());
    await clock.settle();
    assert.equal(driver.opens.length, 2);
    driver.opens[0]?.succeed();
    await clock.settle();
    assert.equal(driver.opens.length, 3);
    assert.equal(pool.stats().opening, 2);
  });

  it('never more than max, however many wait', async () => {
    const { clock, driver, pool } = new TestPool({ max: 3, maxOpening: 10 });
    for (let n = 0; n < 20; n++) void track(pool.query('SELECT 1'));
    await clock.settle();
    assert.equal(driver.opens.length, 3);
    assert.equal(pool.stats().released, 20);
  });

  it('a connection that comes back goes to the waiter for whom one is being opened', async () => {
    const { clock, driver, pool } = new TestPool({ max: 2 });
    const held = await pool.acquire();
    driver.hang();
    const waiting = track(pool.acquire());
    await clock.settle();
    assert.equal(pool.stats().opening, 1);
    held.release();
    await clock.settle();
    assert.equal(waiting.value.threadId, held.threadId);
    driver.opens[1]?.succeed();
    await clock.settle();
    assert.equal(pool.stats().idle, 1, 'the one that was opened is there for the next');
  });

  it('a short burst opens no connection per waiter', async () => {
    const { clock, driver, pool } = new TestPool({ max: 10, maxOpening: 2 });
    driver.onOpen = (open) => void clock.after(150, () => open.succeed());
    const lease = track(pool.acquire());
    await clock.advance(150);
    lease.value.release();
    for (let n = 0; n < 50; n++) void track(pool.query('SELECT 1'));
    await clock.advance(1_000);
    assert.equal(pool.stats().released, 51);
    assert.ok(driver.opens.length <= 3, `${driver.opens.length} opened`);
  });

  it('options that the driver can’t even read fail the attempt, and are the cause', async () => {
    const test = new TestPool({ max: 1 });
    const failure = new TypeError('flags is not iterable');
    test.driver.open = () => {
      throw failure;
    };
    const answer = track(test.pool.query('SELECT 1'));
    await test.clock.settle();
    assert.deepEqual([answer.code, answer.error.cause], ['OPEN_FAILED', failure]);
  });

  it('one that hangs does not block the others', async () => {
    const { clock, driver, pool } = new TestPool({ max: 5, maxOpening: 2 });
    driver.onOpen = (open) => {
      if (open !== driver.opens[0]) open.succeed();
    };
    const acquires = [track(pool.acquire()), track(pool.acquire()), track(pool.acquire())];
    await clock.settle();
    assert.deepEqual(
      acquires.map(({ state }) => state),
      ['fulfilled', 'fulfilled', 'pending'],
    );
    await clock.advance(3_100);
    assert.equal(acquires[2]?.state, 'fulfilled', 'by the attempt after the one that was given up');
  });

  it('outlives the acquire that it was made for', async () => {
    const { clock, driver, pool } = new TestPool({ max: 1 });
    driver.hang();
    const controller = new AbortController();
    void track(pool.acquire({ signal: controller.signal }));
    await clock.settle();
    controller.abort();
    await clock.settle();
    assert.equal(driver.opens[0]?.givenUp, null);
    driver.opens[0]?.succeed();
    await clock.settle();
    assert.ok(pool.tryAcquire());
  });

  it('is given up after connectTimeoutMs, which stays below the acquire deadline', async () => {
    const { clock, driver, pool } = new TestPool({ connectTimeoutMs: 3_000, acquireTimeoutMs: 1_000 });
    driver.hang();
    const waiting = track(pool.acquire());
    await clock.advance(1_000);
    assert.match(String(driver.opens[0]?.givenUp?.message), /no connection within 800 ms/);
    assert.match(String((waiting.error.cause as Error).message), /no connection within 800 ms/);
  });

  it('one that succeeds after it was given up is cut off, and in nobody’s way', async () => {
    const { clock, driver, pool } = new TestPool({ max: 1, connectTimeoutMs: 100 });
    driver.hang();
    driver.heedsGivingUp = false;
    const waiting = track(pool.acquire());
    await clock.advance(100);
    driver.accept();
    await clock.advance(100);
    assert.equal(waiting.state, 'fulfilled');
    const late = driver.opens[0]?.succeed();
    assert.ok(late?.destroyedWith);
    await clock.settle();
    assert.equal(pool.stats().leased, 1);
  });

  it('asks the connection function each time, awaits it, and keeps the deadline over it', async () => {
    let asked = 0;
    const test = new TestPool({
      max: 2,
      connection: async () => {
        asked++;
        return { user: `user${asked}` };
      },
    });
    await test.pool.acquire();
    await test.pool.acquire();
    assert.deepEqual(
      test.driver.opens.map(({ settings }) => settings.config.user),
      ['user1', 'user2'],
    );
    const never = new TestPool({ connection: () => new Promise(() => {}), connectTimeoutMs: 200 });
    const waiting = track(never.pool.acquire());
    await never.clock.advance(5_000);
    assert.equal(waiting.code, 'OPEN_FAILED');
    assert.equal(never.driver.opens.length, 0);
  });

  it('a connection function that throws, or returns nothing, fails the acquire with that as cause', async () => {
    const failures: (() => never)[] = [
      () => {
        throw new Error('no secret');
      },
      () => undefined as never,
    ];
    for (const connection of failures) {
      const { clock, pool } = new TestPool({ connection });
      const waiting = track(pool.acquire());
      await clock.settle();
      assert.equal(waiting.code, 'OPEN_FAILED');
      assert.match(String(waiting.error.cause), /no secret|must return an object/);
    }
  });
});
