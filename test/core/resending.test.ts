import assert from 'node:assert/strict';
import type { PoolOptions } from '#core/options.js';
import { serverError } from './fake-server.js';
import { TestPool, track } from './fixture.js';
import { TestRequest } from './request-fixture.js';

/** The driver wrote to a socket that had ended. */
function brokenPipe() {
  return Object.assign(new Error('write EPIPE'), { code: 'EPIPE', errno: -32, fatal: true });
}

/** The driver refuses to write: fatal, and without a code. */
function closedState() {
  return Object.assign(new Error("Can't add new command when connection is in closed state"), {
    fatal: true,
  });
}

/** The first connection answers so to what matches; it is dead from then on. */
function dyingAt(pattern: RegExp, error: () => Error, options: Partial<PoolOptions> = {}) {
  const test = new TestPool({ max: 2, ...options });
  test.driver.reply = (sql, connection) => {
    if (connection !== test.driver.connections[0] || !pattern.test(sql)) return undefined;
    connection.lose(error());
    return 'hang';
  };
  return test;
}

const NEVER_SENT = { EPIPE: brokenPipe, 'closed state': closedState };

describe('a statement that was never sent goes to another connection', () => {
  for (const [name, error] of Object.entries(NEVER_SENT)) {
    it(`${name}: one-shots`, async () => {
      const test = dyingAt(/UPDATE/, error);
      await test.rest(test.pool.query('UPDATE t SET a = 1'));
      assert.deepEqual(test.connection(1).texts, ['UPDATE t SET a = 1']);
      assert.deepEqual([test.stats().retried, test.stats().leased], [1, 0]);
    });

    it(`${name}: execute and stream`, async () => {
      const test = dyingAt(/a|b/, error);
      await test.rest(test.pool.execute('SELECT a'));
      assert.deepEqual(test.connection(1).texts, ['SELECT a']);
      const other = dyingAt(/a|b/, error);
      const rows = await other.rest(other.pool.stream('SELECT b').toArray());
      assert.deepEqual([rows, other.connection(1).texts], [[{ value: 1 }], ['SELECT b']]);
    });

    it(`${name}: in a scope, which goes on there`, async () => {
      const test = dyingAt(/UPDATE/, error);
      const { db } = new TestRequest(test);
      await test.rest(db.query('SELECT 1'));
      await test.rest(db.query('UPDATE t SET a = 1'));
      await test.rest(db.query('SELECT 2'));
      assert.deepEqual(test.connection(1).texts, ['UPDATE t SET a = 1', 'SELECT 2']);
      assert.deepEqual([test.stats().retried, test.stats().leased], [1, 1]);
    });

    it(`${name}: the BEGIN of pool.transaction(fn), whose fn runs once`, async () => {
      const test = dyingAt(/START/, error);
      let runs = 0;
      const work = (tx: { query(sql: string): Promise<unknown> }) => {
        runs++;
        return tx.query('UPDATE t SET a = 1');
      };
      await test.rest(test.pool.transaction(work));
      assert.deepEqual(test.connection(1).texts, ['START TRANSACTION', 'UPDATE t SET a = 1', 'COMMIT']);
      assert.deepEqual([runs, test.stats().retried, test.stats().leased], [1, 1, 0]);
    });

    it(`${name}: the BEGIN of db.transaction(fn), as the request’s first work and later`, async () => {
      for (const before of [[], ['SELECT 1']]) {
        const test = dyingAt(/START/, error);
        const request = new TestRequest(test);
        for (const sql of before) await test.rest(request.db.query(sql));
        await test.rest(request.db.transaction((tx) => tx.query('UPDATE t SET a = 1')));
        assert.deepEqual(test.connection(1).texts, ['START TRANSACTION', 'UPDATE t SET a = 1', 'COMMIT']);
        assert.deepEqual([test.stats().retried, test.stats().rolledBack], [1, 0]);
        request.answer();
        await test.clock.settle();
        assert.equal(test.stats().leased, 0);
      }
    });

    it(`${name}: beginTransaction(), and what follows runs inside`, async () => {
      const test = dyingAt(/START/, error);
      const { db } = new TestRequest(test);
      await test.rest(db.beginTransaction());
      await test.rest(db.query('UPDATE t SET a = 1'));
      await test.rest(db.commit());
      assert.deepEqual(
        test.connection(1).sent.map(({ inTransaction }) => inTransaction),
        [false, true, true],
      );
    });
  }

  it('in a scope, within what is left of its time to wait for a connection', async () => {
    const test = dyingAt(/UPDATE/, brokenPipe, { max: 1, acquireTimeoutMs: 1_000 });
    const holder = await test.rest(test.pool.acquire());
    const { db } = new TestRequest(test);
    const update = track(db.query('UPDATE t SET a = 1'));
    await test.clock.advance(900);
    test.driver.onOpen = () => {};
    holder.release();
    await test.clock.settle();
    assert.deepEqual([update.state, test.stats().retried], ['pending', 1]);
    await test.clock.advance(99);
    assert.equal(update.state, 'pending');
    await test.clock.advance(1);
    assert.equal((update.error as { code?: string }).code, 'ACQUIRE_TIMEOUT');
  });

  it('in a request that is over, which then still drains it in its time', async () => {
    const test = new TestPool({ max: 1, drainTimeoutMs: 100 });
    test.driver.reply = (sql) => (sql === 'SELECT slow' ? 'hang' : undefined);
    const request = new TestRequest(test);
    await test.rest(request.db.query('SELECT 1'));
    const slow = track(request.db.query('SELECT slow'));
    request.answer();
    await test.clock.advance(50);
    test.driver.hang();
    test.connection().lose(brokenPipe());
    // No other connection is open yet when its time to drain is over.
    await test.clock.advance(100);
    assert.deepEqual([slow.state, test.stats().pending, test.stats().retried], ['pending', 1, 1]);
    test.driver.opens.at(-1)?.succeed();
    await test.clock.settle();
    assert.deepEqual(test.connection(1).texts, ['SELECT slow']);
    await test.clock.advance(100);
    assert.deepEqual([test.stats().leased, test.driver.kills.length], [0, 1]);
  });

  it('found dead before it was sent, after a silence', async () => {
    const test = new TestPool({ max: 1 });
    const { db } = new TestRequest(test);
    await test.rest(db.query('SELECT 1'));
    await test.clock.advance(50);
    const answer = track(db.query('SELECT 2'));
    // Two turns of the event loop, in which the end of the socket shows.
    test.connection().lose();
    await test.clock.settle();
    assert.deepEqual([answer.state, test.connection(1).texts], ['fulfilled', ['SELECT 2']]);
  });

  it('the BEGIN of db.transaction(fn) as well', async () => {
    const test = new TestPool({ max: 1 });
    const { db } = new TestRequest(test);
    await test.rest(db.query('SELECT 1'));
    await test.clock.advance(1_000);
    const work = track(db.transaction((tx) => tx.query('UPDATE t SET a = 1')));
    await test.clock.microtasks();
    test.connection().lose();
    await test.clock.settle();
    assert.deepEqual([work.code, work.state], [undefined, 'fulfilled']);
    assert.deepEqual(test.connection(1).texts, ['START TRANSACTION', 'UPDATE t SET a = 1', 'COMMIT']);
  });

  it('several keep their order, and each is sent once', async () => {
    const test = dyingAt(/1/, brokenPipe);
    const { db } = new TestRequest(test);
    const all = [1, 2, 3, 4].map((n) => track(db.query(`UPDATE t SET a = ${n}`)));
    await test.clock.settle();
    assert.deepEqual(
      all.map(({ state, code }) => code ?? state),
      ['fulfilled', 'fulfilled', 'fulfilled', 'fulfilled'],
    );
    assert.deepEqual(
      test.connection(1).texts,
      [1, 2, 3, 4].map((n) => `UPDATE t SET a = ${n}`),
    );
  });

  it('those that stood behind one that was lost under way, too', async () => {
    const test = new TestPool({ max: 1 });
    const { db } = new TestRequest(test);
    test.driver.reply = (sql) => (sql.includes('hangs') ? 'hang' : undefined);
    const first = track(db.query('UPDATE hangs'));
    const rest = [2, 3, 4].map((n) => track(db.query(`UPDATE t SET a = ${n}`)));
    await test.clock.settle();
    test.connection().lose();
    await test.clock.settle();
    assert.equal(first.code, 'PROTOCOL_CONNECTION_LOST');
    assert.deepEqual(
      rest.map(({ state, code }) => code ?? state),
      ['fulfilled', 'fulfilled', 'fulfilled'],
    );
    assert.deepEqual(
      test.connection(1).texts,
      [2, 3, 4].map((n) => `UPDATE t SET a = ${n}`),
    );
  });

  it('a BEGIN that stood behind it as well: the transaction is the request’s, and can be rolled back', async () => {
    for (const silenceMs of [0, 600]) {
      const test = new TestPool({ max: 2 });
      const { db } = new TestRequest(test);
      await test.rest(db.query('SELECT 0'));
      test.connection().reply = () => 'hang';
      await test.clock.advance(silenceMs);
      const both = track(Promise.all([db.query('SELECT 1'), db.beginTransaction()]));
      await test.clock.microtasks();
      test.connection().lose(brokenPipe());
      await test.clock.settle();
      assert.equal(both.state, 'fulfilled');
      await test.rest(db.query('UPDATE t SET a = 1'));
      await test.rest(db.rollback());
      await test.rest(db.query('UPDATE t SET a = 2'));
      assert.deepEqual(test.connection(1).session.committed, ['UPDATE t SET a = 2']);
    }
  });

  it('what changes the session as well, which then has nothing lost', async () => {
    const test = dyingAt(/SET/, brokenPipe);
    const { db } = new TestRequest(test);
    await test.rest(db.query("SET time_zone = '+00:00'"));
    await test.rest(db.query('SELECT 1'));
    assert.deepEqual(test.connection(1).texts, ["SET time_zone = '+00:00'", 'SELECT 1']);
  });

  it('what it leaves behind there may be asked for', async () => {
    const test = dyingAt(/INSERT/, brokenPipe);
    const { db } = new TestRequest(test);
    await test.rest(db.query('SELECT 1'));
    await test.rest(db.query('INSERT INTO t VALUES (1)'));
    await test.rest(db.query('SELECT LAST_INSERT_ID()'));
    assert.equal(test.connection(1).texts.at(-1), 'SELECT LAST_INSERT_ID()');
  });

  it('within what is left of its time', async () => {
    const test = dyingAt(/UPDATE/, brokenPipe, { max: 1, acquireTimeoutMs: 1_000, minIdle: 0 });
    const held = await test.pool.acquire();
    const answer = track(test.pool.query('UPDATE t SET a = 1'));
    await test.clock.advance(600);
    test.driver.hang();
    held.release();
    await test.clock.advance(399);
    assert.equal(answer.state, 'pending');
    await test.clock.advance(1);
    assert.equal(answer.code, 'ACQUIRE_TIMEOUT');
  });

  it('an error of the server that has a code is not one of these', async () => {
    const test = dyingAt(/UPDATE/, () => serverError(1053, { code: 'ER_SERVER_SHUTDOWN', fatal: true }));
    const answer = track(test.pool.query('UPDATE t SET a = 1'));
    await test.clock.settle();
    assert.deepEqual([answer.code, test.stats().retried], ['ER_SERVER_SHUTDOWN', 0]);
  });
});
