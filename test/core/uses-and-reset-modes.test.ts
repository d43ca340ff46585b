import assert from 'node:assert/strict';
import type { PoolOptions } from '#core/options.js';
import { serverError } from './fake-server.js';
import { TestPool } from './fixture.js';

/** What a pool with these options does to a connection on which these statements ran. */
async function afterRunning(options: Partial<PoolOptions>, ...statements: string[]) {
  const test = new TestPool({ max: 1, ...options });
  test.driver.reply = (sql) => (sql.includes('broken') ? serverError(1054) : undefined);
  const lease = await test.rest(test.pool.acquire());
  for (const sql of statements) await lease.query(sql).catch(() => undefined);
  lease.release();
  await test.clock.settle();
  return test;
}

describe('maxUses', () => {
  it('a connection that has run so many statements is replaced when it comes back, not before', async () => {
    const test = new TestPool({ max: 1, maxUses: 3 });
    const lease = await test.pool.acquire();
    for (let n = 0; n < 5; n++) await lease.query(`SELECT ${n}`);
    assert.equal(test.connection().texts.length, 5);
    lease.release();
    await test.clock.settle();
    assert.deepEqual([test.stats().evicted.uses, test.stats().idle], [1, 0]);
  });

  it('counts over leases, and resets don’t start it anew', async () => {
    const test = new TestPool({ max: 1, maxUses: 3 });
    for (const sql of ['SET @a = 1', 'SELECT 1']) await test.rest(test.pool.query(sql));
    assert.deepEqual([test.stats().evicted.uses, test.stats().reset], [0, 1]);
    await test.rest(test.pool.query('SELECT 2'));
    assert.equal(test.stats().evicted.uses, 1);
  });

  it('leases without a statement are no uses; 0 = never', async () => {
    for (const maxUses of [1, 0]) {
      const test = new TestPool({ max: 1, maxUses });
      for (let n = 0; n < 10; n++) {
        const lease = await test.pool.acquire();
        if (maxUses === 0) await lease.query('SELECT 1');
        lease.release();
        await test.clock.settle();
      }
      assert.equal(test.stats().opened, 1);
    }
  });
});

describe('reset modes', () => {
  it('always: after every use, but not where nothing ran', async () => {
    assert.equal((await afterRunning({ reset: 'always' }, 'SELECT 1')).connection().resets, 1);
    const unused = await afterRunning({ reset: 'always' });
    assert.deepEqual([unused.connection().resets, unused.stats().cleanReleases], [0, 1]);
    (await unused.pool.acquire()).release();
    await unused.clock.settle();
    assert.equal(unused.connection().resets, 0);
  });

  it('auto: only where something may have been left', async () => {
    assert.equal((await afterRunning({ reset: 'auto' }, 'SELECT 1')).connection().resets, 0);
    assert.equal((await afterRunning({ reset: 'auto' }, 'SET @a = 1')).connection().resets, 1);
  });

  for (const [statements, sent] of [
    [['SELECT 1'], []],
    [['SET @a = 1'], []],
    [['START TRANSACTION', 'UPDATE t SET a = 1'], ['ROLLBACK']],
    [['START TRANSACTION', 'COMMIT'], []],
    [['SELECT broken'], ['ROLLBACK']],
  ] as const) {
    it(`rollback: after ${statements.join('; ')}, ${sent.join() || 'nothing'} is sent, and no reset`, async () => {
      const test = await afterRunning({ reset: 'rollback' }, ...statements);
      assert.deepEqual(test.connection().texts.slice(statements.length), sent);
      assert.deepEqual([test.connection().resets, test.stats().idle], [0, 1]);
      assert.deepEqual([test.stats().cleanReleases, test.stats().reset], sent.length === 0 ? [1, 0] : [0, 1]);
    });
  }

  it('rollback: session state stays, a transaction does not', async () => {
    const test = await afterRunning({ reset: 'rollback' }, 'SET @a = 1', 'BEGIN', 'UPDATE t SET a = 1');
    const { session } = test.connection();
    assert.deepEqual([session.touched, session.inTransaction, session.committed], [true, false, []]);
    const again = await test.pool.acquire();
    assert.equal(again.inTransaction, false);
    assert.equal(test.stats().rolledBack, 1);
  });

  it('rollback: a ROLLBACK that fails, or hangs, costs the connection', async () => {
    for (const reply of ['hang', serverError(1064)] as const) {
      const test = new TestPool({ max: 1, reset: 'rollback', connectTimeoutMs: 500 });
      const lease = await test.pool.acquire();
      await lease.beginTransaction();
      test.driver.reply = (sql) => (sql === 'ROLLBACK' ? reply : undefined);
      lease.release();
      await test.clock.advance(500);
      assert.equal(test.stats().evicted['reset-failed'], 1);
      await test.clock.advance(2_000);
      assert.equal(test.driver.poolThreads, 0);
    }
  });

  for (const reset of ['auto', 'always', 'rollback'] as const) {
    it(`${reset}: another character set, or an exposed connection, is closed all the same`, async () => {
      const test = new TestPool({ max: 1, reset });
      const lease = await test.pool.acquire();
      await lease.query('SELECT 1');
      test.connection().otherCharset = true;
      lease.release();
      await test.clock.settle();
      const other = await test.rest(test.pool.acquire());
      other.connection();
      other.release();
      await test.clock.settle();
      assert.deepEqual([test.stats().evicted.charset, test.stats().evicted.exposed], [1, 1]);
    });
  }
});
