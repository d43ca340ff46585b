import { createPool } from '@handback/core';
import type { Cancellable, PoolSize, PromisePool } from '../contender.js';
import { calledOff } from './called-off.js';

/** The default, which a burst of more waiters than that has to raise. */
const DEFAULT_MAX_PENDING = 10_000;
const DEFAULT_MAX = 10;

/** With its defaults, but for what the scenario itself is about. */
export function makeHandback({ max, waiters, connection }: PoolSize): PromisePool {
  const pool = createPool({
    connection: { ...connection },
    ...(max === DEFAULT_MAX ? {} : { max }),
    ...(waiters > DEFAULT_MAX_PENDING ? { maxPending: waiters } : {}),
  });
  type Lease = Awaited<ReturnType<typeof pool.acquire>>;
  const made: PromisePool<Lease> = {
    style: 'promise',
    acquire: () => pool.acquire(),
    release: (lease) => lease.release(),
    tryAcquire: () => pool.tryAcquire(),
    acquireCancellable(): Cancellable {
      const controller = new AbortController();
      const settled = pool.acquire({ signal: controller.signal });
      return { settled, cancel: () => controller.abort(calledOff) };
    },
  };
  return made as PromisePool;
}
