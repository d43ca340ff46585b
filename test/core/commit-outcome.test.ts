import assert from 'node:assert/strict';
import { lostError, serverError } from './fake-server.js';
import { coded, TestPool, track } from './fixture.js';
import { TestRequest } from './request-fixture.js';

type Committing = (test: TestPool) => Promise<unknown>;

/** Every way to commit. */
const WAYS: [string, Committing][] = [
  [
    'commit() of a lease',
    async (test) => {
      const lease = await test.pool.acquire();
      await lease.beginTransaction();
      await lease.commit();
    },
  ],
  ['transaction(fn) of a lease', async (test) => (await test.pool.acquire()).transaction(() => 1)],
  [
    'commit() of a scope',
    async (test) => {
      const { db } = new TestRequest(test);
      await db.beginTransaction();
      await db.commit();
    },
  ],
  ['transaction(fn) of a scope', (test) => new TestRequest(test).db.transaction(() => 1)],
  ['a late transaction(fn)', (test) => new TestRequest(test, { over: 'answered' }).db.transaction(() => 1)],
  ['transaction(fn) of the pool', (test) => test.pool.transaction(() => 1)],
];

async function committing(way: Committing) {
  const test = new TestPool({ max: 1 });
  test.driver.reply = (sql) => (sql === 'COMMIT' ? 'hang' : undefined);
  const outcome = track(way(test));
  await test.clock.settle();
  assert.equal(test.connection().running, 'COMMIT');
  return { test, outcome };
}

describe('the outcome of COMMIT', () => {
  for (const [name, way] of WAYS) {
    it(`${name}: connection lost before the answer = OUTCOME_UNKNOWN, with the loss as its cause`, async () => {
      const { test, outcome } = await committing(way);
      test.connection().lose();
      await test.clock.settle();
      assert.equal(outcome.code, 'OUTCOME_UNKNOWN');
      assert.equal((outcome.error.cause as { code?: string }).code, 'PROTOCOL_CONNECTION_LOST');
      assert.deepEqual(test.connection().texts.filter((sql) => sql === 'COMMIT').length, 1, 'never repeated');
    });

    it(`${name}: the server’s own refusal arrives unchanged`, async () => {
      const { test, outcome } = await committing(way);
      const refusal = serverError(1180, { code: 'ER_ERROR_DURING_COMMIT' });
      test.connection().answer(refusal);
      await test.clock.settle();
      assert.equal(outcome.error, refusal);
    });
  }

  it('that is unknown stays so in a scope: nothing is sent until rollback()', async () => {
    const test = new TestPool({ max: 1 });
    const { db } = new TestRequest(test);
    await db.beginTransaction();
    test.connection().reply = () => 'hang';
    const outcome = track(db.commit());
    await test.clock.settle();
    test.connection().lose();
    await test.clock.settle();
    assert.equal(outcome.code, 'OUTCOME_UNKNOWN');
    await assert.rejects(db.query('UPDATE t SET a = 1'), coded('OUTCOME_UNKNOWN'));
    await db.rollback();
    await db.query('SELECT 1');
    assert.deepEqual(test.connection(1).texts, ['SELECT 1']);
  });

  it('connection lost before COMMIT was sent = TRANSACTION_ROLLED_BACK: it certainly was not committed', async () => {
    const test = new TestPool({ max: 1 });
    const lease = await test.pool.acquire();
    await lease.beginTransaction();
    test.connection().lose();
    const outcome = track(lease.commit());
    await test.clock.settle();
    assert.equal(outcome.code, 'TRANSACTION_ROLLED_BACK');
  });

  it('refused by the driver, which does not send on a connection that has failed: the same', async () => {
    const test = new TestPool({ max: 1 });
    const lease = await test.pool.acquire();
    await lease.beginTransaction();
    // Its errors of that kind are fatal and have no code.
    test.connection().reply = () => Object.assign(new Error("Can't add new command"), { fatal: true });
    const outcome = track(lease.commit());
    await test.clock.settle();
    assert.equal(outcome.code, 'TRANSACTION_ROLLED_BACK');
  });

  it('lost while COMMIT waited behind another statement: it was not sent either', async () => {
    const test = new TestPool({ max: 1 });
    const lease = await test.pool.acquire();
    await lease.beginTransaction();
    test.connection().reply = () => 'hang';
    void track(lease.query('UPDATE t SET a = 1'));
    const outcome = track(lease.commit());
    await test.clock.settle();
    // As the driver does: what it never sent fails with a fatal error that has no code.
    const unsent = Object.assign(new Error('closed'), { fatal: true });
    test.connection().lose(unsent);
    await test.clock.settle();
    assert.equal(outcome.code, 'TRANSACTION_ROLLED_BACK');
  });

  it('a COMMIT that was killed is OUTCOME_UNKNOWN', async () => {
    const test = new TestPool({ max: 1 });
    const request = new TestRequest(test, { drainTimeoutMs: 100 });
    await request.db.beginTransaction();
    test.connection().reply = (sql) => (sql === 'COMMIT' ? 'hang' : undefined);
    const outcome = track(request.db.commit());
    request.answer();
    await test.clock.advance(100);
    assert.equal(outcome.code, 'OUTCOME_UNKNOWN');
  });

  it('a ROLLBACK whose connection is lost is no different from one that worked: fn’s error is thrown', async () => {
    const test = new TestPool({ max: 1 });
    const lease = await test.pool.acquire();
    test.connection().reply = (sql) => (sql === 'ROLLBACK' ? lostError() : undefined);
    const outcome = track(lease.transaction(() => Promise.reject(new Error('mine'))));
    await test.clock.settle();
    assert.equal(outcome.error.message, 'mine');
    lease.release();
    await test.clock.settle();
    assert.equal(test.stats().evicted.broken, 1);
  });
});
