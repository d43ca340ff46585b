import assert from 'node:assert/strict';
import { serverError } from './fake-server.js';
import { coded, TestPool, track } from './fixture.js';
import { TestRequest, type TestRequestOptions } from './request-fixture.js';

const WRITE = 'UPDATE orders SET a = a + 1';

async function whole(options: TestRequestOptions = {}, poolOptions = {}) {
  const test = new TestPool({ max: 1, ...poolOptions });
  const request = new TestRequest(test, { transaction: true, drainTimeoutMs: 1_000, ...options });
  return { test, request, db: request.db };
}

/** A write, and one in which it happens; the handler looks away. */
async function swallow(test: TestPool, db: TestRequest['db'], spoil: (test: TestPool) => void) {
  await test.rest(db.query(WRITE));
  test.connection().reply = () => 'hang';
  const failed = track(db.query('UPDATE orders SET a = 1'));
  await test.clock.settle();
  test.connection().reply = () => undefined;
  spoil(test);
  await test.clock.settle();
  assert.equal(failed.state, 'rejected');
}

/** The texts that reached a connection, in order. */
function sent(test: TestPool, index = 0): string[] {
  return test.connection(index).texts;
}

describe('the transaction of a request', () => {
  it('is begun by the first query, holds all of them, and is committed once', async () => {
    const { test, request, db } = await whole();
    assert.deepEqual([test.stats().opened, request.held], [0, 0]);
    await test.rest(Promise.all([db.query(WRITE), db.execute(WRITE), db.query('SELECT 1')]));
    await test.rest(request.decide());
    await test.rest(request.decide(false));
    assert.deepEqual(sent(test), ['START TRANSACTION', WRITE, WRITE, 'SELECT 1', 'COMMIT']);
    assert.deepEqual(test.connection().session.committed, [WRITE, WRITE]);
    assert.deepEqual([request.held, request.restored], [1, 0]);
    assert.deepEqual([test.stats().leased, test.stats().idle], [0, 1], 'it is back before the response ends');
  });

  for (const afterResponse of ['allow', 'cancel'] as const) {
    it(`a client that leaves during COMMIT has been answered: nothing is cancelled (${afterResponse})`, async () => {
      const { test, request, db } = await whole({ afterResponse });
      const { signal } = db;
      await test.rest(db.query(WRITE));
      test.connection().reply = (sql) => (sql === 'COMMIT' ? 'hang' : undefined);
      const decided = track(request.decide());
      await test.clock.settle();
      request.leave();
      await test.clock.settle();
      assert.deepEqual([decided.state, test.driver.kills.length, signal.aborted], ['pending', 0, false]);
      test.connection().answer();
      await test.clock.settle();
      assert.equal(decided.state, 'fulfilled');
      assert.deepEqual(test.connection().session.committed, [WRITE]);
      assert.deepEqual([test.stats().idle, db.signal.aborted], [1, false]);
    });
  }

  it('nor while it waits for what is in flight', async () => {
    const { test, request, db } = await whole({ afterResponse: 'cancel' });
    const work = track(
      db.transaction(async (tx) => {
        await new Promise<void>((resolve) => void test.clock.after(100, resolve));
        await tx.query(WRITE);
      }),
    );
    await test.clock.settle();
    const decided = track(request.decide());
    await test.clock.settle();
    request.leave();
    await test.clock.advance(100);
    assert.deepEqual([work.state, decided.state], ['fulfilled', 'fulfilled']);
    assert.deepEqual(test.connection().session.committed, [WRITE]);
  });

  it('is never begun without a query', async () => {
    const { test, request, db } = await whole();
    await test.rest(request.decide());
    await test.rest(Promise.all([db.commit(), db.rollback(), db.release()]));
    assert.equal(test.stats().opened, 0);
  });

  it('takes isolation and readOnly', async () => {
    const { test, request, db } = await whole({
      transaction: { isolation: 'serializable', readOnly: true },
    });
    await test.rest(db.query('SELECT 1'));
    await test.rest(request.decide());
    assert.deepEqual(sent(test).slice(0, 2), [
      'SET TRANSACTION ISOLATION LEVEL SERIALIZABLE',
      'START TRANSACTION READ ONLY',
    ]);
  });

  it('is rolled back when the request has failed, and nobody waits for that', async () => {
    const { test, request, db } = await whole();
    await test.rest(db.query(WRITE));
    test.connection().reply = (sql) => (sql === 'ROLLBACK' ? 'hang' : undefined);
    await test.rest(request.decide(false));
    assert.equal(sent(test).at(-1), 'ROLLBACK');
    test.connection().answer();
    await test.clock.settle();
    assert.deepEqual(test.connection().session.committed, []);
    assert.deepEqual([test.stats().idle, test.stats().rolledBack, test.told('warning').length], [1, 0, 0]);
  });

  it('refuses what comes behind its decision', async () => {
    const { test, request, db } = await whole();
    await test.rest(db.query(WRITE));
    const decided = track(request.decide());
    const calls = [
      () => db.query(WRITE),
      () => db.execute('SELECT 1'),
      () => db.stream('SELECT 1').toArray(),
      () => db.rollback(),
    ];
    for (const call of calls) {
      const refused = track(call() as Promise<unknown>);
      await test.clock.settle();
      assert.equal(refused.code, 'TRANSACTION_TOO_LATE');
    }
    assert.equal(decided.state, 'fulfilled');
    request.answer();
    await test.clock.settle();
    for (const call of calls) await assert.rejects(call() as Promise<unknown>, coded('TRANSACTION_TOO_LATE'));
    assert.deepEqual(sent(test), ['START TRANSACTION', WRITE, 'COMMIT']);
  });

  it('is not begun when the answer has begun to leave', async () => {
    const { test, db } = await whole({ answerBegun: true });
    await assert.rejects(db.query(WRITE), coded('TRANSACTION_TOO_LATE'));
    await assert.rejects(
      db.transaction(() => 1),
      coded('TRANSACTION_TOO_LATE'),
    );
    assert.equal(test.stats().opened, 0);
  });

  it('a late transaction(fn) behind it is one of its own', async () => {
    const { test, request, db } = await whole();
    await test.rest(db.query(WRITE));
    await test.rest(request.decide());
    request.answer();
    await test.clock.settle();
    await test.rest(db.transaction((tx) => tx.query('SELECT 2')));
    assert.deepEqual(sent(test).slice(3), ['START TRANSACTION', 'SELECT 2', 'COMMIT']);
    assert.equal(test.stats().late, 1);
  });

  it('a late transaction(fn) is one of its own too where no query came before', async () => {
    const { test, request, db } = await whole({ answerBegun: true });
    await assert.rejects(
      db.transaction(() => 1),
      coded('TRANSACTION_TOO_LATE'),
      'the answer is still being written',
    );
    request.answer();
    await test.clock.settle();
    await test.rest(db.transaction((tx) => tx.query('SELECT 2')));
    assert.deepEqual(sent(test), ['START TRANSACTION', 'SELECT 2', 'COMMIT']);
    assert.equal(test.stats().late, 1);
    await assert.rejects(db.query(WRITE), coded('TRANSACTION_TOO_LATE'));
  });

  it('a refused COMMIT is the error of the answer, its headers are taken back, and it is rolled back', async () => {
    const { test, request, db } = await whole();
    await test.rest(db.query(WRITE));
    test.connection().reply = (sql) => (sql === 'COMMIT' ? serverError(1180) : undefined);
    const decided = track(request.decide());
    await test.clock.settle();
    assert.equal((decided.error as { errno?: number }).errno, 1180);
    assert.equal(request.restored, 1);
    assert.equal(sent(test).at(-1), 'ROLLBACK');
    assert.deepEqual([test.stats().leased, test.connection().session.committed.length], [0, 0]);
  });

  it('a COMMIT that is lost with its connection: OUTCOME_UNKNOWN', async () => {
    const { test, request, db } = await whole();
    await test.rest(db.query(WRITE));
    test.connection().reply = (sql) => (sql === 'COMMIT' ? 'hang' : undefined);
    const decided = track(request.decide());
    await test.clock.settle();
    test.connection().lose();
    await test.clock.settle();
    assert.equal(decided.code, 'OUTCOME_UNKNOWN');
    assert.equal(test.stats().leased, 0);
  });

  for (const [name, spoil] of [
    [
      'a deadlock',
      (test: TestPool) => {
        test.connection().session.inTransaction = false;
        test.connection().answer(serverError(1213));
      },
    ],
    ['a lost connection', (test: TestPool) => test.connection().lose()],
  ] as const) {
    it(`${name} whose error the handler swallows: no success, and nothing runs by itself`, async () => {
      const { test, request, db } = await whole();
      await swallow(test, db, spoil);
      const next = track(db.query(WRITE));
      await test.clock.settle();
      assert.equal(next.code, 'TRANSACTION_ROLLED_BACK');
      const decided = track(request.decide());
      await test.clock.settle();
      assert.equal(decided.code, 'TRANSACTION_ROLLED_BACK');
      assert.deepEqual(
        test.driver.connections.flatMap(({ session }) => session.committed),
        [],
      );
    });

    it(`${name}: after rollback() the next query begins anew, and that can be committed`, async () => {
      const { test, request, db } = await whole();
      await swallow(test, db, spoil);
      await test.rest(db.rollback());
      await test.rest(db.query('UPDATE orders SET b = 2'));
      await test.rest(request.decide());
      const committed = test.driver.connections.flatMap(({ session }) => session.committed);
      assert.deepEqual(committed, ['UPDATE orders SET b = 2']);
    });
  }

  it('a BEGIN that can not be sent finds another connection, once', async () => {
    const { test, request, db } = await whole();
    test.driver.reply = (sql, connection) => {
      if (connection !== test.driver.connections[0] || !sql.startsWith('START')) return undefined;
      connection.lose(Object.assign(new Error('write EPIPE'), { code: 'EPIPE', fatal: true }));
      return 'hang';
    };
    await test.rest(db.query(WRITE));
    await test.rest(request.decide());
    assert.deepEqual(sent(test, 1), ['START TRANSACTION', WRITE, 'COMMIT']);
    assert.equal(test.stats().retried, 1);
  });

  it('a BEGIN that fails fails every statement that waited for it, and the request can go on', async () => {
    const { test, request, db } = await whole();
    test.driver.reply = (sql) => (sql.startsWith('START') ? serverError(1792) : undefined);
    const calls = [track(db.query(WRITE)), track(db.query(WRITE)), track(db.transaction(() => 1))];
    await test.clock.settle();
    for (const call of calls) assert.equal((call.error as { errno?: number }).errno, 1792);
    await test.rest(request.decide());
    request.answer();
    await test.clock.settle();
    assert.equal(test.stats().leased, 0);
  });

  it('a statement that nobody waits for any more leaves the queue, the last one with the acquire', async () => {
    const { test, db } = await whole();
    const lease = await test.rest(test.pool.acquire());
    const abort = new AbortController();
    const first = track(db.query({ sql: WRITE, signal: abort.signal }));
    const second = track(db.query({ sql: WRITE, signal: abort.signal }));
    await test.clock.settle();
    assert.equal(test.stats().pending, 1);
    abort.abort();
    await test.clock.settle();
    assert.deepEqual([first.state, second.state, test.stats().pending], ['rejected', 'rejected', 0]);
    lease.release();
    await test.clock.settle();
    assert.deepEqual([test.stats().leased, test.stats().idle], [0, 1]);
  });

  it('a given-up statement does not take the connection from a function that waits for its savepoint', async () => {
    const { test, request, db } = await whole();
    const lease = await test.rest(test.pool.acquire());
    const abort = new AbortController();
    const inner = track(db.transaction((tx) => tx.query(WRITE)));
    const statement = track(db.query({ sql: 'SELECT 1', signal: abort.signal }));
    await test.clock.settle();
    abort.abort();
    lease.release();
    await test.clock.settle();
    assert.deepEqual([statement.state, inner.state], ['rejected', 'fulfilled']);
    await test.rest(request.decide());
    assert.deepEqual(test.connection().session.committed, [WRITE]);
  });

  it('savepoints run one after another, and one inside another through db waits in vain', async () => {
    const { test, request, db } = await whole({ acquireTimeoutMs: 500 });
    await test.rest(Promise.all([1, 2].map(() => db.transaction((tx) => tx.query(WRITE)))));
    const order = sent(test).map((sql) => sql.replace(/_\d+/, '_n'));
    const one = ['SAVEPOINT handback_n', WRITE, 'RELEASE SAVEPOINT handback_n'];
    assert.deepEqual(order, ['START TRANSACTION', ...one, ...one]);
    const outer = track(db.transaction(() => db.transaction((tx) => tx.query(WRITE))));
    await test.clock.advance(500);
    assert.equal(outer.code, 'TRANSACTION_NESTED');
    await test.rest(request.decide());
    assert.deepEqual(test.connection().session.committed, [WRITE, WRITE]);
  });

  it('rollback() undoes statements that nobody waited for, also while BEGIN is under way', async () => {
    const { test, request, db } = await whole();
    const unawaited = track(db.query(WRITE));
    const undone = track(db.rollback());
    await test.clock.settle();
    assert.deepEqual([unawaited.state, undone.state], ['fulfilled', 'fulfilled']);
    await test.rest(request.decide());
    assert.deepEqual(sent(test), ['START TRANSACTION', WRITE, 'ROLLBACK']);
  });

  it('one given-up statement does not take the connection from another', async () => {
    const { test, request, db } = await whole();
    const lease = await test.rest(test.pool.acquire());
    const abort = new AbortController();
    const first = track(db.query({ sql: WRITE, signal: abort.signal }));
    const second = track(db.query('SELECT 2'));
    await test.clock.settle();
    abort.abort();
    lease.release();
    await test.clock.settle();
    assert.deepEqual([first.state, second.state], ['rejected', 'fulfilled']);
    await test.rest(request.decide());
    assert.deepEqual(sent(test), ['START TRANSACTION', 'SELECT 2', 'COMMIT']);
  });
});

describe('the decision of a request’s transaction', () => {
  it('waits for BEGIN and for statements that nobody waited for', async () => {
    const { test, request, db } = await whole();
    const query = track(db.query(WRITE));
    const decided = track(request.decide());
    await test.clock.settle();
    assert.deepEqual([query.state, decided.state], ['fulfilled', 'fulfilled']);
    assert.deepEqual(sent(test), ['START TRANSACTION', WRITE, 'COMMIT']);
  });

  it('waits for the functions that were given a savepoint', async () => {
    const { test, request, db } = await whole();
    let goOn = () => {};
    const gate = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    const inner = track(
      db.transaction(async (tx) => {
        await gate;
        await tx.query(WRITE);
      }),
    );
    await test.clock.settle();
    const decided = track(request.decide());
    await test.clock.settle();
    assert.equal(decided.state, 'pending');
    goOn();
    await test.clock.settle();
    assert.deepEqual([inner.state, decided.state], ['fulfilled', 'fulfilled']);
    assert.deepEqual(test.connection().session.committed, [WRITE]);
  });

  it('of a function that does not end, or rows that nobody reads: rolled back after drainTimeoutMs', async () => {
    for (const stuck of ['function', 'rows'] as const) {
      const { test, request, db } = await whole();
      await test.rest(db.query(WRITE));
      if (stuck === 'function') track(db.transaction(() => new Promise(() => {})));
      else test.connection().reply = (sql) => (sql === 'SELECT rows' ? 'hang' : undefined);
      const rows = stuck === 'rows' ? track(db.stream('SELECT rows').toArray()) : null;
      await test.clock.settle();
      const decided = track(request.decide());
      await test.clock.settle();
      assert.equal(decided.state, 'pending');
      await test.clock.advance(1_000);
      assert.equal(decided.code, 'TRANSACTION_ROLLED_BACK', stuck);
      await test.clock.advance(10_000);
      assert.deepEqual(test.connection().session.committed, []);
      assert.equal(test.stats().leased + test.stats().draining, 0, stuck);
      if (rows) assert.equal(rows.state, 'rejected');
    }
  });

  it('a COMMIT that has been sent is not cut off by drainTimeoutMs', async () => {
    const { test, request, db } = await whole();
    await test.rest(db.query(WRITE));
    test.connection().reply = (sql) => (sql === 'COMMIT' ? 'hang' : undefined);
    const decided = track(request.decide());
    await test.clock.advance(5_000);
    assert.equal(decided.state, 'pending');
    test.connection().answer();
    await test.clock.settle();
    assert.equal(decided.state, 'fulfilled');
    assert.deepEqual(test.connection().session.committed, [WRITE]);
  });
});

describe('the transaction of a request whose client leaves', () => {
  it('goes on, and the handler’s end decides it', async () => {
    const { test, request, db } = await whole();
    await test.rest(db.query(WRITE));
    request.leave();
    await test.clock.settle();
    await test.rest(db.query(WRITE));
    await test.rest(request.decide());
    request.answer();
    await test.clock.settle();
    assert.deepEqual(test.connection().session.committed, [WRITE, WRITE]);
    assert.deepEqual([test.stats().leased, test.stats().rolledBack], [0, 0]);
  });

  it('is begun even by a first query after that, under afterResponse allow', async () => {
    const { test, request, db } = await whole({ over: 'gone' });
    await test.rest(db.query(WRITE));
    await test.rest(db.query('SELECT 2'));
    await test.rest(request.decide());
    assert.deepEqual(sent(test), ['START TRANSACTION', WRITE, 'SELECT 2', 'COMMIT']);
    assert.equal(test.stats().leased, 0);
  });

  for (const afterResponse of ['reject', 'cancel'] as const) {
    it(`is not begun after that under afterResponse ${afterResponse}`, async () => {
      const { test, db } = await whole({ over: 'gone', afterResponse });
      await assert.rejects(db.query(WRITE), coded('SCOPE_ENDED'));
      assert.equal(test.stats().opened, 0);
    });
  }

  it('is rolled back after drainTimeoutMs, and a success after that is refused', async () => {
    for (const over of [undefined, 'gone'] as const) {
      const { test, request, db } = await whole(over ? { over } : {});
      await test.rest(db.query(WRITE));
      if (!over) request.leave();
      await test.clock.advance(1_100);
      assert.equal(test.stats().rolledBack, 1);
      await assert.rejects(db.query(WRITE), coded('TRANSACTION_ROLLED_BACK'));
      const decided = track(request.decide());
      await test.clock.settle();
      assert.equal(decided.code, 'TRANSACTION_ROLLED_BACK');
      assert.deepEqual(test.connection().session.committed, []);
    }
  });

  it('under cancel it is rolled back at once', async () => {
    const { test, request, db } = await whole({ afterResponse: 'cancel' });
    await test.rest(db.query(WRITE));
    request.leave();
    await test.clock.settle();
    assert.equal(test.stats().leased, 0);
    await assert.rejects(db.query(WRITE), coded('TRANSACTION_ROLLED_BACK'));
    assert.deepEqual(test.connection().session.committed, []);
  });
});
