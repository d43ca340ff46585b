import assert from 'node:assert/strict';
import { serverError } from './fake-server.js';
import { coded, TestPool, track } from './fixture.js';
import { TestRequest } from './request-fixture.js';

async function lostAfter(...statements: string[]) {
  const test = new TestPool({ max: 1 });
  const request = new TestRequest(test);
  for (const sql of statements) await request.db.query(sql);
  test.connection().lose();
  await test.clock.settle();
  return { test, request, db: request.db };
}

describe('a connection that is lost under a request', () => {
  it('with nothing but plain statements on it: the next query gets another, and nobody notices', async () => {
    const { test, db } = await lostAfter('SELECT 1', 'UPDATE t SET a = 1');
    await db.query('SELECT 2');
    assert.deepEqual(test.connection(1).texts, ['SELECT 2']);
    assert.equal(test.stats().evicted.broken, 1);
  });

  for (const errno of [1153, 1927, 4031]) {
    it(`by an error of the server, ${errno}, before the end of its socket is seen: the next query gets another`, async () => {
      const test = new TestPool({ max: 1 });
      const { db } = new TestRequest(test);
      test.driver.reply = (sql) => (sql === 'SELECT 1' ? serverError(errno) : undefined);
      const failing = assert.rejects(db.query('SELECT 1'), { errno });
      const behind = track(db.query('SELECT 2'));
      await failing;
      await test.clock.settle();
      assert.equal(behind.state, 'fulfilled');
      assert.deepEqual(test.connection(1).texts, ['SELECT 2']);
      assert.deepEqual([test.stats().evicted.broken, test.stats().ghost], [1, 0]);
    });

    it(`the same in a transaction, ${errno}: nothing is sent until rollback()`, async () => {
      const test = new TestPool({ max: 1 });
      const { db } = new TestRequest(test);
      test.driver.reply = (sql) => (sql === 'SELECT 1' ? serverError(errno) : undefined);
      await db.beginTransaction();
      await assert.rejects(db.query('SELECT 1'), { errno });
      await assert.rejects(db.query('UPDATE t SET a = 2'), coded('TRANSACTION_ROLLED_BACK'));
      await assert.rejects(db.commit(), coded('TRANSACTION_ROLLED_BACK'));
      await db.rollback();
      await test.rest(db.query('SELECT 2'));
      assert.deepEqual(test.connection(1).texts, ['SELECT 2']);
    });
  }

  it('in a transaction: nothing is sent until rollback(), commit() included', async () => {
    const { test, db } = await lostAfter('START TRANSACTION', 'UPDATE t SET a = 1');
    await assert.rejects(db.query('UPDATE t SET a = 2'), coded('TRANSACTION_ROLLED_BACK'));
    await assert.rejects(db.commit(), coded('TRANSACTION_ROLLED_BACK'));
    await assert.rejects(db.beginTransaction(), coded('TRANSACTION_ROLLED_BACK'));
    await test.clock.settle();
    assert.equal(test.driver.connections.length, 1);
    await db.rollback();
    await db.query('SELECT 2');
    assert.deepEqual(test.connection(1).texts, ['SELECT 2']);
  });

  it('in a transaction: rollback() first is enough, and sends nothing', async () => {
    const { test, db } = await lostAfter('START TRANSACTION', 'UPDATE t SET a = 1');
    await db.rollback();
    await db.query('SELECT 2');
    assert.deepEqual(test.connection(1).texts, ['SELECT 2']);
  });

  it('while BEGIN is under way: what was meant to run inside is not sent by itself', async () => {
    const test = new TestPool({ max: 1 });
    const { db } = new TestRequest(test);
    test.driver.reply = () => 'hang';
    void track(db.beginTransaction());
    await test.clock.settle();
    test.connection().lose();
    await assert.rejects(db.query('UPDATE t SET a = 1'), coded('TRANSACTION_ROLLED_BACK'));
    assert.equal(test.driver.connections.length, 1);
  });

  it('in a transaction, then the end: still told', async () => {
    const { test, request, db } = await lostAfter('START TRANSACTION', 'UPDATE t SET a = 1');
    request.answer();
    await test.clock.settle();
    await assert.rejects(db.commit(), coded('TRANSACTION_ROLLED_BACK'));
    assert.equal(test.stats().leased, 0);
  });

  for (const statement of ["SET time_zone = '+00:00'", 'USE other', 'CREATE TEMPORARY TABLE b (a INT)']) {
    it(`with session state on it, CONNECTION_LOST until release(): ${statement}`, async () => {
      const { test, db } = await lostAfter(statement);
      await assert.rejects(db.query('SELECT NOW()'), coded('CONNECTION_LOST'));
      await assert.rejects(db.query('SELECT NOW()'), coded('CONNECTION_LOST'));
      await db.release();
      await db.query('SELECT NOW()');
      assert.deepEqual(test.connection(1).texts, ['SELECT NOW()']);
    });
  }

  it('the statement under way fails with the driver’s error; what stands behind it was never sent, and goes to another', async () => {
    const test = new TestPool({ max: 1 });
    const { db } = new TestRequest(test);
    test.driver.reply = (sql) => (sql.includes('SLEEP') ? 'hang' : undefined);
    const both = [track(db.query('SELECT SLEEP(1)')), track(db.query('UPDATE t SET a = 1'))];
    await test.clock.settle();
    test.connection().lose();
    await test.clock.settle();
    assert.deepEqual([both[0]?.code, both[1]?.state], ['PROTOCOL_CONNECTION_LOST', 'fulfilled']);
    assert.deepEqual(test.connection(1).texts, ['UPDATE t SET a = 1']);
  });

  it('inside transaction(fn): the rest of fn is refused, fn’s promise too, and nothing runs by itself', async () => {
    const test = new TestPool({ max: 1 });
    const { db } = new TestRequest(test);
    let second: unknown;
    const work = track(
      db.transaction(async (tx) => {
        await tx.query('UPDATE t SET a = 1');
        test.connection().lose();
        second = await tx.query('UPDATE t SET a = 2').catch((error) => error.code);
      }),
    );
    await test.clock.settle();
    assert.equal(work.code, 'TRANSACTION_ROLLED_BACK');
    assert.match(String(second), /CONNECTION_LOST|TRANSACTION_ROLLED_BACK/);
    assert.equal(test.driver.connections.length, 1);
  });

  it('db.query() inside transaction(fn) after the loss is refused as well', async () => {
    const test = new TestPool({ max: 1 });
    const { db } = new TestRequest(test);
    const work = track(
      db.transaction(async (tx) => {
        await tx.query('UPDATE t SET a = 1');
        test.connection().lose();
        await db.query('UPDATE t SET a = 2');
      }),
    );
    await test.clock.settle();
    assert.equal(work.code, 'TRANSACTION_ROLLED_BACK');
    assert.equal(test.driver.connections.length, 1);
  });

  it('a transaction(fn) that was told of it may be tried again: its caller knows', async () => {
    const test = new TestPool({ max: 1 });
    const { db } = new TestRequest(test);
    let tries = 0;
    const work = (tx: { query(sql: string): Promise<unknown> }) => {
      tries++;
      if (tries === 1) test.connection().lose();
      return tx.query('UPDATE t SET a = 1');
    };
    const first = track(db.transaction(work));
    await test.clock.settle();
    assert.equal(first.state, 'rejected');
    const second = track(db.transaction(work));
    await test.clock.settle();
    assert.equal(second.state, 'fulfilled', `${second.code} after ${first.code}`);
    assert.deepEqual(test.connection(1).texts, ['START TRANSACTION', 'UPDATE t SET a = 1', 'COMMIT']);
  });

  it('a client that left while its handler is in a transaction: the loss frees the connection in the end', async () => {
    const test = new TestPool({ max: 1 });
    const request = new TestRequest(test, { drainTimeoutMs: 1_000 });
    await request.db.beginTransaction();
    request.leave();
    await test.clock.settle();
    test.connection().lose();
    await test.clock.advance(1_000);
    assert.equal(test.stats().leased, 0);
    await assert.rejects(request.db.commit(), coded('TRANSACTION_ROLLED_BACK'));
  });
});
