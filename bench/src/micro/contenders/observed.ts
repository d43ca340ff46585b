import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { createPool } from '@handback/core';
import type { PoolSize, PromisePool } from '../contender.js';

const heard = { times: 0 };
const listener = () => {
  heard.times++;
};

const EVENTS = ['acquire', 'release'] as const;

type Pool = ReturnType<typeof createPool>;

/** Handback with its defaults, once `observe` has been at it. */
function observed({ connection }: PoolSize, observe: (pool: Pool) => void): PromisePool {
  const pool = createPool({ connection: { ...connection } });
  observe(pool);
  type Lease = Awaited<ReturnType<typeof pool.acquire>>;
  const made: PromisePool<Lease> = {
    style: 'promise',
    acquire: () => pool.acquire(),
    release: (lease) => lease.release(),
  };
  return made as PromisePool;
}

/** Somebody listened, on the pool and on the channels, and nobody does any more. */
export function makeOnceObserved(size: PoolSize): PromisePool {
  return observed(size, ({ events }) => {
    for (const name of EVENTS) {
      events.on(name, listener).off(name, listener);
      subscribe(`handback:${name}`, listener);
      unsubscribe(`handback:${name}`, listener);
    }
  });
}

export function makeListened(size: PoolSize): PromisePool {
  return observed(size, ({ events }) => {
    for (const name of EVENTS) events.on(name, listener);
  });
}

export function makeSubscribed(size: PoolSize): PromisePool {
  return observed(size, () => {
    for (const name of EVENTS) subscribe(`handback:${name}`, listener);
  });
}
