import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { LeaseHandle } from '#core/lease-handle.js';
import type { PoolOptions } from '#core/options.js';
import { TestPool, track } from './fixture.js';
import { TestRequest } from './request-fixture.js';

const seed = Number(process.env.HANDBACK_SEED ?? Math.floor(Math.random() * 2 ** 31));

const sizes = fc
  .tuple(fc.integer({ min: 1, max: 3 }), fc.nat(3), fc.nat(2))
  .map(([max, most, least]) => ({ max, maxIdle: Math.min(most, max), minIdle: Math.min(least, most, max) }));

const others = fc.record({
  reuse: fc.constantFrom('lifo', 'fifo'),
  validate: fc.constantFrom('idle', 'always', 'never'),
  validateAfterMs: fc.constantFrom(100, 500, 1_000_000),
  maxLifetimeMs: fc.constantFrom(0, 3_000),
  reset: fc.constantFrom('auto', 'always'),
  acquireTimeoutMs: fc.constantFrom(0, 100, 5_000, 5_000),
  maxPending: fc.constantFrom(0, 1, 2, 10_000),
  maxUses: fc.constantFrom(0, 2),
  maxHoldMs: fc.constantFrom(0, 0, 600),
  leakAfterMs: fc.constantFrom(0, 400),
});

const options: fc.Arbitrary<Partial<PoolOptions>> = fc
  .tuple(sizes, others)
  .map(([size, other]) => ({ ...size, ...other }) as Partial<PoolOptions>);

const step = fc.record({
  act: fc.constantFrom(
    ...[
      'acquire',
      'acquire',
      'acquire',
      'tryAcquire',
      'tryAcquire',
      'release',
      'release',
      'release',
      'query',
    ],
    ...['releaseAgain', 'begin', 'expose', 'abort', 'hang'],
    ...['pass', 'pass', 'stall', 'lose', 'evictAll', 'resize', 'close', 'listen', 'listen'],
  ),
  which: fc.nat(20),
  ms: fc.constantFrom(1, 60, 700, 3_500),
});

/** A pool, and what is out of it. */
class Played {
  readonly test: TestPool;
  readonly #out: LeaseHandle[] = [];
  readonly #back: LeaseHandle[] = [];
  readonly #wavers: boolean;
  #signal = new AbortController();

  /** `heard`: somebody listens; 'at times' = comes and goes. */
  constructor(settings: Partial<PoolOptions>, heard: boolean | 'at times') {
    this.#wavers = heard === 'at times';
    this.test = new TestPool(settings);
    this.test.mayExceed = true;
    // Whoever listens hears of each: such a pool looks closer at all of them.
    if (heard !== true) this.test.listenNoMore();
  }

  async play({ act, which, ms }: { act: string; which: number; ms: number }): Promise<unknown> {
    const { pool, clock, driver } = this.test;
    await clock.settle();
    const lease = this.#out[which % Math.max(1, this.#out.length)];
    if (act === 'acquire') this.#asked(which % 2 === 0 ? pool.acquire() : this.#abortable());
    else if (act === 'tryAcquire') this.#have(pool.tryAcquire());
    else if (act === 'release') this.#release(lease);
    else if (act === 'releaseAgain') this.#back[which % Math.max(1, this.#back.length)]?.release();
    else if (act === 'begin') track(lease?.beginTransaction() ?? Promise.resolve());
    else if (act === 'expose') this.#expose(lease);
    else if (act === 'abort') this.#abort();
    else if (act === 'listen') this.#listen(which);
    else if (act === 'stall') clock.stall(ms);
    else if (act === 'hang') this.#hang(lease);
    else if (act === 'query') track<unknown>(lease?.query('SELECT 1') ?? Promise.resolve());
    else if (act === 'pass') await clock.advance(ms);
    else if (act === 'lose') driver.connections[which % Math.max(1, driver.connections.length)]?.lose();
    else if (act === 'evictAll') pool.evictAll();
    else if (act === 'resize') pool.resize({ max: 1 + (which % 3), minIdle: 0 });
    else if (which < 10) track(pool.close());
    const now = { held: pool.holders().length, threads: this.#out.map(({ threadId }) => threadId) };
    await clock.settle();
    return { now, stats: this.test.stats(), at: clock.now() };
  }

  #release(lease: LeaseHandle | undefined): void {
    if (!lease) return;
    this.#out.splice(this.#out.indexOf(lease), 1);
    this.#back.push(lease);
    lease.release();
  }

  #expose(lease: LeaseHandle | undefined): void {
    try {
      lease?.connection();
    } catch {
      // It is lost, or was taken away.
    }
  }

  /** What drains when it comes back. */
  #hang(lease: LeaseHandle | undefined): void {
    const connection = this.test.driver.connections.find(({ threadId }) => threadId === lease?.threadId);
    if (!lease || !connection) return;
    connection.reply = (sql) => (sql.includes('SLEEP') ? 'hang' : undefined);
    track(lease.query('SELECT SLEEP(60)'));
  }

  #abortable(): Promise<LeaseHandle> {
    return this.test.pool.acquire({ signal: this.#signal.signal });
  }

  #abort(): void {
    this.#signal.abort();
    this.#signal = new AbortController();
  }

  #listen(which: number): void {
    if (!this.#wavers) return;
    const { events } = this.test.pool;
    const name = which % 2 === 0 ? 'acquire' : 'release';
    if (events.listenerCount(name) > 0) events.removeAllListeners(name);
    else if (which % 3 === 0) events.once(name, () => {});
    else events.on(name, () => {});
  }

  #asked(asked: Promise<LeaseHandle>): void {
    asked.then(
      (lease) => this.#have(lease),
      () => {},
    );
  }

  #have(lease: LeaseHandle | undefined): void {
    if (lease) this.#out.push(lease);
  }
}

describe(`the quick way through the doors (HANDBACK_SEED=${seed})`, () => {
  it('decides what the doors decide that look closer, whatever happens', async () => {
    const same = async (
      settings: Partial<PoolOptions>,
      steps: { act: string; which: number; ms: number }[],
    ) => {
      const [careful, quick, wavering] = [true, false, 'at times' as const].map(
        (heard) => new Played(settings, heard),
      ) as [Played, Played, Played];
      for (const each of steps) {
        const seen = await careful.play(each);
        assert.deepEqual(await quick.play(each), seen, each.act);
        assert.deepEqual(await wavering.play(each), seen, `${each.act}, heard at times`);
        const { acquired, released, leased } = careful.test.stats();
        assert.ok(acquired - released >= leased, 'what is out was acquired and not yet given back');
      }
    };
    await fc.assert(fc.asyncProperty(options, fc.array(step, { maxLength: 40, size: 'max' }), same), {
      numRuns: 400,
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
    const { test } = new Played({ max: 1, maxLifetimeMs: 3_000 }, false);
    (await test.rest(test.pool.acquire())).release();
    test.clock.stall(4_000);
    assert.equal(test.pool.tryAcquire(), undefined);
    assert.equal(test.stats().evicted.lifetime, 1);
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
