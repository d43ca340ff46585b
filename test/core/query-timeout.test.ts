import assert from 'node:assert/strict';
import type { PoolOptions } from '#core/options.js';
import type { RowStream } from '#core/row-stream.js';
import { serverError } from './fake-server.js';
import { coded, TestPool, track } from './fixture.js';

/** A pool of one whose statements named so hang. */
function limited(options: Partial<PoolOptions> = {}) {
  const test = new TestPool({ max: 1, queryTimeoutMs: 1_000, ...options });
  test.driver.reply = (sql) => (sql.includes('hangs') ? 'hang' : undefined);
  return test;
}

describe('queryTimeoutMs', () => {
  it('a statement that waits for what the pool asks before it: answered in time, the connection cut', async () => {
    const test = limited();
    const lease = await test.pool.acquire();
    await test.rest(lease.beginTransaction());
    test.connection().reply = (sql) => ({ 'DO 0': 'hang' as const, SYNTAX: serverError(1064) })[sql];
    void track(lease.query('SYNTAX'));
    await test.clock.settle();
    const behind = track(lease.query('SELECT 1'));
    await test.clock.advance(999);
    assert.equal(behind.state, 'pending');
    await test.clock.advance(1);
    assert.equal(behind.code, 'CONNECTION_LOST');
    assert.deepEqual([test.stats().leased, test.connection().lost], [0, true]);
  });

  it('the end of transaction(fn) too, and a statement with a limit of its own', async () => {
    const test = limited({ queryTimeoutMs: 0 });
    test.driver.reply = (sql) => ({ 'DO 0': 'hang' as const, SYNTAX: serverError(1064) })[sql];
    const work = track(
      test.pool.transaction(async (tx) => {
        await tx.query('SYNTAX').catch(() => undefined);
        await tx.query({ sql: 'SELECT 1', timeout: 500 });
      }),
    );
    await test.clock.advance(500);
    assert.equal(work.state, 'rejected');
  });

  it('the caller is answered at the deadline, and the statement killed from outside the pool', async () => {
    const test = limited();
    const answer = track(test.pool.query('SELECT hangs, 7'));
    await test.clock.advance(999);
    assert.deepEqual([answer.state, test.driver.kills], ['pending', []]);
    await test.clock.advance(1);
    assert.equal(answer.code, 'QUERY_TIMEOUT');
    assert.match(answer.error.message, /limit of 1000 ms/);
    const { threadId } = test.connection();
    assert.deepEqual([test.driver.kills, test.driver.controls.length], [[`KILL QUERY ${threadId}`], 1]);
    assert.deepEqual(
      test.told('cancel').map(({ statement, reason }) => ({ statement, reason })),
      [{ statement: 'SELECT hangs, ?', reason: 'timeout' }],
    );
    assert.equal(test.stats().queryTimedOut, 1);
  });

  it('the connection is reset and serves on', async () => {
    const test = limited();
    void track(test.pool.query('SELECT hangs'));
    await test.clock.advance(1_000);
    await test.rest(test.pool.query('SELECT 1'));
    assert.deepEqual([test.connection().texts, test.connection().resets], [['SELECT hangs', 'SELECT 1'], 1]);
    assert.equal(test.driver.connections.length, 1);
  });

  it('nothing is sent on that lease until the KILL is acknowledged, although the statement has ended', async () => {
    const test = limited();
    const lease = await test.pool.acquire();
    void track(lease.query('SELECT hangs'));
    test.driver.killReply = 'hang';
    await test.clock.advance(1_000);
    const next = track(lease.query('SELECT 2'));
    test.connection().answer();
    await test.clock.advance(500);
    assert.deepEqual([next.state, test.connection().texts], ['pending', ['SELECT hangs']]);
    test.driver.controls[0]?.answer();
    await test.clock.settle();
    assert.deepEqual([next.state, test.connection().texts], ['fulfilled', ['SELECT hangs', 'SELECT 2']]);
    await test.clock.advance(2_000);
    assert.deepEqual([test.stats().leased, test.connection().lost], [1, false]);
    lease.release();
    await test.clock.settle();
    assert.equal(test.connection().resets, 1, 'the KILL may come later still');
  });

  it('nor until it has ended, although the KILL is acknowledged', async () => {
    const test = limited();
    const lease = await test.pool.acquire();
    void track(lease.query('SELECT hangs'));
    test.driver.killReply = { result: [] };
    await test.clock.advance(1_000);
    const next = track(lease.query('SELECT 2'));
    await test.clock.advance(500);
    assert.equal(next.state, 'pending');
    test.connection().answer();
    await test.clock.settle();
    assert.equal(next.state, 'fulfilled');
    await test.clock.advance(2_000);
    assert.equal(test.connection().lost, false);
  });

  it('a KILL that hangs, fails, or does nothing: the socket is cut, the server’s thread counted', async () => {
    for (const reply of ['hang', new Error('no such privilege'), { result: [] }] as const) {
      const test = limited();
      const lease = await test.pool.acquire();
      void track(lease.query('SELECT hangs'));
      test.driver.killReply = reply;
      await test.clock.advance(2_000);
      assert.equal(test.stats().evicted.undrained, 1);
      assert.deepEqual([test.stats().ghost, test.connection().lost], [1, true]);
      await assert.rejects(lease.query('SELECT 2'), coded('CONNECTION_LOST'));
      lease.release();
      test.driver.killReply = undefined;
      await test.clock.advance(20_000);
      assert.deepEqual([test.stats().ghost, test.stats().leased], [0, 0]);
    }
  });

  it('a connection that dies while its statement is being killed is dealt with once', async () => {
    for (const reply of ['hang', new Error('refused')] as const) {
      const test = limited();
      const lease = await test.pool.acquire();
      void track(lease.query('SELECT hangs'));
      test.driver.killReply = 'hang';
      await test.clock.advance(1_000);
      test.connection().lose();
      lease.release();
      await test.clock.settle();
      if (reply !== 'hang') test.driver.controls[0]?.answer(reply);
      await test.clock.advance(3_000);
      const { undrained, broken } = test.stats().evicted;
      assert.deepEqual({ undrained, broken }, { undrained: 0, broken: 1 });
    }
  });

  it('a pool that is closed meanwhile cuts it once', async () => {
    const test = limited();
    const lease = await test.pool.acquire();
    void track(lease.query('SELECT hangs'));
    test.driver.killReply = 'hang';
    await test.clock.advance(1_000);
    const closed = track(test.pool.close({ timeoutMs: 0 }));
    await test.clock.advance(20_000);
    assert.deepEqual([closed.state, test.stats().evicted.undrained], ['fulfilled', 0]);
    lease.release();
  });

  it('what was answered while the event loop was blocked has not timed out', async () => {
    const test = limited();
    const answer = track(test.pool.query('SELECT hangs'));
    await test.clock.settle();
    test.clock.stall(5_000);
    // The answer lies in the socket: it is read after the timers had their turn, before what was put off.
    test.clock.after(0, () => test.connection().answer());
    await test.clock.advance(0);
    assert.deepEqual([answer.state, test.driver.kills], ['fulfilled', []]);
  });

  it('many statements share one timer, and none is left once they have been answered', async () => {
    const test = limited({ max: 5 });
    await test.rest(Promise.all(Array.from({ length: 5 }, () => test.pool.query('SELECT 1'))));
    const before = test.clock.timers.filter((ms) => ms <= 1_000).length;
    for (let n = 0; n < 20; n++) await test.rest(test.pool.query('SELECT 1'));
    assert.ok(before <= 1 && test.clock.timers.filter((ms) => ms <= 1_000).length <= 1);
    const hanging = Array.from({ length: 5 }, (_, n) => track(test.pool.query(`SELECT hangs ${n}`)));
    await test.clock.settle();
    assert.equal(test.clock.timers.filter((ms) => ms <= 1_000).length, 1);
    await test.clock.advance(1_000);
    assert.deepEqual(new Set(hanging.map(({ code }) => code)), new Set(['QUERY_TIMEOUT']));
  });

  it('a statement has its whole time, however late in the lease it comes', async () => {
    const test = limited();
    const lease = await test.pool.acquire();
    await test.clock.advance(900);
    const answer = track(lease.query('SELECT hangs'));
    await test.clock.advance(999);
    assert.equal(answer.state, 'pending');
    await test.clock.advance(1);
    assert.equal(answer.code, 'QUERY_TIMEOUT');
  });

  it('what waits for another statement of the lease is not counted yet', async () => {
    const test = limited();
    const lease = await test.pool.acquire();
    const first = track(lease.query('SELECT hangs 1'));
    const second = track(lease.query('SELECT hangs 2'));
    await test.clock.advance(800);
    test.connection().answer();
    await test.clock.advance(999);
    assert.deepEqual([first.state, second.state], ['fulfilled', 'pending']);
    await test.clock.advance(1);
    assert.equal(second.code, 'QUERY_TIMEOUT');
  });

  it('of a stream whose reader has left: what may write is read to its end, which what comes next waits for', async () => {
    const test = limited();
    test.driver.reply = (sql) => (sql === 'CALL many()' ? 'hang' : undefined);
    const lease = await test.pool.acquire();
    const stream = lease.stream('CALL many()') as RowStream;
    stream.resume();
    await test.clock.settle();
    stream.statement.onRow({ a: 1 });
    await test.clock.advance(900);
    stream.destroy();
    const next = track(lease.query('SELECT 1'));
    await test.clock.advance(999);
    assert.deepEqual([next.state, test.driver.kills.length], ['pending', 0]);
    await test.clock.advance(1);
    assert.deepEqual([next.state, test.driver.kills.length], ['fulfilled', 1]);
  });
});
