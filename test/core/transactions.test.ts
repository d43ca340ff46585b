import assert from 'node:assert/strict';
import type { Scope } from '#core/scope.js';
import { serverError } from './fake-server.js';
import { coded, TestPool, track } from './fixture.js';
import { TestRequest } from './request-fixture.js';

function started() {
  const test = new TestPool({ max: 2, acquireTimeoutMs: 500 });
  const request = new TestRequest(test);
  return { test, request, db: request.db };
}

const texts = (test: TestPool) => test.connection().texts;

describe('transaction(fn)', () => {
  it('begins, runs fn with tx, commits, and gives what fn returned', async () => {
    const { test, db } = started();
    const result = await db.transaction(async (tx) => {
      await tx.query('UPDATE t SET a = 1');
      return 'done';
    });
    assert.equal(result, 'done');
    assert.deepEqual(texts(test), ['START TRANSACTION', 'UPDATE t SET a = 1', 'COMMIT']);
  });

  it('rolls back when fn throws, or rejects, and throws that', async () => {
    const { test, db } = started();
    const refused = new Error('no');
    const throwing = () => {
      throw refused;
    };
    await assert.rejects(db.transaction(throwing), refused);
    await assert.rejects(
      db.transaction(() => Promise.reject(refused)),
      refused,
    );
    assert.deepEqual(texts(test), ['START TRANSACTION', 'ROLLBACK', 'START TRANSACTION', 'ROLLBACK']);
  });

  it('its isolation level is not used up by what was queued meanwhile', async () => {
    const test = new TestPool({ max: 1 });
    const { db } = new TestRequest(test);
    await test.rest(db.query('SELECT 0'));
    test.connection().reply = (sql) => (sql === 'SELECT slow' ? 'hang' : undefined);
    void track(db.query('SELECT slow'));
    const work = track(db.transaction(() => 1, { isolation: 'serializable' }));
    await test.clock.microtasks();
    void track(db.query('SELECT 1'));
    test.connection().answer();
    await test.clock.settle();
    assert.equal(work.state, 'fulfilled');
    assert.deepEqual(test.connection().texts.slice(2, 4), [
      'SET TRANSACTION ISOLATION LEVEL SERIALIZABLE',
      'START TRANSACTION',
    ]);
  });

  it('is not begun when its isolation level is refused, whose error is shown', async () => {
    const test = new TestPool({ max: 1 });
    const refusal = serverError(1227);
    test.driver.reply = (sql) => (sql.startsWith('SET TRANSACTION') ? refusal : undefined);
    const work = track(test.pool.transaction(() => 1, { isolation: 'serializable' }));
    await test.clock.settle();
    assert.equal(work.error, refusal);
    assert.ok(!test.connection().texts.includes('START TRANSACTION'));
  });

  for (const how of ['transaction', 'beginTransaction'] as const) {
    it(`a BEGIN that timed out and was carried out is undone: ${how}`, async () => {
      const test = new TestPool({ max: 1, queryTimeoutMs: 1_000 });
      test.driver.reply = (sql) => (sql === 'START TRANSACTION' ? 'hang' : undefined);
      test.driver.killReply = 'hang';
      const { db } = new TestRequest(test);
      const begun = track<unknown>(how === 'transaction' ? db.transaction(() => 1) : db.beginTransaction());
      await test.clock.advance(1_000);
      assert.equal(begun.code, 'QUERY_TIMEOUT');
      test.connection().answer();
      test.driver.controls[0]?.answer();
      await test.clock.settle();
      await test.rest(db.query('UPDATE t SET a = 1'));
      assert.deepEqual(test.connection().session.committed, ['UPDATE t SET a = 1']);
    });
  }

  it('with isolation and readOnly; what is neither is refused before anything is sent', async () => {
    const { test, db } = started();
    await db.transaction(() => 1, { isolation: 'serializable', readOnly: true });
    assert.deepEqual(texts(test).slice(0, 2), [
      'SET TRANSACTION ISOLATION LEVEL SERIALIZABLE',
      'START TRANSACTION READ ONLY',
    ]);
    const { length } = texts(test);
    const wrong = { isolation: 'serializable; DROP TABLE t' } as never;
    await assert.rejects(
      db.transaction(() => 1, wrong),
      coded('INVALID_OPTION'),
    );
    await assert.rejects(
      db.transaction(() => 1, { isolated: true } as never),
      coded('INVALID_OPTION'),
    );
    await assert.rejects(db.transaction(undefined as never), coded('INVALID_OPTION'));
    assert.equal(texts(test).length, length);
  });

  it('a transaction inside is a savepoint: undone when it throws, while the outer one goes on', async () => {
    const { test, db } = started();
    await db.transaction(async (tx) => {
      await tx.transaction((inner) => inner.query('UPDATE t SET a = 1'));
      await tx
        .transaction(async (inner) => {
          await inner.query('UPDATE t SET a = 2');
          throw new Error('undo');
        })
        .catch(() => undefined);
    });
    const sent = texts(test);
    const [first, second] = sent.flatMap((sql) => /^SAVEPOINT (\w+)/.exec(sql)?.[1] ?? []);
    assert.deepEqual(sent, [
      'START TRANSACTION',
      `SAVEPOINT ${first}`,
      'UPDATE t SET a = 1',
      `RELEASE SAVEPOINT ${first}`,
      `SAVEPOINT ${second}`,
      'UPDATE t SET a = 2',
      `ROLLBACK TO SAVEPOINT ${second}`,
      'COMMIT',
    ]);
  });

  it('savepoints have names of their own at every depth, and parallel ones run one after another', async () => {
    const { test, db } = started();
    await db.transaction((tx) =>
      Promise.all([
        tx.transaction((inner) => inner.transaction((third) => third.query('SELECT 1'))),
        tx.transaction((inner) => inner.query('SELECT 2')),
      ]),
    );
    const names = texts(test).filter((sql) => sql.startsWith('SAVEPOINT'));
    assert.equal(new Set(names).size, 3);
    const open: string[] = [];
    for (const sql of texts(test)) {
      if (sql.startsWith('SAVEPOINT')) open.push(sql.slice('SAVEPOINT '.length));
      if (sql.startsWith('RELEASE')) assert.equal(sql, `RELEASE SAVEPOINT ${open.pop()}`);
    }
    assert.deepEqual(open, []);
  });

  it('tx is over when fn has settled', async () => {
    const { db } = started();
    let kept: { query(sql: string): Promise<unknown> } | undefined;
    await db.transaction((tx) => {
      kept = tx;
    });
    await assert.rejects(kept?.query('UPDATE t SET a = 1') ?? Promise.resolve(), coded('SCOPE_ENDED'));
  });

  it('two on one connection run one after another', async () => {
    const { test, db } = started();
    await Promise.all([1, 2].map((n) => db.transaction((tx) => tx.query(`UPDATE t SET a = ${n}`))));
    const pairs = ['START TRANSACTION', 'UPDATE t SET a = 1', 'COMMIT'];
    assert.deepEqual(texts(test), [...pairs, pairs[0], 'UPDATE t SET a = 2', pairs[2]]);
  });

  it('db.transaction() inside one waits for acquireTimeoutMs, then rejects TRANSACTION_NESTED', async () => {
    const { test, db } = started();
    const outer = track(db.transaction(() => db.transaction(() => 1)));
    await test.clock.advance(499);
    assert.equal(outer.state, 'pending');
    await test.clock.advance(1);
    assert.equal(outer.code, 'TRANSACTION_NESTED');
    assert.match(outer.error.message, /tx\.transaction\(\)/);
    assert.deepEqual(texts(test), ['START TRANSACTION', 'ROLLBACK']);
    await db.transaction((tx) => tx.query('SELECT 1'));
  });

  it('one that waited for its turn beyond the deadline does not let the next overtake the first', async () => {
    const { test, db } = started();
    const first = track(
      db.transaction(() => new Promise<void>((resolve) => void test.clock.after(900, resolve))),
    );
    await test.clock.settle();
    const second = track(db.transaction((tx) => tx.query('SELECT 2')));
    await test.clock.advance(450);
    const third = track(db.transaction((tx) => tx.query('SELECT 3')));
    await test.clock.advance(50);
    assert.equal(second.code, 'TRANSACTION_NESTED');
    await test.clock.advance(399);
    assert.equal(third.state, 'pending');
    await test.clock.advance(1);
    assert.deepEqual([first.state, third.state], ['fulfilled', 'fulfilled']);
    assert.deepEqual(texts(test), ['START TRANSACTION', 'COMMIT', 'START TRANSACTION', 'SELECT 3', 'COMMIT']);
  });

  it('begin, commit and rollback of the scope are refused inside fn', async () => {
    const { db } = started();
    await db.transaction(async () => {
      await assert.rejects(db.beginTransaction(), coded('TRANSACTION_NESTED'));
      await assert.rejects(db.commit(), coded('TRANSACTION_NESTED'));
      await assert.rejects(db.rollback(), coded('TRANSACTION_NESTED'));
    });
  });

  it('a second beginTransaction(), which would commit the first, is refused', async () => {
    const { test, db } = started();
    await db.beginTransaction();
    await assert.rejects(db.beginTransaction(), coded('TRANSACTION_NESTED'));
    await assert.rejects(
      db.transaction(() => 1),
      coded('TRANSACTION_NESTED'),
    );
    assert.deepEqual(texts(test), ['START TRANSACTION']);
    const lease = await test.pool.acquire();
    await lease.beginTransaction();
    await assert.rejects(lease.beginTransaction(), coded('TRANSACTION_NESTED'));
    await assert.rejects(
      lease.transaction(() => 1),
      coded('TRANSACTION_NESTED'),
    );
  });

  it('nor while the first is being begun, in whatever way', async () => {
    for (const first of ['beginTransaction', 'transaction'] as const) {
      const { test, db } = started();
      const both = [track(db[first](async () => {})), track(db.beginTransaction())];
      await test.clock.settle();
      assert.deepEqual([both[0]?.state, both[1]?.code], ['fulfilled', 'TRANSACTION_NESTED']);
      assert.equal(texts(test).filter((sql) => sql === 'START TRANSACTION').length, 1);
    }
    const { test } = started();
    const lease = await test.pool.acquire();
    const both = [track(lease.beginTransaction()), track(lease.beginTransaction())];
    await test.clock.settle();
    assert.deepEqual([both[0]?.state, both[1]?.code], ['fulfilled', 'TRANSACTION_NESTED']);
  });

  it('a savepoint that nobody awaited ends with its transaction, and undoes nothing of the next', async () => {
    const { test, db } = started();
    let inner: Promise<unknown> = Promise.resolve();
    await db.transaction(async (tx) => {
      inner = tx.transaction(async (savepoint) => {
        await new Promise<void>((resolve) => void test.clock.after(100, resolve));
        await savepoint.query('UPDATE t SET a = 1');
      });
      await tx.query('SELECT 1');
    });
    const rest = track(inner);
    await db.beginTransaction();
    await test.clock.advance(100);
    assert.equal(rest.code, 'SCOPE_ENDED');
    assert.equal(texts(test).at(-1), 'START TRANSACTION');
  });

  it('a deadlock that fn swallowed: later statements and the end reject TRANSACTION_ROLLED_BACK', async () => {
    const { test, db } = started();
    test.driver.reply = (sql, connection) => {
      if (!sql.includes('hot')) return undefined;
      connection.session.inTransaction = false;
      return serverError(1213);
    };
    let later: unknown;
    const work = db.transaction(async (tx) => {
      await tx.query('UPDATE hot SET a = 1').catch(() => undefined);
      later = await tx.query('UPDATE t SET a = 2').catch((error) => error.code);
    });
    await assert.rejects(work, coded('TRANSACTION_ROLLED_BACK'));
    assert.equal(later, 'TRANSACTION_ROLLED_BACK');
    assert.deepEqual(texts(test), ['START TRANSACTION', 'UPDATE hot SET a = 1', 'ROLLBACK']);
  });

  it('a lock wait that timed out leaves the transaction open, and fn decides', async () => {
    const { test, db } = started();
    test.driver.reply = (sql) => (sql.includes('hot') ? serverError(1205) : undefined);
    await db.transaction(async (tx) => {
      await tx.query('UPDATE hot SET a = 1').catch(() => undefined);
    });
    assert.deepEqual(texts(test).at(-1), 'COMMIT');
  });

  it('a statement in fn that ended the transaction implicitly: OUTCOME_UNKNOWN, not a silent COMMIT', async () => {
    const { test, db } = started();
    const work = db.transaction((tx) => tx.query('CREATE TABLE t (a INT)'));
    await assert.rejects(work, coded('OUTCOME_UNKNOWN'));
    assert.ok(!texts(test).includes('COMMIT'));
  });
});

for (const [where, begin] of [
  ['a lease', async (test: TestPool) => test.pool.acquire()],
  ['a scope', async (test: TestPool) => new TestRequest(test).db],
  ['a late scope', async (test: TestPool) => new TestRequest(test, { over: 'answered' }).db],
  ['the pool', async (test: TestPool) => test.pool as unknown as Scope],
] as const) {
  it(`transaction(fn) of ${where} gives its connection back clean`, async () => {
    const test = new TestPool({ max: 1 });
    const db = await begin(test);
    await db.transaction((tx) => tx.query('UPDATE t SET a = 1'));
    assert.deepEqual(texts(test), ['START TRANSACTION', 'UPDATE t SET a = 1', 'COMMIT']);
  });
}
