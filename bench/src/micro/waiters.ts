import { createHook } from 'node:async_hooks';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { bytesKept } from '../measure/heap.js';
import type { AnyPool } from './contender.js';

/** What each of so many waiters occupies, on a pool that has nothing to give: its promise, where it has one, included. */
export async function bytesPerWaiter(pool: AnyPool, waiters: number): Promise<number> {
  const promises: unknown[] = new Array(waiters);
  return bytesKept(waiters, async () => {
    for (let i = 0; i < waiters; i++) promises[i] = ask(pool);
    await nextTurn();
  });
}

/** Timers of Node that so many waiters made, divided by their number. */
export async function timersPerWaiter(pool: AnyPool, waiters: number): Promise<number> {
  let timers = 0;
  const hook = createHook({
    init(_id, type) {
      if (type === 'Timeout') timers++;
    },
  }).enable();
  for (let i = 0; i < waiters; i++) ask(pool);
  await Promise.resolve();
  hook.disable();
  return timers / waiters;
}

/** Nobody ever answers: the process ends before any deadline. */
function ask(pool: AnyPool): unknown {
  return pool.style === 'promise' ? pool.acquire() : pool.acquire(unexpected);
}

function unexpected(): void {
  throw new Error('there was nothing to give');
}
