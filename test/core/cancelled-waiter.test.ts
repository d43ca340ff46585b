import assert from 'node:assert/strict';
import { TestPool, track } from './fixture.js';

describe('a waiter that is cancelled', () => {
  it('leaves the queue at once, with the reason of its signal', async () => {
    const { clock, pool } = new TestPool({ max: 1 });
    await pool.acquire();
    const controller = new AbortController();
    const waiting = track(pool.acquire({ signal: controller.signal }));
    await clock.settle();
    const reason = new Error('changed my mind');
    controller.abort(reason);
    await clock.settle();
    assert.equal(waiting.error, reason);
    assert.equal(pool.stats().pending, 0);
  });

  it('a signal that is aborted already asks for nothing', async () => {
    const { clock, driver, pool } = new TestPool();
    const waiting = track(pool.acquire({ signal: AbortSignal.abort() }));
    await clock.settle();
    assert.equal(waiting.state, 'rejected');
    assert.equal(driver.opens.length, 0);
  });

  it('does not swallow the connection that comes back in the same moment', async () => {
    const { clock, pool } = new TestPool({ max: 1 });
    const held = await pool.acquire();
    const controller = new AbortController();
    const leaving = track(pool.acquire({ signal: controller.signal }));
    const next = track(pool.acquire());
    await clock.settle();
    controller.abort();
    held.release();
    await clock.settle();
    assert.equal(leaving.state, 'rejected');
    assert.equal(next.state, 'fulfilled');
  });

  it('an abort after the hand-over comes too late: the caller has the lease, and nobody else', async () => {
    const { clock, pool } = new TestPool({ max: 1 });
    const held = await pool.acquire();
    const controller = new AbortController();
    const waiting = track(pool.acquire({ signal: controller.signal }));
    await clock.settle();
    held.release();
    controller.abort();
    await clock.settle();
    assert.equal(waiting.state, 'fulfilled');
    assert.equal(pool.stats().leased, 1);
    waiting.value.release();
    await clock.settle();
    assert.equal(pool.stats().idle, 1);
  });

  it('an abort from inside the hand-over loses no connection', async () => {
    const { clock, pool } = new TestPool({ max: 1 });
    const held = await pool.acquire();
    const controller = new AbortController();
    const waiting = track(pool.acquire({ signal: controller.signal }));
    await clock.settle();
    pool.events.once('acquire', () => controller.abort());
    held.release();
    await clock.settle();
    if (waiting.state === 'fulfilled') waiting.value.release();
    const next = track(pool.acquire());
    await clock.settle();
    assert.equal(next.state, 'fulfilled', `the waiter was ${waiting.state}, its connection is lost`);
  });

  it('a deadline that passes in the moment of the hand-over loses no connection either', async () => {
    const { clock, pool } = new TestPool({ max: 1, acquireTimeoutMs: 100 });
    const held = await pool.acquire();
    const waiting = track(pool.acquire());
    await clock.settle();
    clock.after(100, () => held.release());
    await clock.advance(100);
    if (waiting.state === 'fulfilled') waiting.value.release();
    await clock.settle();
    assert.equal(pool.stats().idle, 1);
  });

  it('its listener is taken off the signal, whatever became of it', async () => {
    const { clock, pool } = new TestPool({ max: 1, acquireTimeoutMs: 50 });
    const added: string[] = [];
    const { signal } = new AbortController();
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = (...args: Parameters<typeof add>) => {
      added.push('+');
      add(...args);
    };
    signal.removeEventListener = (...args: Parameters<typeof remove>) => {
      added.push('-');
      remove(...args);
    };
    const held = await pool.acquire({ signal });
    void track(pool.acquire({ signal }));
    await clock.advance(50);
    held.release();
    assert.deepEqual(added, ['+', '-', '+', '-']);
  });
});
