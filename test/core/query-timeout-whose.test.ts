import assert from 'node:assert/strict';
import type { PoolOptions } from '#core/options.js';
import { TestPool, track } from './fixture.js';
import { TestRequest } from './request-fixture.js';

/** A pool of one whose statements named so hang. */
function limited(options: Partial<PoolOptions> = {}) {
  const test = new TestPool({ max: 1, queryTimeoutMs: 1_000, ...options });
  test.driver.reply = (sql) => (sql.includes('hangs') ? 'hang' : undefined);
  return test;
}

describe('queryTimeoutMs: whose', () => {
  it('per statement: { sql, timeout } instead of the pool’s; 0 = no limit', async () => {
    const test = limited({ max: 3, maxOpening: 3 });
    const short = track(test.pool.query({ sql: 'SELECT hangs 1', timeout: 100 }));
    const long = track(test.pool.query({ sql: 'SELECT hangs 2', timeout: 5_000 }));
    const none = track(test.pool.execute({ sql: 'SELECT hangs 3', timeout: 0 }));
    await test.clock.advance(100);
    assert.deepEqual([short.code, long.state], ['QUERY_TIMEOUT', 'pending']);
    assert.match(short.error.message, /100 ms/);
    await test.clock.advance(4_899);
    assert.equal(long.state, 'pending');
    await test.clock.advance(1);
    assert.equal(long.code, 'QUERY_TIMEOUT');
    await test.clock.advance(3_600_000);
    assert.equal(none.state, 'pending');
  });

  it('per route: its own, 0 included', async () => {
    const test = limited({ max: 2 });
    const quick = track(new TestRequest(test, { queryTimeoutMs: 200 }).db.query('SELECT hangs 1'));
    const report = track(new TestRequest(test, { queryTimeoutMs: 0 }).db.query('SELECT hangs 2'));
    await test.clock.advance(200);
    assert.equal(quick.code, 'QUERY_TIMEOUT');
    await test.clock.advance(3_600_000);
    assert.equal(report.state, 'pending');
  });

  it('late work of a request has its route’s limit', async () => {
    const test = limited();
    const request = new TestRequest(test, { queryTimeoutMs: 200 });
    await request.db.query('SELECT 1');
    request.answer();
    await test.clock.settle();
    const late = track(request.db.query('SELECT hangs'));
    await test.clock.advance(200);
    assert.equal(late.code, 'QUERY_TIMEOUT');
  });

  it('streams: until their first row; how long reading takes is up to the reader', async () => {
    const test = limited();
    const lease = await test.pool.acquire();
    test.driver.reply = () => ({ result: [{ a: 1 }, { a: 2 }, { a: 3 }] });
    const stream = lease.stream('SELECT a FROM t', [], { highWaterMark: 1 });
    const rows = stream[Symbol.asyncIterator]();
    await rows.next();
    await test.clock.advance(60_000);
    assert.equal(test.driver.kills.length, 0);
    assert.deepEqual((await rows.next()).value, { a: 2 });
    await rows.return?.();

    const slow = limited();
    const hanging = track(slow.pool.stream('SELECT hangs').toArray());
    await slow.clock.advance(1_000);
    assert.deepEqual([hanging.code, slow.driver.kills.length], ['QUERY_TIMEOUT', 1]);
  });

  it('inside transaction(fn): QUERY_TIMEOUT, and the transaction is rolled back', async () => {
    const test = limited();
    const work = track(
      test.pool.transaction(async (tx) => {
        await tx.query('UPDATE t SET a = 1');
        await tx.query('UPDATE hangs');
      }),
    );
    await test.clock.advance(1_000);
    assert.equal(work.code, 'QUERY_TIMEOUT');
    assert.deepEqual(test.connection().texts.at(-1), 'ROLLBACK');
    assert.deepEqual([test.connection().session.committed, test.stats().idle], [[], 1]);
  });

  it('caught inside transaction(fn), whose other work is committed: the statement alone is gone', async () => {
    const test = limited();
    const work = track(
      test.pool.transaction(async (tx) => {
        await tx.query('UPDATE t SET a = 1');
        await tx.query('SELECT hangs').catch(() => undefined);
        await tx.query('UPDATE t SET a = 2');
      }),
    );
    await test.clock.advance(1_000);
    assert.equal(work.state, 'fulfilled', work.code);
    assert.deepEqual(test.connection().session.committed, ['UPDATE t SET a = 1', 'UPDATE t SET a = 2']);
  });

  it('of a COMMIT: OUTCOME_UNKNOWN', async () => {
    const test = limited();
    test.driver.reply = (sql) => (sql === 'COMMIT' ? 'hang' : undefined);
    const work = track(test.pool.transaction((tx) => tx.query('UPDATE t SET a = 1')));
    await test.clock.advance(1_000);
    assert.equal(work.code, 'OUTCOME_UNKNOWN');
    assert.equal((work.error.cause as { code?: string }).code, 'QUERY_TIMEOUT');
  });

  it('30 s for requests; none for jobs, leases and one-shots', async () => {
    const test = limited({ max: 4, maxOpening: 4, queryTimeoutMs: undefined as never });
    const { db } = new TestRequest(test);
    const others = [
      track(test.pool.query('SELECT hangs 1')),
      track(test.pool.run((job) => job.query('SELECT hangs 2'))),
      track((await test.pool.acquire()).query('SELECT hangs 3')),
    ];
    const request = track(db.query('SELECT hangs 4'));
    await test.clock.advance(29_999);
    assert.equal(request.state, 'pending');
    await test.clock.advance(1);
    assert.equal(request.code, 'QUERY_TIMEOUT');
    await test.clock.advance(3_600_000);
    assert.deepEqual(
      others.map(({ state }) => state),
      ['pending', 'pending', 'pending'],
    );
  });
});
