import assert from 'node:assert/strict';
import { failing, started, WORK, work } from './conflicts.js';
import { serverError } from './fake-server.js';
import { coded, TestPool, track } from './fixture.js';
import type { TestRequestOptions } from './request-fixture.js';

describe('between two attempts of a transaction', () => {
  /** In the middle of the first wait. */
  async function waiting(options: TestRequestOptions = {}) {
    const all = started(options);
    failing(all.test, [1213]);
    all.test.clock.randomness = 0.9;
    const done = track(all.db.transaction(work, { retries: 3 }));
    await all.test.clock.settle();
    assert.equal(all.test.stats().retriedTransactions, 1);
    return { ...all, done };
  }

  it('a statement of the scope is refused: by itself it would run in autocommit', async () => {
    const { test, db, done } = await waiting();
    await assert.rejects(db.query('UPDATE t SET a = 1'), coded('TRANSACTION_ROLLED_BACK'));
    await assert.rejects(db.commit(), coded('TRANSACTION_NESTED'));
    await assert.rejects(db.beginTransaction(), coded('TRANSACTION_NESTED'));
    await test.clock.advance(100);
    assert.equal(done.state, 'fulfilled');
    await test.rest(db.query('UPDATE t SET a = 1'));
  });

  it('one that is sent while the ROLLBACK is under way is refused too', async () => {
    const { test, db } = started();
    failing(test, [1213]);
    const { reply } = test.driver;
    let straggler: ReturnType<typeof track> | undefined;
    test.driver.reply = (sql, connection) => {
      if (sql === 'ROLLBACK') straggler ??= track(db.query('UPDATE t SET a = 1'));
      return reply(sql, connection);
    };
    const done = track(db.transaction(work, { retries: 1 }));
    await test.clock.advance(100);
    assert.deepEqual([done.state, straggler?.code], ['fulfilled', 'TRANSACTION_ROLLED_BACK']);
    assert.deepEqual(test.connection().session.committed, [WORK]);
  });

  for (const afterResponse of ['reject', 'cancel'] as const) {
    it(`the end of the request ends the wait at once (afterResponse ${afterResponse})`, async () => {
      const { test, request, done } = await waiting({ afterResponse });
      request.answer();
      await test.clock.settle();
      assert.equal(done.error.message, 'server error 1213');
      assert.deepEqual([test.stats().leased, test.stats().idle], [0, 1]);
    });
  }

  it('nor is there another attempt when the end came during fn', async () => {
    const { test, request, db } = started({ afterResponse: 'reject' });
    test.driver.reply = (sql) => (sql === WORK ? 'hang' : undefined);
    const done = track(db.transaction(work, { retries: 3 }));
    await test.clock.settle();
    request.answer();
    await test.clock.settle();
    test.connection().session.inTransaction = false;
    test.connection().answer(serverError(1213));
    await test.clock.settle();
    assert.equal(done.error.message, 'server error 1213');
  });

  it('a client that leaves under cancel ends the wait at once', async () => {
    const { test, request, done } = await waiting({ afterResponse: 'cancel' });
    request.leave();
    await test.clock.settle();
    assert.equal(done.state, 'rejected');
  });

  it('late, or of a client that has left, it goes on under allow', async () => {
    for (const end of ['answer', 'leave'] as const) {
      const { test, request, done } = await waiting();
      request[end]();
      await test.clock.advance(100);
      assert.equal(done.state, 'fulfilled');
      assert.deepEqual(test.connection().session.committed, [WORK]);
    }
  });

  it('release(), and the drain deadline, end the wait at once', async () => {
    const released = await waiting();
    await released.db.release();
    await released.test.clock.settle();
    assert.equal(released.done.state, 'rejected');
    const drained = await waiting({ drainTimeoutMs: 3 });
    drained.request.answer();
    await drained.test.clock.advance(3);
    assert.equal(drained.done.state, 'rejected');
    assert.equal(drained.test.stats().idle, 1);
  });

  it('close() of the pool ends it, and is not kept waiting', async () => {
    const test = new TestPool({ max: 1 });
    failing(test, [1213]);
    const done = track(test.pool.transaction(work, { retries: 3 }));
    await test.clock.settle();
    const closed = track(test.pool.close());
    await test.clock.settle();
    assert.equal(done.error.message, 'server error 1213');
    test.connection().lose();
    await test.clock.settle();
    assert.equal(closed.state, 'fulfilled');
  });

  it('a connection that is lost meanwhile ends it with the conflict, and nothing was sent', async () => {
    const { test, db, done } = await waiting();
    test.connection().lose();
    await test.clock.advance(100);
    assert.equal(done.error.message, 'server error 1213');
    await test.rest(db.query('SELECT 1'));
  });

  it('a second transaction(fn) waits for its turn', async () => {
    const { test, db, done } = await waiting();
    const second = track(db.transaction((tx) => tx.query('UPDATE t SET a = 2')));
    await test.clock.advance(100);
    assert.deepEqual([done.state, second.state], ['fulfilled', 'fulfilled']);
    assert.deepEqual(test.connection().session.committed, [WORK, 'UPDATE t SET a = 2']);
  });
});
