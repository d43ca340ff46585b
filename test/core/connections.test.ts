import assert from 'node:assert/strict';
import { TestPool, track } from './fixture.js';

describe("the pool's connections", () => {
  it('are told with their state and thread id, whether somebody holds them or not', async () => {
    const test = new TestPool({ max: 3 });
    assert.deepEqual(test.pool.connections(), []);
    const [first, second] = [await test.pool.acquire(), await test.pool.acquire()];
    second.release();
    await test.clock.settle();
    assert.deepEqual(
      test.pool.connections().map(({ threadId, state }) => [threadId, state]),
      [
        [first.threadId, 'leased'],
        [test.connection(1).threadId, 'idle'],
      ],
    );
    assert.equal(test.pool.holders()[0]?.threadId, first.threadId);
  });

  it('have the control connection at the end while it is open', async () => {
    const test = new TestPool({ max: 1, queryTimeoutMs: 1_000 });
    const lease = await test.pool.acquire();
    test.connection().reply = (sql) => (sql.includes('SLEEP') ? 'hang' : undefined);
    track(lease.query('SELECT SLEEP(60)'));
    lease.release();
    await test.clock.advance(5_000);
    const [, control] = test.pool.connections();
    assert.deepEqual(control, {
      id: undefined,
      threadId: test.driver.controls[0]?.threadId,
      state: 'control',
    });
    await test.clock.advance(6_000);
    assert.deepEqual(
      test.pool.connections().map(({ state }) => state),
      ['idle'],
    );
  });
});
