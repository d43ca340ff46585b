import assert from 'node:assert/strict';
import { coded, TestPool, track } from './fixture.js';

/** A released its lease, and B holds the same connection now. */
async function handedOn() {
  const test = new TestPool({ max: 1 });
  const stale = await test.pool.acquire();
  stale.release();
  const holder = await test.pool.acquire();
  assert.equal(holder.threadId, stale.threadId);
  return { ...test, test, stale, holder, connection: test.connection() };
}

describe('a lease that was released', () => {
  it('releasing it again never frees the connection of the next holder', async () => {
    const { clock, pool, stale, holder } = await handedOn();
    stale.release();
    stale[Symbol.dispose]();
    await stale[Symbol.asyncDispose]();
    await clock.settle();
    assert.equal(pool.tryAcquire(), undefined);
    assert.deepEqual([pool.stats().leased, pool.stats().idle, pool.stats().released], [1, 0, 1]);
    await holder.query('SELECT 1');
  });

  it('rejects every statement with LEASE_RELEASED, and sends nothing', async () => {
    const { stale, connection } = await handedOn();
    const calls: [string, () => Promise<unknown>][] = [
      ['query', () => stale.query('SELECT 1')],
      ['execute', () => stale.execute('SELECT 1')],
      ['beginTransaction', () => stale.beginTransaction()],
      ['rollback', () => stale.rollback()],
      ['transaction', () => stale.transaction(() => 1)],
      ['connection', async () => stale.connection()],
      ['stream', () => stale.stream('SELECT 1').toArray()],
    ];
    for (const [name, call] of calls) await assert.rejects(call(), coded('LEASE_RELEASED'), name);
    await assert.rejects(stale.commit(), coded('TRANSACTION_ROLLED_BACK'), 'commit: nothing was committed');
    assert.deepEqual(connection.texts, []);
  });

  it('is not affected by, and does not see, the transaction of the next holder', async () => {
    const { stale, holder } = await handedOn();
    await holder.beginTransaction();
    assert.equal(stale.inTransaction, false);
    assert.equal(holder.inTransaction, true);
  });

  it('its statement that still runs is answered, and never belongs to the next holder', async () => {
    const { clock, pool, connection, holder } = await handedOn();
    connection.reply = () => 'hang';
    const answer = track(holder.query('SELECT SLEEP(1)'));
    holder.release();
    const waiting = track(pool.acquire());
    await clock.settle();
    assert.equal(waiting.state, 'pending');
    connection.reply = () => undefined;
    connection.answer();
    await clock.settle();
    assert.equal(answer.state, 'fulfilled');
    assert.equal(waiting.state, 'fulfilled');
  });

  it('a lease given away with `using` is released at the end of the block', async () => {
    const { clock, pool, holder } = await handedOn();
    holder.release();
    {
      await using lease = await pool.acquire();
      await lease.query('SELECT 1');
      assert.equal(pool.stats().leased, 1);
    }
    await clock.settle();
    assert.equal(pool.stats().leased, 0);
  });
});

describe('a transaction(fn) whose lease was taken away', () => {
  it('asks nothing on the session of the next holder, and learns nothing from it', async () => {
    const test = new TestPool({ max: 1 });
    const lease = await test.pool.acquire();
    let fail = (_error: Error) => {};
    const work = lease
      .transaction(async (tx) => {
        await tx.query('UPDATE t SET a = 1');
        await new Promise((_resolve, reject) => {
          fail = reject;
        });
      })
      .catch((error) => error);
    await test.clock.settle();
    lease.release();
    await test.clock.settle();
    const next = await test.pool.acquire();
    await next.beginTransaction();
    test.driver.reply = () => Object.assign(new Error('lock wait'), { errno: 1205 });
    await next.query('UPDATE t SET a = 2').catch(() => undefined);
    const { length } = test.connection().texts;
    fail(new Error('my own'));
    assert.equal((await work).message, 'my own');
    await test.clock.settle();
    assert.equal(test.connection().texts.length, length);
    next.release();
  });
});
