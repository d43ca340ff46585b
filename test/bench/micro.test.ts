import assert from 'node:assert/strict';
import type { CallbackPool, PromisePool } from '#bench/micro/contender.js';
import { makeFloor } from '#bench/micro/contenders/floor.js';
import { microFigures } from '#bench/micro/figures.js';
import { burst, contendedLoop, idleLoop, syncLoop } from '#bench/micro/loops.js';
import { Rounds } from '#bench/micro/rounds.js';

const connection = { host: '', port: 0, user: '', password: '', database: '' };

describe('npm run bench: the loops of rows 1 to 5', () => {
  /** The floor, with a count of what goes in and out. */
  function watched(max: number) {
    const pool = makeFloor({ max, waiters: 0, connection });
    const seen = { acquired: 0, out: 0, mostOut: 0 };
    const lent = (resource: unknown) => {
      seen.acquired++;
      seen.mostOut = Math.max(seen.mostOut, ++seen.out);
      return resource;
    };
    const release = (resource: unknown) => {
      seen.out--;
      pool.release(resource);
    };
    const promise: PromisePool = {
      style: 'promise',
      acquire: () => pool.acquire().then(lent),
      tryAcquire: () => lent(pool.tryAcquire?.()),
      release,
    };
    const callback: CallbackPool = {
      style: 'callback',
      acquire: (done) => void pool.acquire().then((resource) => done(null, lent(resource))),
      release,
    };
    return { seen, promise, callback };
  }

  for (const style of ['promise', 'callback'] as const) {
    it(`does each operation once, and gives everything back (${style})`, async () => {
      const idle = watched(3);
      await idleLoop(idle[style])(50);
      assert.deepEqual(idle.seen, { acquired: 50, out: 0, mostOut: 1 });
      const contended = watched(3);
      await contendedLoop(contended[style], 20)(100);
      assert.deepEqual(contended.seen, { acquired: 100, out: 0, mostOut: 3 });
      const all = watched(3);
      await burst(all[style])(100);
      assert.equal(all.seen.acquired, 100);
      assert.equal(all.seen.out, 0);
      assert.ok(all.seen.mostOut <= 3);
    });
  }

  it('does so synchronously too', () => {
    const { promise, seen } = watched(3);
    syncLoop(promise)(20);
    assert.deepEqual(seen, { acquired: 20, out: 0, mostOut: 1 });
  });

  it('is fair at the floor: first in, first out, also when the ring of who waits grows', async () => {
    const pool = makeFloor({ max: 1, waiters: 0, connection });
    const resource = await pool.acquire();
    const order: number[] = [];
    const all = Array.from({ length: 100 }, (_, i) =>
      pool.acquire().then((lent) => {
        order.push(i);
        pool.release(lent);
      }),
    );
    pool.release(resource);
    await Promise.all(all);
    assert.deepEqual(
      order,
      Array.from({ length: 100 }, (_, i) => i),
    );
  });
});

describe('npm run bench: the figures of rows 1 to 5', () => {
  const rounds = () =>
    new Rounds({
      connection,
      signal: new AbortController().signal,
      rounds: 3,
      progress: () => {},
    });

  it('are medians of the ratios within each round', () => {
    const results = rounds();
    for (const [floor, handback] of [
      [100, 150],
      [1_000, 1_600],
      [10, 90],
    ] as const) {
      results.record({ contender: 'floor', scenario: 'idle' }, { ns: floor });
      results.record({ contender: 'handback', scenario: 'idle' }, { ns: handback });
    }
    const figure = microFigures(results).find(({ id }) => id === 'acquire-release');
    assert.equal(figure?.handback, 1.6);
    assert.deepEqual(figure?.range, [1.5, 9]);
  });

  it('are missing where one round failed, and say why', () => {
    const results = rounds();
    for (const measured of [{ failed: 'Error: it broke\nat a place' }, { bytes: 300 }, { bytes: 310 }]) {
      results.record({ contender: 'handback', scenario: 'idleBytes' }, measured);
      results.record({ contender: 'tarn', scenario: 'idleBytes' }, { bytes: 5_000 });
    }
    const figure = microFigures(results).find(({ id }) => id === 'acquire-release-bytes');
    assert.ok(Number.isNaN(figure?.handback));
    assert.match(figure?.note ?? '', /Handback failed: Error: it broke; /);
    assert.equal(figure?.peers.tarn, 5_000);
  });
});
