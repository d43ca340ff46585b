import assert from 'node:assert/strict';
import { serverError } from './fake-server.js';
import { coded, TestPool, track } from './fixture.js';

async function inTransaction() {
  const test = new TestPool({ max: 1 });
  const lease = await test.pool.acquire();
  await lease.beginTransaction();
  await lease.query('UPDATE t SET a = 1');
  const connection = test.connection();
  return { test, lease, connection };
}

/** A statement on a hot row fails like this, and the transaction is gone with it or not. */
function hot({ connection }: Awaited<ReturnType<typeof inTransaction>>, errno: number, gone: boolean): void {
  connection.reply = (sql) => {
    if (!sql.includes('hot')) return undefined;
    if (gone) connection.session.inTransaction = false;
    return serverError(errno);
  };
}

describe('statements of one connection', () => {
  it('are sent one at a time, in their order', async () => {
    const test = new TestPool();
    const lease = await test.pool.acquire();
    test.connection().reply = () => 'hang';
    const all = [1, 2, 3].map((n) => track(lease.query(`SELECT ${n}`)));
    for (let n = 1; n <= 3; n++) {
      await test.clock.settle();
      assert.equal(test.connection().sent.length, n);
      test.connection().answer();
    }
    await test.clock.settle();
    assert.deepEqual(
      all.map(({ state }) => state),
      ['fulfilled', 'fulfilled', 'fulfilled'],
    );
  });

  for (const [name, errno] of [
    ['a deadlock', 1213],
    ['a lock wait that timed out, where the server then rolls back', 1205],
  ] as const) {
    it(`what stands behind ${name} does not run by itself; rollback() says that the owner knows`, async () => {
      const started = await inTransaction();
      const { lease, connection } = started;
      hot(started, errno, true);
      const both = [track(lease.query('UPDATE hot SET a = 1')), track(lease.query('UPDATE t SET b = 2'))];
      await started.test.clock.settle();
      assert.deepEqual([both[0]?.state, both[1]?.code], ['rejected', 'TRANSACTION_ROLLED_BACK']);
      await assert.rejects(lease.query('UPDATE t SET c = 3'), coded('TRANSACTION_ROLLED_BACK'));
      await assert.rejects(lease.commit(), coded('TRANSACTION_ROLLED_BACK'));
      assert.ok(!connection.texts.some((sql) => /SET [bc] =|COMMIT/.test(sql)));
      await lease.rollback();
      await lease.query('UPDATE t SET d = 4');
      assert.equal(connection.texts.at(-1), 'UPDATE t SET d = 4');
    });
  }

  it('after an error that leaves the transaction open, the server is asked, and the rest runs inside', async () => {
    const started = await inTransaction();
    const { lease, connection } = started;
    hot(started, 1062, false);
    await assert.rejects(lease.query('INSERT INTO hot VALUES (1)'), { errno: 1062 });
    await lease.query('UPDATE t SET b = 2');
    await lease.commit();
    assert.deepEqual(connection.sent.slice(-3), [
      { sql: 'DO 0', inTransaction: true },
      { sql: 'UPDATE t SET b = 2', inTransaction: true },
      { sql: 'COMMIT', inTransaction: true },
    ]);
  });

  it('nothing is asked after an error outside of a transaction, nor before a ROLLBACK', async () => {
    const test = new TestPool({ max: 1 });
    const lease = await test.pool.acquire();
    test.driver.reply = (sql) => (sql.includes('broken') ? serverError(1054) : undefined);
    await assert.rejects(lease.query('SELECT broken'), { errno: 1054 });
    await lease.query('SELECT 1');
    await lease.beginTransaction();
    await assert.rejects(lease.query('SELECT broken'), { errno: 1054 });
    await lease.rollback();
    assert.ok(!test.connection().texts.includes('DO 0'));
  });

  it('a server that does not say: nothing more is sent, and the connection is not used again', async () => {
    const started = await inTransaction();
    const { test, lease, connection } = started;
    hot(started, 1062, false);
    await assert.rejects(lease.query('INSERT INTO hot VALUES (1)'), { errno: 1062 });
    connection.reply = (sql) => (sql === 'DO 0' ? serverError(1317) : undefined);
    await assert.rejects(lease.query('UPDATE t SET b = 2'), { name: 'HandbackError' });
    lease.release();
    await test.clock.settle();
    assert.equal(test.stats().evicted.broken, 1);
  });

  it('what stands behind a statement that is killed is not sent', async () => {
    const test = new TestPool({ max: 1, drainTimeoutMs: 1_000 });
    const lease = await test.pool.acquire();
    test.connection().reply = () => 'hang';
    const both = [track(lease.query('SELECT SLEEP(60)')), track(lease.query('UPDATE t SET a = 1'))];
    lease.release();
    await test.clock.advance(1_000);
    assert.deepEqual(
      both.map(({ code }) => code),
      ['QUERY_CANCELLED', 'LEASE_RELEASED'],
    );
    assert.deepEqual(test.connection().texts, ['SELECT SLEEP(60)']);
    assert.equal(test.stats().idle, 1);
  });
});
