import assert from 'node:assert/strict';
import { sumOfStates, TestPool, track } from './fixture.js';

describe('statistics', () => {
  it('a fresh pool has all its figures, and they are zero', () => {
    const { max, maxIdle, minIdle, evicted, ...rest } = new TestPool({ max: 7, maxIdle: 5 }).stats();
    assert.deepEqual([max, maxIdle, minIdle], [7, 5, 0]);
    assert.deepEqual(new Set(Object.values(rest)), new Set([0]));
    assert.deepEqual(new Set(Object.values(evicted)), new Set([0]));
    const gauges = [
      'idle',
      'leased',
      'opening',
      'validating',
      'resetting',
      'draining',
      'ghost',
      'closing',
      'pending',
    ];
    const counters = [
      'opened',
      'closed',
      'acquired',
      'released',
      'timedOut',
      'shed',
      'late',
      'rolledBack',
      'reset',
      'cleanReleases',
      'validated',
      'retried',
      'retriedTransactions',
      'queryTimedOut',
      'leaked',
    ];
    assert.deepEqual(Object.keys(rest).sort(), [...gauges, ...counters].sort());
  });

  it('a snapshot does not move, and can’t be used to change the pool', async () => {
    const test = new TestPool();
    const before = test.stats();
    await test.pool.query('SELECT 1');
    assert.equal(before.acquired, 0);
    (before.evicted as Record<string, number>).idle = 99;
    assert.equal(test.stats().evicted.idle, 0);
  });

  it('follow one connection through all its states; opened - closed is their sum after every step', async () => {
    const test = new TestPool({ max: 1, drainTimeoutMs: 100 });
    const seen: string[] = [];
    const look = () => {
      const stats = test.stats();
      assert.equal(sumOfStates(stats), stats.opened - stats.closed);
      const states = Object.entries(stats).filter(([, count]) => count === 1);
      seen.push(states.map(([name]) => name).find((name) => STATES.has(name)) ?? 'none');
    };
    test.driver.hang();
    const acquiring = track(test.pool.acquire());
    await test.clock.settle();
    look();
    const connection = test.driver.opens[0]?.succeed();
    assert.ok(connection);
    await test.clock.settle();
    look();
    connection.reply = (sql) => (sql.includes('SLEEP') ? 'hang' : undefined);
    void track(acquiring.value.query('SELECT SLEEP(1)'));
    acquiring.value.release();
    look();
    connection.resetReply = 'hang';
    await test.clock.advance(100);
    look();
    connection.answerReset();
    await test.clock.settle();
    look();
    connection.saysGoodbye = false;
    const lease = await test.pool.acquire();
    lease.connection();
    lease.release();
    look();
    await test.clock.advance(1_000);
    look();
    assert.deepEqual(seen, ['opening', 'leased', 'draining', 'resetting', 'idle', 'closing', 'none']);
  });

  it('count what was acquired, released, cleaned and rolled back', async () => {
    const test = new TestPool({ max: 1 });
    await test.pool.query('SELECT 1');
    await test.pool.query('SET @a = 1');
    await test.clock.settle();
    const lease = await test.pool.acquire();
    await lease.beginTransaction();
    lease.release();
    await test.clock.settle();
    const { acquired, released, cleanReleases, reset, rolledBack } = test.stats();
    assert.deepEqual(
      { acquired, released, cleanReleases, reset, rolledBack },
      { acquired: 3, released: 3, cleanReleases: 1, reset: 2, rolledBack: 1 },
    );
  });
});

const STATES = new Set([
  'opening',
  'idle',
  'validating',
  'leased',
  'draining',
  'resetting',
  'closing',
  'ghost',
]);
