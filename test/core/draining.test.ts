import assert from 'node:assert/strict';
import { serverError } from './fake-server.js';
import { type Outcome, TestPool, track } from './fixture.js';

/** A lease that was given back while its statement runs. */
async function releasedWhileBusy(options: ConstructorParameters<typeof TestPool>[0] = {}) {
  const test = new TestPool({ max: 1, drainTimeoutMs: 1_000, ...options });
  const lease = await test.pool.acquire();
  const connection = test.connection();
  connection.reply = (sql) => (sql.includes('SLEEP') ? 'hang' : undefined);
  const answer: Outcome<unknown> = track(lease.query('SELECT SLEEP(60)'));
  lease.release();
  const waiting = track(test.pool.acquire({ timeoutMs: 60_000 }));
  await test.clock.settle();
  return { test, lease, connection, answer, waiting };
}

describe('a connection given back while a statement runs', () => {
  it('drains: nobody else gets it, and it goes back with the answer', async () => {
    const { test, connection, answer, waiting } = await releasedWhileBusy();
    await test.clock.advance(999);
    assert.deepEqual([test.stats().draining, waiting.state], [1, 'pending']);
    connection.answer();
    await test.clock.settle();
    assert.equal(answer.state, 'fulfilled');
    assert.equal(waiting.value.threadId, connection.threadId);
    await test.clock.advance(10_000);
    assert.deepEqual(test.driver.kills, []);
  });

  it('after drainTimeoutMs the statement is killed from the control connection, then the session is reset', async () => {
    const { test, connection, answer, waiting } = await releasedWhileBusy();
    await test.clock.advance(1_000);
    assert.deepEqual(test.driver.kills, [`KILL QUERY ${connection.threadId}`]);
    assert.equal(answer.code, 'QUERY_CANCELLED');
    assert.equal(connection.resets, 1);
    assert.equal(waiting.value.threadId, connection.threadId);
    assert.equal(test.driver.connections.length, 1, 'the control connection is one beyond max');
    assert.deepEqual(
      test.told('kill').map(({ threadId }) => threadId),
      [connection.threadId],
    );
  });

  it('is not reused before the KILL is acknowledged, though the statement has ended', async () => {
    const { test, connection, waiting } = await releasedWhileBusy();
    test.driver.killReply = 'hang';
    await test.clock.advance(1_000);
    connection.answer(serverError(1317));
    await test.clock.settle();
    assert.deepEqual([test.stats().draining, waiting.state], [1, 'pending']);
    test.driver.controls[0]?.answer({ result: {} });
    await test.clock.settle();
    assert.equal(waiting.state, 'fulfilled');
  });

  it('a statement that ends by itself just before the KILL keeps its answer', async () => {
    const { test, connection, answer } = await releasedWhileBusy();
    test.driver.killReply = 'hang';
    await test.clock.advance(1_000);
    connection.answer();
    await test.clock.settle();
    assert.equal(answer.state, 'fulfilled');
    test.driver.controls[0]?.answer({ result: {} });
    await test.clock.settle();
    assert.equal(connection.resets, 1, 'for a KILL that comes late to hit');
  });

  it('the control connection reaches the same server, serves several KILLs, and goes after 5 s', async () => {
    const { test, connection, waiting } = await releasedWhileBusy();
    await test.clock.advance(1_000);
    assert.deepEqual(test.driver.controlOpens[0]?.settings.address, connection.address);
    void track(waiting.value.query('SELECT SLEEP(60)'));
    waiting.value.release();
    await test.clock.advance(1_000);
    assert.equal(test.driver.kills.length, 2);
    assert.equal(test.driver.controls.length, 1);
    await test.clock.advance(4_999);
    assert.equal(test.driver.controls[0]?.ended, false);
    await test.clock.advance(1);
    assert.equal(test.driver.controls[0]?.ended, true);
  });

  it('drainTimeoutMs 0 kills at once', async () => {
    const { test, answer } = await releasedWhileBusy({ drainTimeoutMs: 0 });
    assert.equal(test.driver.kills.length, 1);
    assert.equal(answer.code, 'QUERY_CANCELLED');
  });

  it('a command that no statement of ours accounts for is killed too', async () => {
    const test = new TestPool({ max: 1, drainTimeoutMs: 1_000 });
    const lease = await test.pool.acquire();
    await lease.query('SELECT 1');
    test.connection().occupied = true;
    lease.release();
    await test.clock.settle();
    assert.equal(test.driver.kills.length, 1);
    test.connection().occupied = false;
    await test.clock.advance(1_000);
    assert.equal(test.stats().idle, 1);
  });

  it('one that stays busy after the KILL was acknowledged is cut', async () => {
    const { test, connection, answer } = await releasedWhileBusy();
    test.driver.killReply = { result: {} };
    await test.clock.advance(1_000);
    assert.equal(test.stats().draining, 1);
    test.driver.killReply = undefined;
    await test.clock.advance(1_000);
    assert.equal(answer.code, 'QUERY_CANCELLED');
    assert.ok(connection.destroyedWith);
    assert.equal(test.stats().evicted.undrained, 1);
  });

  it('one that is lost while it drains frees its slot', async () => {
    const { test, connection, waiting } = await releasedWhileBusy();
    connection.lose();
    await test.clock.advance(100);
    assert.equal(waiting.value.threadId, test.connection(1).threadId);
    assert.deepEqual(test.driver.kills, []);
  });

  it('one that is lost while its KILL is under way frees its slot at once', async () => {
    const { test, connection } = await releasedWhileBusy();
    test.driver.killReply = 'hang';
    await test.clock.advance(1_000);
    connection.lose();
    await test.clock.microtasks();
    assert.deepEqual([test.stats().draining, test.stats().evicted.broken], [0, 1]);
  });

  it('rows that nobody reads are read off the wire after the KILL, and their reader is told', async () => {
    const test = new TestPool({ max: 1, drainTimeoutMs: 1_000 });
    const lease = await test.pool.acquire();
    const rows = Array.from({ length: 100 }, (_, id) => ({ id }));
    test.connection().reply = () => ({ result: rows });
    const stream = lease.stream('SELECT id FROM t');
    const closed = track(new Promise((_resolve, reject) => stream.once('error', reject)));
    stream.read();
    lease.release();
    await test.clock.advance(999);
    assert.deepEqual([test.stats().draining, closed.state], [1, 'pending']);
    await test.clock.advance(1);
    assert.equal(closed.code, 'QUERY_CANCELLED');
    assert.equal(test.stats().idle, 1);
  });

  it('several statements in flight are all awaited', async () => {
    const { test, lease, connection } = await handedBackWithTwo();
    connection.answer();
    await test.clock.advance(4_900);
    assert.deepEqual(
      [test.stats().draining, test.driver.kills.length],
      [1, 0],
      'its whole time is the second’s',
    );
    connection.answer();
    await test.clock.settle();
    assert.equal(test.stats().idle, 1);
    assert.equal(lease.inFlight, 0);
  });
});

async function handedBackWithTwo() {
  const test = new TestPool({ max: 1, drainTimeoutMs: 5_000 });
  const lease = await test.pool.acquire();
  const connection = test.connection();
  connection.reply = () => 'hang';
  void track(lease.query('SELECT 1'));
  void track(lease.query('SELECT 2'));
  lease.release();
  await test.clock.settle();
  return { test, lease, connection };
}
