import { createPool } from 'generic-pool';
import { Pool as SequelizePool } from 'sequelize-pool';
import { Pool as TarnPool } from 'tarn';
import type { Cancellable, PoolSize, PromisePool } from '../contender.js';
import { makeResource, type Resource } from './resource.js';

/** Pools of anything, with resources that cost nothing: what remains is the pool. Their defaults are their best settings here. */
export function makeTarn({ max }: PoolSize): PromisePool {
  const pool = new TarnPool<Resource>({ create: async () => makeResource(), destroy: () => {}, min: 0, max });
  const made: PromisePool<Resource> = {
    style: 'promise',
    acquire: () => pool.acquire().promise,
    release: (resource) => void pool.release(resource),
    acquireCancellable(): Cancellable {
      const pending = pool.acquire();
      return { settled: pending.promise, cancel: () => pending.abort() };
    },
  };
  return made as PromisePool;
}

export function makeGenericPool({ max }: PoolSize): PromisePool {
  const pool = createPool<Resource>({ create: async () => makeResource(), destroy: async () => {} }, { max });
  const made: PromisePool<Resource> = {
    style: 'promise',
    acquire: () => pool.acquire() as Promise<Resource>,
    // "If you do not care the outcome it is safe to ignore this promise."
    release: (resource) => void pool.release(resource),
  };
  return made as PromisePool;
}

export function makeSequelizePool({ max }: PoolSize): PromisePool {
  const pool = new SequelizePool<Resource>({
    create: async () => makeResource(),
    destroy: () => {},
    validate: () => true, // required
    min: 0,
    max,
  });
  const made: PromisePool<Resource> = {
    style: 'promise',
    acquire: () => pool.acquire(),
    release: (resource) => pool.release(resource),
  };
  return made as PromisePool;
}
