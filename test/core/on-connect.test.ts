import assert from 'node:assert/strict';
import type { NewConnection } from '#core/options.js';
import { serverError } from './fake-server.js';
import { TestPool, track } from './fixture.js';

/** Asked after everything, to see how the session stands. */
const STATE = 'DO 0';

describe('onConnect', () => {
  it('SQL runs on every new connection before anybody gets it', async () => {
    const test = new TestPool({ max: 2, onConnect: "SET time_zone = '+00:00'" });
    await test.rest(Promise.all([test.pool.query('SELECT 1'), test.pool.query('SELECT 2')]));
    for (const n of [0, 1])
      assert.deepEqual(test.connection(n).texts.slice(0, 2), ["SET time_zone = '+00:00'", STATE]);
  });

  it('a list runs in order, each after the one before it', async () => {
    const test = new TestPool({ max: 1, onConnect: ['SET a = 1', 'SET b = 2', 'SET c = 3'] });
    test.driver.reply = (sql) => (sql === 'SET b = 2' ? 'hang' : undefined);
    const answer = track(test.pool.query('SELECT 1'));
    await test.clock.settle();
    assert.deepEqual(test.connection().texts, ['SET a = 1', 'SET b = 2']);
    test.connection().answer();
    await test.clock.settle();
    assert.deepEqual(test.connection().texts.slice(2), ['SET c = 3', STATE, 'SELECT 1']);
    assert.equal(answer.state, 'fulfilled');
  });

  it('a function is awaited, and can use query, execute and stream', async () => {
    let go: () => void = () => {};
    const gate = new Promise<void>((resolve) => {
      go = resolve;
    });
    const seen: unknown[] = [];
    const test = new TestPool({
      max: 1,
      onConnect: async (connection) => {
        seen.push(connection.threadId, (await connection.query('SELECT 1'))[0]);
        await connection.execute('SET x = ?', [1]);
        await gate;
        await connection.query('SET y = 2');
      },
    });
    const answer = track(test.pool.query('SELECT 2'));
    await test.clock.settle();
    assert.deepEqual([answer.state, test.stats().opening], ['pending', 1]);
    go();
    await test.clock.settle();
    assert.equal(answer.state, 'fulfilled');
    assert.deepEqual(seen, [test.connection().threadId, [{ value: 1 }]]);
    assert.deepEqual(test.connection().texts, ['SELECT 1', 'SET x = ?', 'SET y = 2', STATE, 'SELECT 2']);
  });

  it('what it does is not the first holder’s: no reset, no uses', async () => {
    const test = new TestPool({ max: 1, onConnect: 'SET x = 1', maxUses: 2 });
    await test.rest(test.pool.query('SELECT 1'));
    assert.deepEqual([test.connection().resets, test.stats().cleanReleases], [0, 1]);
    assert.equal(test.stats().evicted.uses, 0);
  });

  it('when it fails so does the open, with its error as the cause, and nothing is left', async () => {
    const failure = serverError(1193, { code: 'ER_UNKNOWN_SYSTEM_VARIABLE' });
    for (const onConnect of [
      'SET nonsense = 1',
      () => Promise.reject(failure),
      () => {
        throw failure;
      },
    ]) {
      const test = new TestPool({ max: 1, onConnect });
      test.driver.reply = (sql) => (sql.includes('nonsense') ? failure : undefined);
      const answer = track(test.pool.query('SELECT 1'));
      await test.clock.settle();
      assert.deepEqual([answer.code, answer.error.cause], ['OPEN_FAILED', failure]);
      assert.ok(test.connection().destroyedWith);
      const { opening, opened, closed } = test.stats();
      assert.deepEqual([opening, opened, closed, test.driver.poolThreads], [0, 1, 1, 0]);
    }
  });

  it('something thrown that is no error becomes one, with it as the cause', async () => {
    const test = new TestPool({ max: 1, onConnect: () => Promise.reject('no') });
    const answer = track(test.pool.query('SELECT 1'));
    await test.clock.settle();
    assert.equal(answer.code, 'OPEN_FAILED');
    assert.equal((answer.error.cause as Error).cause, 'no');
  });

  it('something falsy that is thrown while it is replayed is a failure as well', async () => {
    for (const thrown of [undefined, null, '', 0]) {
      let runs = 0;
      const test = new TestPool({ max: 1, onConnect: () => runs++ === 1 && Promise.reject(thrown) });
      await test.rest(test.pool.query('SET @a = 1'));
      assert.equal(test.stats().evicted['reset-failed'], 1);
      assert.match(test.told('evict')[0]?.detail ?? '', /application threw/);
    }
  });

  it('a connection that is lost in it is a failed open, and the next attempt may succeed', async () => {
    const test = new TestPool({ max: 1, onConnect: 'SET x = 1' });
    test.driver.reply = (_, connection) => {
      if (connection !== test.driver.connections[0]) return undefined;
      connection.lose();
      return 'hang';
    };
    const answer = track(test.pool.query('SELECT 1'));
    await test.clock.advance(100);
    assert.deepEqual([answer.state, test.driver.connections.length], ['fulfilled', 2]);
  });

  it('lies within the deadline to connect', async () => {
    const test = new TestPool({ max: 1, connectTimeoutMs: 700, onConnect: () => new Promise(() => {}) });
    const answer = track(test.pool.query('SELECT 1'));
    await test.clock.advance(699);
    assert.deepEqual([answer.state, test.told('openFailed').length], ['pending', 0]);
    await test.clock.advance(1);
    assert.match(test.told('openFailed')[0]?.error.message ?? '', /within 700 ms/);
    assert.ok(test.connection().destroyedWith);
  });

  it('is given up when the pool is closed', async () => {
    const test = new TestPool({ max: 1, onConnect: () => new Promise(() => {}) });
    const answer = track(test.pool.query('SELECT 1'));
    await test.clock.settle();
    const closed = track(test.pool.close());
    await test.clock.settle();
    assert.deepEqual([answer.code, closed.state, test.driver.poolThreads], ['POOL_CLOSED', 'fulfilled', 0]);
  });

  it('is replayed after each reset, before the next holder', async () => {
    const test = new TestPool({ max: 1, onConnect: 'SET x = 1' });
    await test.rest(test.pool.query('SET @a = 1'));
    await test.rest(test.pool.query('SET @a = 2'));
    assert.deepEqual(test.connection().texts, [
      ...['SET x = 1', STATE, 'SET @a = 1'],
      ...['SET x = 1', STATE, 'SET @a = 2'],
      ...['SET x = 1', STATE],
    ]);
    assert.equal(test.connection().resets, 2);
  });

  it('a replay that fails, or hangs, costs the connection', async () => {
    for (const reply of ['hang', serverError(1193)] as const) {
      const test = new TestPool({ max: 1, onConnect: 'SET x = 1', connectTimeoutMs: 500 });
      const lease = await test.rest(test.pool.acquire());
      await test.rest(lease.query('SET @a = 1'));
      test.connection().reply = (sql) => (sql === 'SET x = 1' ? reply : undefined);
      lease.release();
      await test.clock.advance(500);
      assert.equal(test.stats().evicted['reset-failed'], 1);
      // Until the thread behind it is gone there is no room for another.
      await test.clock.advance(1_000);
      await test.rest(test.pool.query('SELECT 1'));
      assert.equal(test.connection(1).texts.at(-1), 'SELECT 1');
    }
  });

  it('leaves a transaction open: refused', async () => {
    for (const onConnect of ['START TRANSACTION', (connection: NewConnection) => connection.query('BEGIN')]) {
      const test = new TestPool({ max: 1, onConnect });
      const answer = track(test.pool.query('SELECT 1'));
      await test.clock.settle();
      assert.equal(answer.code, 'OPEN_FAILED');
      assert.match((answer.error.cause as Error).message, /transaction open/);
      assert.equal(test.driver.poolThreads, 0);
    }
  });

  it('its connection is of no use after it: whoever kept it can’t touch the next holder’s session', async () => {
    let kept: NewConnection | undefined;
    const test = new TestPool({
      max: 1,
      onConnect: (connection) => {
        kept = connection;
      },
    });
    await test.rest(test.pool.query('SELECT 1'));
    await assert.rejects(async () => kept?.query('SET @a = 1'), /onConnect is over/);
    await assert.rejects(async () => kept?.execute('SET @a = 1'), /onConnect is over/);
    assert.deepEqual(test.connection().texts, [STATE, 'SELECT 1']);
  });

  it('autocommit off is how connections are then meant to be', async () => {
    const test = new TestPool({ max: 1, onConnect: 'SET autocommit = 0' });
    const lease = await test.rest(test.pool.acquire());
    await test.rest(lease.query('UPDATE t SET a = 1'));
    assert.equal(lease.inTransaction, true);
    await test.rest(lease.commit());
    lease.release();
    await test.clock.settle();
    assert.deepEqual([test.stats().cleanReleases, test.connection().resets], [1, 0]);
    await test.rest(test.pool.query('SET autocommit = 1'));
    assert.equal(test.connection().resets, 1);
    await test.rest(test.pool.query('SELECT 1'));
    assert.equal(test.stats().rolledBack, 1, 'a SELECT has opened one again');
  });
});
