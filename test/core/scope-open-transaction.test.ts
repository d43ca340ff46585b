import assert from 'node:assert/strict';
import { serverError } from './fake-server.js';
import { coded, TestPool, track } from './fixture.js';
import { TestRequest } from './request-fixture.js';

async function leftOpen() {
  const test = new TestPool({ max: 1 });
  const request = new TestRequest(test, { route: 'POST /transfer', drainTimeoutMs: 1_000 });
  await request.db.beginTransaction();
  await request.db.query("UPDATE accounts SET balance = balance - 10 WHERE owner = 'secret'");
  request.answer();
  await test.clock.settle();
  return { test, request, db: request.db };
}

describe('a transaction that is open at the end', () => {
  it('is rolled back, counted, and told with its route and statement', async () => {
    const { test } = await leftOpen();
    assert.deepEqual([test.stats().rolledBack, test.stats().idle, test.connection().resets], [1, 1, 1]);
    assert.equal(test.connection().session.inTransaction, false);
    assert.deepEqual(
      test.told('rollback').map(({ route, statement }) => ({ route, statement })),
      [{ route: 'POST /transfer', statement: 'START TRANSACTION' }],
    );
    assert.match(test.told('warning')[0]?.message ?? '', /POST \/transfer left a transaction open/);
  });

  it('is warned of once per route, and not for ever where each request is a route of its own', async () => {
    const test = new TestPool({ max: 1 });
    for (let n = 0; n < 1_010; n++) {
      const request = new TestRequest(test, { route: `GET /${n}` });
      await request.db.beginTransaction();
      request.answer();
      await test.clock.settle();
    }
    assert.equal(test.told('warning').length, 1_000);
    assert.equal(test.told('rollback').length, 1_010);
  });

  it('rejects every later statement, commit() included, until rollback(): nothing is sent', async () => {
    const { test, db } = await leftOpen();
    const { length } = test.connection().sent;
    const calls = [
      () => db.query('UPDATE accounts SET balance = balance + 10'),
      () => db.execute('SELECT 1'),
      () => db.commit(),
      () => db.beginTransaction(),
      () => db.transaction(() => 1),
      () => db.connection(),
      () => db.stream('SELECT 1').toArray(),
    ];
    for (const call of calls) await assert.rejects(call(), coded('TRANSACTION_ROLLED_BACK'));
    for (const call of calls) await assert.rejects(call(), coded('TRANSACTION_ROLLED_BACK'));
    assert.equal(test.connection().sent.length, length);
  });

  it('after rollback() late statements are accepted again', async () => {
    const { test, db } = await leftOpen();
    await db.rollback();
    await db.query('SELECT 1');
    await test.clock.settle();
    assert.deepEqual([test.stats().late, test.stats().idle], [1, 1]);
  });

  it('release() does not say that the caller knows', async () => {
    const { db } = await leftOpen();
    await db.release();
    await assert.rejects(db.query('SELECT 1'), coded('TRANSACTION_ROLLED_BACK'));
  });

  for (const statement of ['BEGIN', 'start transaction', '/* x */ BEGIN WORK;', 'CALL begin_something()']) {
    it(`is noticed however it was begun: ${statement}`, async () => {
      const test = new TestPool({ max: 1 });
      const request = new TestRequest(test);
      test.driver.reply = (sql, connection) => {
        if (sql === statement) connection.session.inTransaction = true;
        return undefined;
      };
      await request.db.query(statement);
      request.answer();
      await test.clock.settle();
      assert.equal(test.stats().rolledBack, 1);
      await assert.rejects(request.db.commit(), coded('TRANSACTION_ROLLED_BACK'));
    });
  }

  it('is noticed with autocommit off: any statement opens one', async () => {
    const test = new TestPool({ max: 1 });
    const request = new TestRequest(test);
    await request.db.query('SET autocommit = 0');
    await request.db.query('SELECT * FROM accounts');
    request.answer();
    await test.clock.settle();
    assert.equal(test.stats().rolledBack, 1);
    await assert.rejects(request.db.query('UPDATE t SET a = 1'), coded('TRANSACTION_ROLLED_BACK'));
  });

  it('begun just before the end and answered after its deadline: never autocommit', async () => {
    const test = new TestPool({ max: 1 });
    const request = new TestRequest(test, { drainTimeoutMs: 1_000 });
    await request.db.query('SELECT 1');
    const connection = test.connection();
    connection.reply = (sql) => (sql === 'START TRANSACTION' ? 'hang' : undefined);
    test.driver.killReply = 'hang';
    const transfer = track(
      (async () => {
        await request.db.beginTransaction();
        await request.db.query('UPDATE accounts SET balance = balance - 10 WHERE id = 1');
        await request.db.query('UPDATE accounts SET balance = balance + 10 WHERE id = 2');
        await request.db.commit();
      })(),
    );
    request.answer();
    await test.clock.advance(1_000);
    // The answer overtakes the KILL.
    connection.answer();
    await test.clock.settle();
    test.driver.controls[0]?.answer({ result: {} });
    await test.clock.advance(1_000);
    const updates = connection.sent.filter(({ sql }) => sql.startsWith('UPDATE'));
    assert.deepEqual(updates, [], 'a half of the transfer ran by itself');
    assert.equal(transfer.code, 'TRANSACTION_ROLLED_BACK');
  });

  it('begun in time: what follows while BEGIN is under way runs inside it, though the end has come', async () => {
    const test = new TestPool({ max: 2 });
    const request = new TestRequest(test);
    await request.db.query('SELECT 1');
    const connection = test.connection();
    connection.reply = (sql) => (sql === 'START TRANSACTION' ? 'hang' : undefined);
    void track(request.db.beginTransaction());
    request.answer();
    await test.clock.settle();
    const update = track(request.db.query('UPDATE t SET a = 1'));
    connection.answer();
    await test.clock.settle();
    assert.equal(update.state, 'fulfilled');
    const updates = test.driver.connections
      .flatMap(({ sent }) => sent)
      .filter(({ sql }) => sql.startsWith('UPDATE'));
    assert.deepEqual(updates, [{ sql: 'UPDATE t SET a = 1', inTransaction: true }]);
  });

  for (const statement of ['CALL p()', 'SELECT 1; UPDATE t SET a = 1']) {
    it(`is presumed after a compound statement that failed, since an error tells no state: ${statement}`, async () => {
      const test = new TestPool({ max: 1 });
      const request = new TestRequest(test);
      test.driver.reply = () => serverError(1644);
      await assert.rejects(request.db.query(statement), { errno: 1644 });
      request.answer();
      await test.clock.settle();
      assert.equal(test.connection().resets, 1);
      await assert.rejects(request.db.query('UPDATE t SET b = 2'), coded('TRANSACTION_ROLLED_BACK'));
    });
  }

  it('that the server has rolled back already because of a deadlock is not told as left open', async () => {
    const test = new TestPool({ max: 1 });
    const request = new TestRequest(test);
    await request.db.beginTransaction();
    test.connection().reply = (sql) => {
      if (!sql.startsWith('UPDATE')) return undefined;
      test.connection().session.inTransaction = false;
      return Object.assign(new Error('deadlock'), { errno: 1213 });
    };
    await assert.rejects(request.db.query('UPDATE t SET a = 1'), { errno: 1213 });
    request.answer();
    await test.clock.settle();
    assert.equal(test.stats().rolledBack, 0);
  });
});

describe('a lease that is released with an open transaction', () => {
  it('is rolled back, counted and told with who held it', async () => {
    const test = new TestPool({ max: 1 });
    const lease = await test.pool.acquire();
    await lease.beginTransaction();
    lease.release();
    const next = track(test.pool.acquire());
    await test.clock.settle();
    assert.deepEqual([test.stats().rolledBack, test.connection().resets], [1, 1]);
    assert.equal(test.told('rollback')[0]?.route, 'pool.acquire');
    assert.equal(next.value.inTransaction, false);
  });
});
