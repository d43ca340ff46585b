import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { PoolOptions } from '#core/options.js';
import { type TestPool, track } from './fixture.js';
import { type Act, options, Played, turns } from './played-pool.js';
import { TestRequest } from './request-fixture.js';

const seed = Number(process.env.HANDBACK_SEED ?? Math.floor(Math.random() * 2 ** 31));

describe(`the quick way through the doors (HANDBACK_SEED=${seed})`, () => {
  it('decides what the doors decide that look closer, whatever happens', async () => {
    const same = async (settings: Partial<PoolOptions>, steps: Act[][]) => {
      const [careful, quick, wavering] = [true, false, 'at times' as const].map(
        (heard) => new Played(settings, heard),
      ) as [Played, Played, Played];
      for (const each of steps) {
        const acts = each.map(({ act }) => act).join(', ');
        const seen = await careful.play(each);
        assert.deepEqual(await quick.play(each), seen, acts);
        assert.deepEqual(await wavering.play(each), seen, `${acts}, heard at times`);
        const { acquired, released, leased } = careful.test.stats();
        assert.ok(acquired - released >= leased, 'what is out was acquired and not yet given back');
      }
    };
    await fc.assert(fc.asyncProperty(options, fc.array(turns, { maxLength: 40, size: 'max' }), same), {
      numRuns: 300,
      seed,
    });
  });

  it('is not the way of a connection that is neither lost nor well', async () => {
    const { test } = new Played({ max: 1 }, false);
    (await test.rest(test.pool.acquire())).release();
    test.connection().believedIn = false;
    assert.equal(test.pool.tryAcquire(), undefined);
    assert.equal(test.stats().evicted.broken, 1);
  });

  it('is taken where nobody listens, and not where somebody does', async () => {
    for (const heard of [true, false]) {
      const { test } = new Played({ max: 1 }, heard);
      (await test.rest(test.pool.acquire())).release();
      test.pool.tryAcquire()?.release();
      assert.equal(test.told('acquire').length, heard ? 2 : 0);
      assert.deepEqual([test.stats().acquired, test.stats().cleanReleases], [2, 2]);
    }
  });

  it('is not the way out of a connection that grew old while nobody looked', async () => {
    const ways = [
      ({ pool }: TestPool) => assert.equal(pool.tryAcquire(), undefined),
      ({ pool }: TestPool) => track(pool.acquire()),
    ];
    for (const ask of ways) {
      const { test } = new Played({ max: 1, maxLifetimeMs: 3_000 }, false);
      (await test.rest(test.pool.acquire())).release();
      test.clock.stall(4_000);
      ask(test);
      assert.equal(test.stats().evicted.lifetime, 1);
    }
  });

  it('gives each lease the next number, whatever way it came: by it what is told of one is known for its own', async () => {
    const { test } = new Played({ max: 3, maxOpening: 3 }, false);
    const opened = await Promise.all([1, 2, 3].map(() => test.rest(test.pool.acquire())));
    for (const lease of opened) lease.release();
    const [one, two] = [test.pool.tryAcquire(), await test.rest(test.pool.acquire())];
    const job = track(test.pool.run(async (db) => db.query('SELECT 1').then(() => new Promise(() => {}))));
    await test.clock.settle();
    const waiting = track(test.pool.acquire());
    await test.clock.settle();
    assert.deepEqual([job.state, waiting.state], ['pending', 'pending']);
    one?.release();
    await test.clock.settle();
    for (const connection of test.driver.connections) connection.lose();
    two.release();
    waiting.value.release();
    const told = test.told('evict').map(({ lease }) => lease);
    assert.deepEqual(told.sort(), [5, 7]);
  });

  for (const heard of [false, true]) {
    it(`makes the pool try sooner when somebody begins to wait, ${heard ? 'heard' : 'unheard'}`, async () => {
      const { test } = new Played({ max: 2, minIdle: 1 }, heard);
      await test.clock.settle();
      const lease = test.pool.tryAcquire();
      // Nobody waits for the second: each attempt is put off for longer, the fifth for seconds.
      test.driver.refuse('ECONNREFUSED');
      await test.clock.advance(5_000);
      test.pool.resize({ max: 1, minIdle: 0 });
      const waiting = track(test.pool.acquire());
      await test.clock.advance(100);
      test.driver.accept();
      test.connection().lose();
      lease?.release();
      await test.clock.advance(100);
      assert.equal(waiting.state, 'fulfilled');
    });

    it(`opens what is lacking to minIdle when one comes back, ${heard ? 'heard' : 'unheard'}`, async () => {
      const { test } = new Played({ max: 3, minIdle: 2 }, heard);
      await test.clock.settle();
      const leases = [test.pool.tryAcquire(), test.pool.tryAcquire()];
      assert.deepEqual([test.stats().opened, test.stats().leased], [2, 2]);
      leases[0]?.release();
      await test.clock.settle();
      assert.deepEqual([test.stats().opened, test.stats().idle], [3, 2]);
    });

    it(`completes no deadlock where one is to be refused, ${heard ? 'heard' : 'unheard'}`, async () => {
      const { test } = new Played({ max: 2, maxOpening: 2, onDoubleAcquire: 'error' }, heard);
      const [one, other] = [new TestRequest(test).db, new TestRequest(test).db];
      await test.rest(test.pool.acquire({ scope: one }));
      const unused = await test.rest(test.pool.acquire());
      const waiting = [other, one, other].map((scope) => track(test.pool.acquire({ scope })));
      await test.clock.settle();
      unused.release();
      await test.clock.settle();
      assert.deepEqual(
        waiting.map(({ state, code }) => code ?? state).sort(),
        ['DOUBLE_ACQUIRE', 'fulfilled', 'pending'].sort(),
      );
    });
  }
});
