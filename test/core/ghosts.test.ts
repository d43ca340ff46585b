import assert from 'node:assert/strict';
import type { ServerFacts } from '#core/driver.js';
import type { PoolOptions } from '#core/options.js';
import type { Reply } from './fake-connection.js';
import { connectError, serverError } from './fake-server.js';
import { TestPool, track } from './fixture.js';

/** A statement that could not be killed: the socket is cut, the server's thread runs on. */
async function withGhost({
  behind: port = 3306,
  ...options
}: Partial<PoolOptions> & { behind?: number } = {}) {
  const test = new TestPool({ max: 1, drainTimeoutMs: 0, ...options });
  test.driver.facts = { ...test.driver.facts, port } as ServerFacts;
  test.driver.onControlOpen = (open) => open.fail(connectError('ER_CON_COUNT_ERROR', 1040));
  const lease = await test.pool.acquire();
  const connection = test.connection();
  connection.reply = (sql) => (sql.includes('SLEEP') ? 'hang' : undefined);
  const answer = track(lease.query('SELECT SLEEP(60)'));
  lease.release();
  const waiting = track(test.pool.acquire({ timeoutMs: 60_000 }));
  await test.clock.settle();
  return { test, connection, answer, waiting };
}

describe('ghosts', () => {
  it('where the KILL fails the socket is cut, and the caller is told', async () => {
    const { connection, answer, test } = await withGhost();
    assert.ok(connection.destroyedWith);
    assert.equal(answer.code, 'QUERY_CANCELLED');
    assert.equal(test.stats().evicted.undrained, 1);
  });

  it('where the server refuses the KILL the socket is cut too', async () => {
    const test = new TestPool({ max: 1, drainTimeoutMs: 0 });
    test.driver.killReply = serverError(1095);
    const lease = await test.pool.acquire();
    test.connection().reply = () => 'hang';
    void track(lease.query('SELECT SLEEP(60)'));
    lease.release();
    await test.clock.settle();
    assert.equal(test.stats().ghost, 1);
  });

  it('where the control connection can’t be opened either, nobody waits for that', async () => {
    const test = new TestPool({ max: 1, drainTimeoutMs: 0 });
    test.driver.onControlOpen = () => {};
    const lease = await test.pool.acquire();
    test.connection().reply = () => 'hang';
    const answer = track(lease.query('SELECT SLEEP(60)'));
    lease.release();
    await test.clock.advance(1_000);
    assert.equal(answer.code, 'QUERY_CANCELLED');
    assert.equal(test.stats().ghost, 1);
  });

  it('a KILL that somebody waits for goes before those of ghosts', async () => {
    const test = new TestPool({ max: 2, drainTimeoutMs: 0 });
    test.driver.onControlOpen = () => {};
    const hold = async () => {
      const lease = await test.rest(test.pool.acquire());
      void track(lease.query('SELECT SLEEP(60)'));
      await test.clock.settle();
      return lease;
    };
    test.driver.reply = () => 'hang';
    const [first, second] = [await hold(), await hold()];
    first.release();
    await test.clock.advance(1_000);
    assert.equal(test.stats().ghost, 1);
    second.release();
    await test.clock.settle();
    test.driver.controlOpens[0]?.succeed();
    await test.clock.settle();
    assert.deepEqual(test.driver.kills.slice(0, 2), [
      `KILL QUERY ${second.threadId}`,
      `KILL ${first.threadId}`,
    ]);
  });

  it('no KILL goes to another server to which the same address leads by now, where the number is somebody else’s', async () => {
    const test = new TestPool({ max: 1, drainTimeoutMs: 0 });
    test.driver.server = 'one';
    const lease = await test.pool.acquire();
    test.connection().reply = () => 'hang';
    const answer = track(lease.query('SELECT SLEEP(60)'));
    test.driver.server = 'two';
    test.driver.portsPass = false;
    test.driver.atWork.add(test.connection().threadId);
    lease.release();
    await test.clock.advance(29_000);
    assert.deepEqual([answer.code, test.stats().ghost, test.driver.kills], ['QUERY_CANCELLED', 1, []]);
    await test.clock.advance(2_000);
    assert.deepEqual([test.stats().ghost, test.driver.kills], [0, []]);
    await test.clock.advance(6_000);
    assert.ok(
      test.driver.controls.every(({ lost }) => lost),
      'no control connection is left open',
    );
  });

  it('nor one that stops a statement at its limit; on the same server it does', async () => {
    for (const [by, kills] of [
      ['two', []],
      ['one', ['KILL QUERY 101']],
    ] as const) {
      const test = new TestPool({ max: 1 });
      test.driver.server = 'one';
      const lease = await test.pool.acquire();
      test.connection().reply = () => 'hang';
      const answer = track(lease.query({ sql: 'SELECT SLEEP(60)', timeout: 100 }));
      test.driver.server = by;
      test.driver.portsPass = false;
      test.driver.atWork.add(test.connection().threadId);
      await test.clock.advance(150);
      assert.deepEqual([answer.code, test.driver.kills], ['QUERY_TIMEOUT', kills]);
      await test.clock.advance(40_000);
      const { controls } = test.driver;
      assert.deepEqual([controls.length > 0, controls.filter(({ lost }) => !lost)], [true, []]);
    }
  });

  it('nor to a server that was started since, where the number is somebody else’s: of neither a limit nor a drain', async () => {
    for (const timeout of [100, 0]) {
      const test = new TestPool({ max: 1, drainTimeoutMs: 100 });
      test.driver.server = 'one';
      const lease = await test.pool.acquire();
      test.connection().reply = () => 'hang';
      await test.clock.advance(3_000);
      const answer = track(lease.query({ sql: 'SELECT SLEEP(60)', timeout }));
      test.driver.uptimeSeconds = 1;
      if (timeout === 0) lease.release();
      await test.clock.advance(200);
      assert.deepEqual(
        [answer.code, test.driver.kills],
        [timeout === 0 ? 'QUERY_CANCELLED' : 'QUERY_TIMEOUT', []],
      );
      assert.deepEqual([test.stats().evicted.undrained, test.stats().ghost], [1, 0]);
    }
  });

  it('a KILL without an answer is given up', async () => {
    const test = new TestPool({ max: 1, drainTimeoutMs: 0 });
    test.driver.killReply = 'hang';
    const lease = await test.pool.acquire();
    test.connection().reply = () => 'hang';
    const answer = track(lease.query('SELECT SLEEP(60)'));
    lease.release();
    await test.clock.advance(999);
    assert.equal(answer.state, 'pending');
    await test.clock.advance(1);
    assert.equal(answer.code, 'QUERY_CANCELLED');
    assert.equal(test.stats().ghost, 1);
  });

  it('counts against max until the server’s thread is gone', async () => {
    const { test, waiting } = await withGhost();
    await test.clock.advance(10_000);
    assert.deepEqual([test.stats().ghost, test.driver.opens.length, waiting.state], [1, 1, 'pending']);
    assert.equal(test.driver.poolThreads, 1);
  });

  it('is killed when the server can be reached again, and then its place is free', async () => {
    const { test, connection, waiting } = await withGhost();
    test.driver.onControlOpen = (open) => open.succeed();
    await test.clock.advance(5_200);
    assert.ok(test.driver.kills.includes(`KILL ${connection.threadId}`));
    assert.equal(test.stats().ghost, 0);
    assert.equal(waiting.value.threadId, test.connection(1).threadId);
  });

  it('its place is not free before the server says that the thread is gone', async () => {
    const { test } = await withGhost();
    test.driver.killReply = { result: {} };
    test.driver.onControlOpen = (open) => open.succeed();
    await test.clock.advance(3_000);
    assert.equal(test.stats().ghost, 1, 'a KILL that was accepted is not yet a thread that is gone');
    test.driver.killReply = undefined;
    test.driver.threads.clear();
    await test.clock.advance(1_000);
    assert.equal(test.stats().ghost, 0);
  });

  it('on a server that can’t be reached is given up after half a minute', async () => {
    const { test, waiting } = await withGhost();
    test.driver.onControlOpen = (open) => open.fail(connectError('ETIMEDOUT'));
    await test.clock.advance(29_000);
    assert.equal(test.stats().ghost, 1);
    test.driver.threads.clear();
    await test.clock.advance(12_000);
    assert.equal(test.stats().ghost, 0);
    assert.equal(waiting.state, 'fulfilled');
  });

  it('is gone with its server: refused connections, or a server that was started since', async () => {
    const refused = await withGhost();
    refused.test.driver.threads.clear();
    refused.test.driver.onControlOpen = (open) => open.fail(connectError('ECONNREFUSED'));
    await refused.test.clock.advance(5_200);
    assert.equal(refused.test.stats().ghost, 0);

    const restarted = await withGhost();
    await restarted.test.clock.advance(20_000);
    restarted.test.driver.threads.clear();
    restarted.test.driver.uptimeSeconds = 3;
    restarted.test.driver.onControlOpen = (open) => open.succeed();
    await restarted.test.clock.advance(5_200);
    assert.equal(restarted.test.stats().ghost, 0);
    assert.deepEqual(restarted.test.driver.kills, [], 'its number may belong to somebody else now');
  });

  it('refused by what stands in front of its server: not gone before that has gone on for long', async () => {
    const { test } = await withGhost({ behind: 3307 });
    test.driver.onControlOpen = (open) => open.fail(connectError('ECONNREFUSED'));
    await test.clock.advance(4_900);
    assert.equal(test.stats().ghost, 1);
    test.driver.threads.clear();
    await test.clock.advance(2_000);
    assert.equal(test.stats().ghost, 0);
  });

  /** The network lost it, and the server goes on with its statement. */
  async function withLostAtWork(
    portsPass: boolean,
    server: string | null = null,
    meanwhile: (test: TestPool) => unknown = () => {},
  ) {
    const test = new TestPool({ max: 1 });
    test.driver.portsPass = portsPass;
    test.driver.server = server;
    const lease = await test.pool.acquire();
    const connection = test.connection();
    connection.reply = () => 'hang';
    const answer = track(lease.query('SELECT SLEEP(60)'));
    await test.clock.settle();
    test.driver.atWork.add(connection.threadId);
    await meanwhile(test);
    connection.lose(undefined, true);
    await test.clock.settle();
    lease.release();
    await test.clock.settle();
    return { test, connection, answer };
  }

  it('a statement whose connection was lost counts until the server is done with it', async () => {
    const { test, connection, answer } = await withLostAtWork(false);
    assert.equal(answer.code, 'PROTOCOL_CONNECTION_LOST');
    const waiting = track(test.pool.acquire());
    await test.clock.advance(2_000);
    assert.deepEqual([test.stats().ghost, test.driver.poolThreads, waiting.state], [1, 1, 'pending']);
    test.driver.atWork.clear();
    test.driver.threads.delete(connection.threadId);
    await test.clock.advance(100);
    assert.deepEqual([test.stats().ghost, waiting.state], [0, 'fulfilled']);
    assert.deepEqual(test.driver.kills, [], 'it may have been somebody else’s by then');
  });

  it('is killed where the port of our end proves that it is ours', async () => {
    const { test, connection } = await withLostAtWork(true);
    await test.clock.advance(100);
    assert.deepEqual(test.driver.kills, [`KILL ${connection.threadId}`]);
    assert.equal(test.stats().ghost, 0);
  });

  it('is killed, idle or not, where no port proves it but the server is the same: no number is given twice there', async () => {
    for (const idle of [false, true]) {
      const { test, connection } = await withLostAtWork(false, 'one', ({ driver }) => {
        if (idle) driver.atWork.clear();
      });
      await test.clock.advance(100);
      assert.deepEqual(test.driver.kills, [`KILL ${connection.threadId}`]);
      assert.equal(test.stats().ghost, 0);
    }
  });

  it('is not killed on another server to which the same address leads, which has a session of that number too', async () => {
    const { test } = await withLostAtWork(false, 'one', ({ driver }) => {
      driver.server = 'two';
    });
    await test.clock.advance(29_000);
    assert.deepEqual([test.stats().ghost, test.driver.kills], [1, []]);
    await test.clock.advance(2_000);
    assert.deepEqual([test.stats().ghost, test.driver.kills], [0, []]);
  });

  it('nor where what stands in between answers with sessions of its own, or the server will not say which one it is', async () => {
    const answers: Reply[] = [{ result: [{ identity: '7 one 1 3306 db' }] }, serverError(1193)];
    for (const answer of answers) {
      const { test } = await withLostAtWork(false, 'one', ({ driver }) => {
        driver.identityReply = answer;
      });
      await test.clock.advance(2_000);
      assert.deepEqual([test.stats().ghost, test.driver.kills], [1, []]);
    }
  });

  it('is gone with its server, though that is the same after its restart', async () => {
    const { test } = await withLostAtWork(false, 'one', async ({ clock, driver }) => {
      await clock.advance(5_000);
      driver.uptimeSeconds = 1;
    });
    await test.clock.advance(100);
    assert.deepEqual([test.stats().ghost, test.driver.kills], [0, []], 'another’s number by now');
  });

  it('nor is its number killed on a server that may have been restarted since: its uptime is in whole seconds', async () => {
    // Up for 1.5 s by now: as likely for one that was started half a second after the connection as half a second before.
    for (const uptimeSeconds of [1, 2]) {
      const { test } = await withLostAtWork(false, 'one', async ({ clock, driver }) => {
        await clock.advance(1_500);
        driver.uptimeSeconds = uptimeSeconds;
      });
      await test.clock.advance(100);
      assert.deepEqual([test.stats().ghost, test.driver.kills], [1, []], 'it may be another’s by now');
      test.driver.threads.clear();
      await test.clock.advance(100);
      assert.equal(test.stats().ghost, 0);
    }
  });

  it('is killed once it is known, by asking again, that its server has run since before it was opened', async () => {
    const { test, connection } = await withLostAtWork(false, 'one', async ({ clock, driver }) => {
      await clock.advance(1_500);
      driver.uptimeSeconds = 2;
    });
    await test.clock.advance(400);
    assert.deepEqual(test.driver.kills, []);
    // One that was started since, less than 2 s ago, could say 2 at most.
    test.driver.uptimeSeconds = 3;
    await test.clock.advance(100);
    assert.deepEqual([test.stats().ghost, test.driver.kills], [0, [`KILL ${connection.threadId}`]]);
  });

  it('the number alone does not kill one that we cut either; the port of our end proves that it is ours', async () => {
    for (const portsPass of [false, true]) {
      const { test, connection } = await withGhost();
      test.driver.portsPass = portsPass;
      test.driver.uptimeSeconds = 1;
      test.driver.onControlOpen = (open) => open.succeed();
      await test.clock.advance(1_000);
      assert.deepEqual(test.driver.kills, portsPass ? [`KILL ${connection.threadId}`] : []);
    }
  });

  it('one whose turn comes late is as old as when it was opened', async () => {
    const { test } = await withLostAtWork(false, 'one', async ({ clock, driver }) => {
      await clock.advance(2_500);
      driver.onControlOpen = () => {};
    });
    // Started 2.5 s after the connection.
    await test.clock.advance(2_000);
    test.driver.uptimeSeconds = 2;
    test.driver.controlOpens[0]?.succeed();
    await test.clock.settle();
    assert.deepEqual([test.stats().ghost, test.driver.kills], [0, []]);
  });

  it('that can’t be proven to be ours is given up after half a minute', async () => {
    const { test } = await withLostAtWork(false);
    await test.clock.advance(29_000);
    assert.equal(test.stats().ghost, 1);
    await test.clock.advance(2_000);
    assert.equal(test.stats().ghost, 0);
  });

  it('is not gone while its session is idle, for the statement may not have begun; but not for long', async () => {
    const { test } = await withLostAtWork(false);
    test.driver.atWork.clear();
    await test.clock.advance(4_000);
    assert.equal(test.stats().ghost, 1);
    await test.clock.advance(2_000);
    assert.equal(test.stats().ghost, 0);
  });

  it('is none when nothing ran on what was lost', async () => {
    const test = new TestPool({ max: 1 });
    const lease = await test.pool.acquire();
    test.connection().lose(undefined, true);
    lease.release();
    await test.clock.settle();
    assert.deepEqual([test.stats().ghost, test.driver.controlOpens.length], [0, 0]);
  });
});
