import assert from 'node:assert/strict';
import type { PoolOptions } from '#core/options.js';
import type { FakeOpen } from './fake-driver.js';
import { connectError, lostError } from './fake-server.js';
import { TestPool, track } from './fixture.js';

/** A pool whose attempts to open are timed, those of its control connection included. */
function timed(options: Partial<PoolOptions> = {}) {
  const test = new TestPool(options);
  const at: number[] = [];
  const watch = (act: (open: FakeOpen) => void) => (open: FakeOpen) => {
    at.push(test.clock.now());
    act(open);
  };
  const refuse = (code = 'ECONNREFUSED', errno?: number) => {
    const act = watch((open) => open.fail(connectError(code, errno)));
    test.driver.onOpen = act;
    test.driver.onControlOpen = act;
  };
  const accept = () => {
    test.driver.onOpen = watch((open) => open.succeed());
    test.driver.onControlOpen = test.driver.onOpen;
  };
  accept();
  return { test, at, refuse, accept };
}

/** The most that fell into any time as long as this. */
function mostWithin(ms: number, at: readonly number[]): number {
  return Math.max(0, ...at.map((from) => at.filter((time) => time >= from && time < from + ms).length));
}

async function leased({ test }: ReturnType<typeof timed>, count: number) {
  const leases = [];
  for (let n = 0; n < count; n++) leases.push(await test.rest(test.pool.acquire()));
  for (const lease of leases) await test.rest(lease.query('SELECT 1'));
  return leases;
}

/** Idle connections that have been used. */
async function idle(setUp: ReturnType<typeof timed>, count: number) {
  for (const lease of await leased(setUp, count)) lease.release();
  await setUp.test.clock.settle();
}

describe('attempts to connect while the server is away', () => {
  for (const randomness of [0, 0.5, 0.999]) {
    it(`somebody waits (jitter ${randomness}): at most 25 in any second, whoever makes them`, async () => {
      const setUp = timed({ max: 10, acquireTimeoutMs: 30_000, drainTimeoutMs: 0 });
      const { test, at, refuse } = setUp;
      test.clock.randomness = randomness;
      for (const lease of await leased(setUp, 5)) {
        test.driver.reply = () => 'hang';
        void track(lease.query('SELECT SLEEP(60)'));
        await test.clock.settle();
        refuse('ETIMEDOUT');
        // Its KILL, and what follows the ghost, need the control connection.
        lease.release();
      }
      at.length = 0;
      for (let n = 0; n < 100; n++) void track(test.pool.acquire());
      await test.clock.advance(10_000);
      assert.ok(mostWithin(1_000, at) <= 25, `${mostWithin(1_000, at)} in a second`);
      assert.ok(at.length > 50, `${at.length} in 10 s: it must notice the server's return`);
    });

    it(`nobody waits (jitter ${randomness}): at most 5 in any second`, async () => {
      const setUp = timed({ max: 10, minIdle: 5, drainTimeoutMs: 0 });
      const { test, at, refuse } = setUp;
      test.clock.randomness = randomness;
      const leases = await leased(setUp, 3);
      await test.clock.advance(1_000);
      refuse('EHOSTUNREACH');
      at.length = 0;
      test.driver.reply = () => 'hang';
      for (const lease of leases) {
        void track(lease.query('SELECT SLEEP(60)'));
        await test.clock.settle();
        lease.release();
      }
      for (const connection of test.driver.connections) connection.lose();
      await test.clock.advance(20_000);
      assert.ok(mostWithin(1_000, at) <= 5, `${mostWithin(1_000, at)} in a second`);
      assert.ok(at.length >= 4);
    });
  }

  it('nobody waits: the pauses double from 300 ms to 5 s', async () => {
    const { test, refuse } = timed({ minIdle: 1 });
    refuse();
    await test.clock.settle();
    for (const connection of test.driver.connections) connection.lose();
    await test.clock.advance(30_000);
    assert.deepEqual(
      test
        .told('openFailed')
        .slice(0, 8)
        .map(({ retryInMs }) => retryInMs),
      [300, 300, 520, 1_040, 2_080, 4_160, 5_000, 5_000],
    );
  });

  it('a crowd that comes and goes gets no attempt of its own', async () => {
    const { test, at, refuse } = timed({ max: 10 });
    refuse();
    for (let n = 0; n < 200; n++) {
      void track(test.pool.acquire({ timeoutMs: 5 }));
      void track(test.pool.acquire({ timeoutMs: 0 }));
      await test.clock.advance(10);
    }
    assert.ok(mostWithin(1_000, at) <= 25, `${mostWithin(1_000, at)} in a second`);
  });

  it('whenever the server returns, whoever waits is served within 100 ms', async () => {
    for (let returnsAt = 500; returnsAt < 700; returnsAt += 7) {
      const { test, refuse, accept } = timed();
      test.clock.randomness = 0.999;
      refuse();
      const waiting = track(test.pool.acquire());
      await test.clock.advance(returnsAt);
      accept();
      await test.clock.advance(100);
      assert.equal(waiting.state, 'fulfilled');
    }
  });

  it('dozens of KILLs make one attempt, and are tried again when that is over', async () => {
    const setUp = timed({ max: 20, drainTimeoutMs: 0 });
    const { test, at, refuse, accept } = setUp;
    const leases = await leased(setUp, 20);
    test.driver.reply = () => 'hang';
    refuse('ER_CON_COUNT_ERROR', 1040);
    at.length = 0;
    for (const lease of leases) {
      void track(lease.query('SELECT SLEEP(60)'));
      lease.release();
    }
    await test.clock.settle();
    assert.deepEqual([at.length, test.stats().ghost], [1, 20]);
    await test.clock.advance(5_000);
    assert.ok(mostWithin(1_000, at) <= 3, `${mostWithin(1_000, at)} in a second`);
    accept();
    await test.clock.advance(2_000);
    assert.deepEqual([test.stats().ghost, test.driver.poolThreads], [0, 0]);
  });

  it('ghosts have every place, and somebody waits: they ask as often as the pool would, and make room at once', async () => {
    for (const randomness of [0, 0.999]) {
      const setUp = timed({ max: 8, acquireTimeoutMs: 60_000 });
      const { test, at, refuse, accept } = setUp;
      test.clock.randomness = randomness;
      const leases = await leased(setUp, 8);
      test.driver.reply = (sql) => (sql.includes('SLEEP') ? 'hang' : undefined);
      // Something that takes connections and drops them stands before the server.
      refuse('PROTOCOL_CONNECTION_LOST');
      const waiting = track(test.pool.acquire());
      for (const [n, lease] of leases.entries()) {
        void track(lease.query('SELECT SLEEP(60)'));
        await test.clock.settle();
        test.connection(n).lose();
        lease.release();
      }
      at.length = 0;
      await test.clock.advance(5_000);
      assert.deepEqual([test.stats().ghost, waiting.state], [8, 'pending']);
      assert.ok(mostWithin(1_000, at) <= 25, `${mostWithin(1_000, at)} in a second`);
      accept();
      await test.clock.advance(100);
      assert.equal(waiting.state, 'fulfilled');
    }
  });

  it('without room at the server they don’t', async () => {
    const setUp = timed({ max: 2, acquireTimeoutMs: 60_000, drainTimeoutMs: 0 });
    const { test, at, refuse } = setUp;
    const leases = await leased(setUp, 2);
    test.driver.reply = () => 'hang';
    refuse('ER_CON_COUNT_ERROR', 1040);
    void track(test.pool.acquire());
    for (const lease of leases) {
      void track(lease.query('SELECT SLEEP(60)'));
      lease.release();
    }
    await test.clock.settle();
    at.length = 0;
    await test.clock.advance(5_000);
    assert.ok(mostWithin(1_000, at) <= 2, `${mostWithin(1_000, at)} in a second`);
  });

  it('a host that the server has blocked: fails fast with what it said, and one attempt in ten seconds', async () => {
    const { test, at, refuse, accept } = timed();
    refuse('ER_HOST_IS_BLOCKED', 1129);
    const outcomes = [];
    for (let n = 0; n < 300; n++) {
      outcomes.push(track(test.pool.acquire()));
      await test.clock.advance(100);
    }
    assert.ok(mostWithin(10_000, at) <= 1, `${mostWithin(10_000, at)} in ten seconds`);
    for (const { code, error } of outcomes) {
      assert.equal(code, 'OPEN_FAILED');
      assert.match(String(error.cause), /ER_HOST_IS_BLOCKED/);
    }
    assert.match(test.told('warning')[0]?.message ?? '', /last attempt to connect: .*ER_HOST_IS_BLOCKED/);
    accept();
    await test.clock.advance(12_000);
    assert.equal((await test.rest(test.pool.acquire())).threadId, test.connection().threadId);
  });

  it('a server full of ghosts that can’t be reached is OPEN_FAILED, with what the control connection met', async () => {
    const setUp = timed({ max: 2, drainTimeoutMs: 0, acquireTimeoutMs: 1_000 });
    const { test, refuse } = setUp;
    const leases = await leased(setUp, 2);
    test.driver.reply = () => 'hang';
    refuse('ETIMEDOUT');
    for (const lease of leases) {
      void track(lease.query('SELECT SLEEP(60)'));
      lease.release();
    }
    const waiting = track(test.pool.acquire());
    await test.clock.advance(1_000);
    assert.equal(test.stats().ghost, 2);
    assert.equal(waiting.code, 'OPEN_FAILED');
    assert.match(String(waiting.error.cause), /ETIMEDOUT/);
  });

  it('of a statement whose connection was cut in the meantime no KILL is sent', async () => {
    const setUp = timed({ max: 2, drainTimeoutMs: 0 });
    const { test } = setUp;
    const leases = await leased(setUp, 2);
    test.driver.reply = () => 'hang';
    test.driver.onControlOpen = () => {};
    for (const lease of leases) {
      void track(lease.query('SELECT SLEEP(60)'));
      lease.release();
    }
    await test.clock.settle();
    // One waits for the control connection, the other for its turn on it.
    test.connection(1).lose();
    test.driver.controlOpens[0]?.succeed();
    await test.clock.settle();
    assert.deepEqual(test.driver.kills, [`KILL QUERY ${test.connection(0).threadId}`]);
  });
});

describe('coming back after a loss', () => {
  it('one connection first, then a pause in which other processes have their turn, then maxOpening at a time', async () => {
    const setUp = timed({ max: 10 });
    const { test, at, refuse, accept } = setUp;
    refuse();
    for (let n = 0; n < 10; n++) void track(test.pool.acquire({ timeoutMs: 60_000 }));
    await test.clock.advance(1_000);
    accept();
    test.driver.opens.length = 0;
    await test.clock.advance(80);
    assert.deepEqual([test.driver.opens.length, test.stats().leased], [1, 1]);
    await test.clock.advance(99 - 65);
    assert.equal(test.stats().leased, 1);
    at.length = 0;
    await test.clock.advance(160);
    assert.equal(test.stats().leased, 10);
  });

  it('in the pause nobody who does not queue is refused', async () => {
    const { test, refuse, accept } = timed({ max: 10 });
    refuse();
    void track(test.pool.acquire({ timeoutMs: 60_000 }));
    await test.clock.advance(1_000);
    accept();
    await test.clock.advance(80);
    const waiting = track(test.pool.acquire({ timeoutMs: 0 }));
    await test.clock.advance(160);
    assert.equal(waiting.state, 'fulfilled');
  });

  it('all connections lost in one moment: one attempt, at a moment of this process’s own', async () => {
    for (const [randomness, before, after] of [
      [0, 0, 1],
      [0.5, 19, 2],
      [0.9, 35, 2],
    ] as const) {
      const setUp = timed({ max: 10 });
      const { test, at } = setUp;
      await idle(setUp, 10);
      test.clock.randomness = randomness;
      at.length = 0;
      for (const connection of test.driver.connections) connection.lose(lostError());
      const waiting = Array.from({ length: 10 }, () => track(test.pool.query('SELECT 1')));
      await test.clock.advance(before);
      if (before > 0) assert.equal(at.length, 0);
      await test.clock.advance(after);
      assert.equal(at.length, 1);
      await test.clock.advance(200);
      assert.deepEqual(new Set(waiting.map(({ state }) => state)), new Set(['fulfilled']));
    }
  });

  it('one lost connection, or some while others live, is replaced at once', async () => {
    for (const [size, losses] of [
      [1, 1],
      [5, 4],
    ] as const) {
      const setUp = timed({ max: 10 });
      const { test, at } = setUp;
      const leases = await leased(setUp, size);
      at.length = 0;
      for (let n = 0; n < losses; n++) test.connection(n).lose();
      for (const lease of leases.slice(0, losses)) lease.release();
      const waiting = track(test.pool.acquire());
      await test.clock.settle();
      assert.deepEqual([waiting.state, at.length], ['fulfilled', 1]);
    }
  });

  it('unused connections that were lost when they were old do not slow the next attempt down', async () => {
    const setUp = timed({ max: 10, minIdle: 5 });
    const { test } = setUp;
    await test.clock.advance(20_000);
    for (const connection of test.driver.connections) connection.lose();
    const waiting = track(test.pool.acquire());
    await test.clock.advance(50);
    assert.equal(waiting.state, 'fulfilled');
    await test.clock.advance(1_000);
    assert.equal(test.stats().idle, 5);
  });

  it('a lease that is held on after its connection was lost is no connection to serve with', async () => {
    const setUp = timed({ max: 3 });
    const { test, at } = setUp;
    await leased(setUp, 2);
    at.length = 0;
    test.connection(0).lose();
    test.connection(1).lose();
    const waiting = track(test.pool.acquire());
    await test.clock.settle();
    assert.deepEqual([waiting.state, at.length], ['pending', 0], 'scattered');
    await test.clock.advance(40);
    assert.equal(waiting.state, 'fulfilled');
  });
});

describe('the first connection after an outage', () => {
  async function outage() {
    const setUp = timed({ max: 2 });
    const { test, refuse, accept } = setUp;
    await idle(setUp, 1);
    refuse();
    test.connection().lose();
    await test.clock.settle();
    return { ...setUp, test, accept };
  }

  it('goes to whoever waits before anybody has looked around; the reset behind it does that', async () => {
    const { test, accept } = await outage();
    const { surveys } = test.driver;
    const waiting = track(test.pool.acquire());
    await test.clock.advance(60);
    accept();
    await test.clock.advance(30);
    assert.equal(test.driver.surveys, surveys);
    await test.rest(waiting.value.query('SELECT 1'));
    waiting.value.release();
    await test.clock.settle();
    assert.deepEqual([test.connection(1).resets, test.driver.surveys], [1, surveys + 1]);
  });

  it('looks around when nobody waits any more', async () => {
    const { test, accept } = await outage();
    const { surveys } = test.driver;
    const controller = new AbortController();
    void track(test.pool.acquire({ signal: controller.signal }));
    await test.clock.settle();
    test.driver.hang();
    await test.clock.advance(80);
    controller.abort();
    accept();
    test.driver.opens.at(-1)?.succeed();
    await test.clock.advance(10);
    assert.equal(test.driver.surveys, surveys + 1);
  });

  it('a look that takes too long costs one connection, not each that is opened or reset', async () => {
    const { test } = timed({ max: 1, connectTimeoutMs: 1_000, acquireTimeoutMs: 4_000 });
    const survey = test.driver.survey.bind(test.driver);
    let looks = 0;
    test.driver.survey = () => {
      looks++;
      return new Promise((_resolve, reject) => {
        test.clock.after(1_000, () => reject(lostError()));
      });
    };
    const waiting = track(test.pool.acquire());
    await test.clock.advance(999);
    assert.equal(waiting.state, 'pending');
    await test.clock.advance(100);
    waiting.value.release();
    for (let n = 0; n < 10; n++) await test.rest(test.pool.query('SET @a = 1'));
    assert.deepEqual([looks, test.stats().evicted['reset-failed']], [1, 0]);
    test.driver.survey = survey;
    await test.clock.advance(5_000);
    await test.rest(test.pool.query('SET @a = 1'));
    assert.equal(test.driver.surveys, 1);
  });
});
