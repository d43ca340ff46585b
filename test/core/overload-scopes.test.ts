import assert from 'node:assert/strict';
import type { PoolOptions } from '#core/options.js';
import { type Outcome, TestPool, track } from './fixture.js';
import { TestRequest, type TestRequestOptions } from './request-fixture.js';

const STEP_MS = 10;
const CONNECTIONS = 3;

/** In each step twice as many requests come as are answered. */
class Flood {
  readonly test: TestPool;
  /** What became of their queries. */
  readonly queries: Outcome<unknown>[] = [];

  constructor(options: Partial<PoolOptions> = {}) {
    this.test = new TestPool({ max: CONNECTIONS, maxOpening: CONNECTIONS, ...options });
    this.test.driver.reply = () => 'hang';
  }

  /** A request whose handler queries once, and answers. */
  visit(options: TestRequestOptions = {}): { request: TestRequest; answered: Promise<unknown> } {
    const request = new TestRequest(this.test, options);
    return { request, answered: request.db.query('SELECT 1').finally(() => request.answer()) };
  }

  request(): { request: TestRequest; query: Outcome<unknown> } {
    const { request, answered } = this.visit();
    return { request, query: track(answered) };
  }

  async step(coming = 2 * CONNECTIONS): Promise<void> {
    for (let n = 0; n < coming; n++) this.queries.push(this.request().query);
    for (const connection of this.test.driver.connections) if (connection.running) connection.answer();
    await this.test.clock.advance(STEP_MS);
  }

  async run(ms: number, coming?: number): Promise<void> {
    for (let n = 0; n < ms / STEP_MS; n++) await this.step(coming);
  }

  get shed(): number {
    return this.queries.filter(({ code }) => code === 'OVERLOADED').length;
  }
}

/** The line stands, and the first have been refused. */
async function standing(options?: Partial<PoolOptions>): Promise<Flood> {
  const flood = new Flood(options);
  await flood.run(1_500);
  assert.ok(flood.shed > 0);
  return flood;
}

describe('whom overload concerns', () => {
  it('a request that waits for its first connection: the newest is served, the oldest refused', async () => {
    const flood = await standing();
    const { query } = flood.request();
    await flood.step(0);
    await flood.step(0);
    assert.equal(query.state, 'fulfilled');
    const { shed, timedOut } = flood.test.stats();
    assert.deepEqual([shed, timedOut], [flood.shed, 0]);
    assert.equal(flood.test.told('acquireFailed').length, shed);
    assert.ok(
      flood.test.told('warning').some(({ code, report }) => code === 'OVERLOADED' && report?.servedPerSecond),
    );
  });

  it('the refusal says nothing of the inside, and says when to come again', async () => {
    const flood = await standing();
    const error = flood.queries.find(({ code }) => code === 'OVERLOADED')?.error;
    assert.equal(error?.message, 'More requests are coming than the database can serve.');
    assert.match(String(error?.headers?.['Retry-After']), /^[1-9]\d*$/);
    assert.equal(error?.statusCode, 503);
    assert.equal(Object.getOwnPropertyDescriptor(error, 'report')?.enumerable, false);
  });

  it("queue: 'fifo' refuses nobody before the deadline", async () => {
    const flood = new Flood({ queue: 'fifo' });
    await flood.run(3_000);
    assert.equal(flood.shed, 0);
    assert.equal(flood.test.stats().shed, 0);
    const served = flood.queries.map(({ state }) => state === 'fulfilled');
    assert.equal(
      served.lastIndexOf(true),
      served.filter(Boolean).length - 1,
      'in the order in which they came',
    );
  });

  const steady: Record<string, (flood: Flood) => Promise<unknown>> = {
    'pool.query()': ({ test }) => test.pool.query('SELECT 2'),
    'pool.acquire()': ({ test }) => test.pool.acquire().then((lease) => lease.release()),
    'pool.transaction()': ({ test }) => test.pool.transaction(async () => {}),
    'a job': ({ test }) => test.pool.run((db) => db.query('SELECT 2')),
    'a request on a route that waits for ever': (flood) =>
      flood.visit({ acquireTimeoutMs: Number.POSITIVE_INFINITY }).answered,
  };
  for (const [who, come] of Object.entries(steady)) {
    it(`${who} keeps its place: it is not shed, and is not left behind`, async () => {
      const flood = await standing();
      const outcomes: Outcome<unknown>[] = [];
      for (let n = 0; n < 20; n++) outcomes.push(track(come(flood)));
      await flood.run(600);
      assert.deepEqual(new Set(outcomes.map(({ state }) => state)), new Set(['fulfilled']));
    });
  }

  it('so does a request that has had a connection: what it has done is not thrown away', async () => {
    const flood = new Flood();
    const requests = Array.from({ length: CONNECTIONS }, () => new TestRequest(flood.test));
    const first = requests.map(({ db }) => track(db.query('SELECT 1').then(() => db.release())));
    await flood.step(0);
    await flood.step(0);
    assert.ok(first.every(({ state }) => state === 'fulfilled'));
    await flood.run(1_500);
    const second = requests.map(({ db }) => track(db.query('SELECT 2')));
    await flood.run(600);
    assert.ok(second.every(({ state }) => state === 'fulfilled'));
    for (const request of requests) request.answer();
  });

  it('and work after the end of a request', async () => {
    const flood = await standing();
    const request = new TestRequest(flood.test);
    request.answer();
    await flood.test.clock.settle();
    const late = Array.from({ length: 10 }, () => track(request.db.query('SELECT 2')));
    await flood.run(600);
    assert.ok(
      late.every(({ state }) => state !== 'rejected'),
      String(late.map(({ code }) => code)),
    );
  });
});

describe('while the line stands', () => {
  it('a client that leaves takes its request out, and the others are served', async () => {
    const flood = await standing();
    const { request, query } = flood.request();
    const before = flood.test.stats().pending;
    request.leave();
    await flood.test.clock.microtasks();
    assert.deepEqual([query.code, flood.test.stats().pending], ['CLIENT_GONE', before - 1]);
    const { released } = flood.test.stats();
    await flood.run(100);
    assert.ok(flood.test.stats().released > released);
  });

  it('close() refuses all who wait, and leaves nothing behind', async () => {
    const flood = await standing();
    const { pending } = flood.test.stats();
    assert.ok(pending > 0);
    const closing = track(flood.test.pool.close());
    await flood.test.clock.settle();
    assert.equal(flood.queries.filter(({ code }) => code === 'POOL_CLOSED').length, pending);
    await flood.run(200, 0);
    assert.equal(closing.state, 'fulfilled');
    assert.deepEqual([flood.test.stats().pending, flood.test.clock.timers], [0, []]);
  });

  it('more connections (resize) end it', async () => {
    const flood = await standing();
    flood.test.pool.resize({ max: 4 * CONNECTIONS });
    await flood.run(1_000);
    const { shed } = flood.test.stats();
    await flood.run(1_000);
    assert.deepEqual([flood.test.stats().shed, flood.test.stats().timedOut], [shed, 0]);
    assert.ok(flood.test.stats().pending < 10);
  });

  it('with a short deadline they hear of it before that is over', async () => {
    const flood = await standing({ acquireTimeoutMs: 450 });
    const { shed, timedOut } = flood.test.stats();
    await flood.run(1_500);
    assert.ok(flood.test.stats().shed > shed + 100);
    assert.equal(flood.test.stats().timedOut, timedOut);
  });

  it('with a long one they do not wait for it', async () => {
    const flood = await standing({ acquireTimeoutMs: 60_000 });
    await flood.run(1_000);
    const { shed, pending } = flood.test.stats();
    await flood.run(1_000);
    assert.ok(flood.test.stats().shed > shed + 100);
    assert.ok(flood.test.stats().pending <= pending + 50, 'the line grows no longer');
  });
});

describe('when the pool has not all its connections', () => {
  it('nobody is shed while they are being opened', async () => {
    const flood = new Flood({ connectTimeoutMs: 60_000, acquireTimeoutMs: 60_000 });
    await flood.run(100);
    // One is lost, and its successor takes its time.
    flood.test.driver.hang();
    flood.test.connection().lose();
    await flood.run(3_000);
    assert.deepEqual([flood.test.stats().opening > 0, flood.test.stats().shed], [true, 0]);
  });

  it('one of many that is being replaced is no reason to wait in vain', async () => {
    const flood = new Flood({ max: 8, connectTimeoutMs: 60_000 });
    await flood.run(100);
    flood.test.driver.hang();
    flood.test.connection().lose();
    await flood.run(2_000, 16);
    const { opening, shed, timedOut } = flood.test.stats();
    assert.deepEqual([opening, shed > 0, timedOut], [1, true, 0]);
  });
});
