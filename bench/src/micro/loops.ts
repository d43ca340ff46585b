import type { AnyPool, CallbackPool, PromisePool } from './contender.js';

/** Already settled: what is chained to it runs with the next microtasks, as after an `await`. */
const settled = Promise.resolve();

/** Acquire and release, one after the other. */
export function idleLoop(pool: AnyPool): (operations: number) => Promise<void> {
  return pool.style === 'promise' ? promiseIdle(pool) : callbackIdle(pool);
}

function promiseIdle(pool: PromisePool) {
  return async (operations: number) => {
    for (let i = 0; i < operations; i++) pool.release(await pool.acquire());
  };
}

function callbackIdle(pool: CallbackPool) {
  return (operations: number) =>
    new Promise<void>((resolve, reject) => {
      let left = operations;
      const lent = (error: unknown, resource: unknown) => {
        if (error) return reject(error);
        pool.release(resource);
        if (--left === 0) resolve();
        else pool.acquire(lent);
      };
      pool.acquire(lent);
    });
}

/** Synchronously; for pools that have `tryAcquire`. */
export function syncLoop(pool: AnyPool): (operations: number) => void {
  if (pool.style !== 'promise' || !pool.tryAcquire) throw new Error('it has no tryAcquire');
  const { tryAcquire, release } = pool;
  const [take, give] = [tryAcquire.bind(pool), release.bind(pool)];
  return (operations) => {
    for (let i = 0; i < operations; i++) {
      const resource = take();
      if (resource === undefined) throw new Error('nothing was idle');
      give(resource);
    }
  };
}

/** So many callers at once, each of which acquires, yields once, releases, and begins again. */
export function contendedLoop(pool: AnyPool, callers: number): (operations: number) => Promise<void> {
  return pool.style === 'promise' ? promiseContended(pool, callers) : callbackContended(pool, callers);
}

function promiseContended(pool: PromisePool, callers: number) {
  return async (operations: number) => {
    let left = operations;
    const call = async () => {
      while (left-- > 0) {
        const resource = await pool.acquire();
        await undefined;
        pool.release(resource);
      }
    };
    await Promise.all(Array.from({ length: callers }, call));
  };
}

function callbackContended(pool: CallbackPool, callers: number) {
  return (operations: number) =>
    new Promise<void>((resolve, reject) => {
      let [left, active] = [operations, callers];
      const call = () => {
        if (left-- > 0) pool.acquire(lent);
        else if (--active === 0) resolve();
      };
      const lent = (error: unknown, resource: unknown) => {
        if (error) return reject(error);
        settled.then(() => {
          pool.release(resource);
          call();
        });
      };
      for (let i = 0; i < callers; i++) call();
    });
}

/** All of them ask in one go; whoever gets one gives it back at once. */
export function burst(pool: AnyPool): (waiters: number) => Promise<void> {
  return pool.style === 'promise' ? promiseBurst(pool) : callbackBurst(pool);
}

function promiseBurst(pool: PromisePool) {
  return (waiters: number) =>
    new Promise<void>((resolve, reject) => {
      let left = waiters;
      const use = async () => {
        pool.release(await pool.acquire());
        if (--left === 0) resolve();
      };
      for (let i = 0; i < waiters; i++) use().catch(reject);
    });
}

function callbackBurst(pool: CallbackPool) {
  return (waiters: number) =>
    new Promise<void>((resolve, reject) => {
      let left = waiters;
      const lent = (error: unknown, resource: unknown) => {
        if (error) return reject(error);
        pool.release(resource);
        if (--left === 0) resolve();
      };
      for (let i = 0; i < waiters; i++) pool.acquire(lent);
    });
}

/** What is lent out for good: what nobody holds any more, a pool may take back. */
const held: unknown[] = [];

/** So few that those who wait for the last to open stay within any deadline. */
const atOnce = 25;

/** Takes so many, and keeps them. */
export async function hold(pool: AnyPool, count: number): Promise<void> {
  for (let left = count; left > 0; left -= atOnce) {
    held.push(...(await takeAll(pool, Math.min(left, atOnce))));
  }
}

/** Opens all that the pool may have, and leaves them idle. */
export async function fill(pool: AnyPool, max: number): Promise<void> {
  for (const resource of await takeAll(pool, max)) pool.release(resource);
}

function takeAll(pool: AnyPool, count: number): Promise<unknown[]> {
  return Promise.all(Array.from({ length: count }, () => take(pool)));
}

function take(pool: AnyPool): Promise<unknown> {
  if (pool.style === 'promise') return pool.acquire();
  return new Promise((resolve, reject) => {
    pool.acquire((error, resource) => (error ? reject(error) : resolve(resource)));
  });
}
