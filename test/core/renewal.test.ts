import assert from 'node:assert/strict';
import type { ConnectionPool } from '#core/connection-pool.js';
import type { PoolOptions } from '#core/options.js';
import type { FakeConnection } from './fake-connection.js';
import { serverError } from './fake-server.js';
import { coded, TestPool, track } from './fixture.js';

/** A pool with so many idle connections and one that is out. */
async function pooled(idle: number, options: Partial<PoolOptions> = {}) {
  const test = new TestPool({ max: 10, maxOpening: 10, ...options });
  const leases = [];
  for (let n = 0; n <= idle; n++) leases.push(await test.pool.acquire());
  for (const each of leases) await each.query('SELECT 1');
  const [lease, ...others] = leases;
  assert.ok(lease);
  for (const other of others) other.release();
  await test.clock.settle();
  return { test, lease };
}

describe('evictAll', () => {
  it('idle ones are closed now, those in use when they come back; it says how many', async () => {
    const { test, lease } = await pooled(3);
    assert.equal(test.pool.evictAll(), 4);
    await test.clock.settle();
    assert.deepEqual([test.stats().idle, test.stats().leased, test.stats().evicted.stale], [0, 1, 3]);
    assert.ok(
      test.driver.connections.slice(1).every(({ ended }) => ended),
      'with a goodbye',
    );
    await test.rest(lease.query('SELECT 2'));
    lease.release();
    await test.clock.settle();
    assert.deepEqual([test.stats().evicted.stale, test.driver.poolThreads], [4, 0]);
    await test.rest(test.pool.query('SELECT 3'));
    assert.equal(test.connection(4).texts.at(-1), 'SELECT 3');
  });

  it('a transaction goes on, and is committed', async () => {
    const { test, lease } = await pooled(0);
    await lease.beginTransaction();
    test.pool.evictAll();
    await test.rest(lease.query('UPDATE t SET a = 1'));
    await test.rest(lease.commit());
    assert.deepEqual(test.connection().session.committed, ['UPDATE t SET a = 1']);
  });

  it('what is being opened is not used when it arrives; waiters get new ones', async () => {
    const test = new TestPool({ max: 2 });
    test.driver.hang();
    const waiting = [track(test.pool.acquire()), track(test.pool.acquire())];
    await test.clock.settle();
    test.pool.evictAll();
    test.driver.accept();
    for (const open of [...test.driver.opens]) if (!open.over) open.succeed();
    await test.clock.settle();
    assert.equal(test.stats().evicted.stale, 2);
    assert.deepEqual(
      waiting.map(({ value }) => value.threadId),
      [test.connection(2).threadId, test.connection(3).threadId],
    );
  });

  it('one that is being reset or drained is not used again', async () => {
    for (const sql of ['SET @a = 1', 'SELECT hangs']) {
      const { test, lease } = await pooled(0);
      test.driver.resetReply = 'hang';
      test.driver.reply = (text) => (text.includes('hangs') ? 'hang' : undefined);
      void track(lease.query(sql));
      await test.clock.settle();
      lease.release();
      await test.clock.settle();
      assert.equal(test.pool.evictAll(), 1);
      test.driver.resetReply = 'ok';
      test.connection().answerAnything();
      await test.clock.settle();
      await test.rest(test.pool.query('SELECT 2'));
      assert.equal(test.connection(1).texts.at(-1), 'SELECT 2');
      assert.equal(test.stats().evicted.stale, 1);
    }
  });

  it('no storm: not more than maxOpening at a time, and none that nobody needs', async () => {
    const { test } = await pooled(9, { maxOpening: 2, minIdle: 0 });
    test.driver.hang();
    test.pool.evictAll();
    await test.clock.settle();
    assert.equal(test.stats().opening, 0);
    for (let n = 0; n < 8; n++) void track(test.pool.acquire());
    await test.clock.settle();
    assert.equal(test.stats().opening, 2);
  });

  it('minIdle is made up for', async () => {
    const test = new TestPool({ minIdle: 2 });
    await test.clock.settle();
    test.pool.evictAll();
    await test.clock.settle();
    assert.deepEqual([test.stats().idle, test.stats().opened], [2, 4]);
  });

  it('of a pool that is empty, or closed, does nothing', async () => {
    const test = new TestPool();
    assert.equal(test.pool.evictAll(), 0);
    await test.pool.close();
    assert.equal(test.pool.evictAll(), 0);
    await assert.rejects(test.pool.acquire(), coded('POOL_CLOSED'));
  });
});

const READ_ONLY =
  'The MariaDB server is running with the --read-only option so it cannot execute this statement';

describe('errors that say something about all connections', () => {
  for (const [errno, message] of [
    [1053, 'Server shutdown in progress'],
    [1047, 'WSREP has not yet prepared node for application use'],
    [1290, READ_ONLY],
    [1290, 'running with the --super-read-only option'],
    [1836, 'Running in read-only mode'],
    [1792, 'Cannot execute statement in a READ ONLY transaction'],
  ] as const) {
    it(`${errno} ${message}: the pool is renewed`, async () => {
      const { test, lease } = await pooled(2);
      test.driver.reply = (sql) => (sql.startsWith('UPDATE') ? serverError(errno, { message }) : undefined);
      await assert.rejects(lease.query('UPDATE t SET a = 1'), { errno });
      await test.clock.settle();
      assert.equal(test.stats().evicted.stale, 2);
      lease.release();
      await test.rest(test.pool.query('SELECT 1'));
      assert.equal(test.connection(3).texts.at(-1), 'SELECT 1');
    });
  }

  for (const [errno, message] of [
    [1290, 'The MariaDB server is running with the --secure-file-priv option'],
    [1153, 'Got a packet bigger than max_allowed_packet'],
  ] as const) {
    it(`${errno} ${message}: that connection alone is not kept`, async () => {
      const { test, lease } = await pooled(2);
      test.driver.reply = () => serverError(errno, { message });
      await assert.rejects(lease.query('SELECT 1'), { errno });
      lease.release();
      await test.clock.settle();
      assert.deepEqual(
        [test.stats().evicted.stale, test.stats().evicted.broken, test.stats().idle],
        [0, 1, 2],
      );
    });
  }

  it('1792 in a transaction that was begun READ ONLY is its owner’s mistake', async () => {
    const { test, lease } = await pooled(2);
    test.driver.reply = (sql) => {
      if (sql.startsWith('UPDATE')) return serverError(1792);
      return undefined;
    };
    const flagged = test.connection().session;
    Object.defineProperty(flagged, 'ok', {
      value: { constructor: flagged.ok.constructor, serverStatus: 0x2003 },
    });
    const work = track(lease.transaction((tx) => tx.query('UPDATE t SET a = 1'), { readOnly: true }));
    await test.clock.settle();
    assert.deepEqual([work.state, test.stats().evicted.stale], ['rejected', 0]);
  });

  for (const errno of [1062, 1213, 1205, 1064]) {
    it(`${errno} says nothing about others`, async () => {
      const { test, lease } = await pooled(2);
      test.driver.reply = () => serverError(errno);
      await assert.rejects(lease.query('SELECT 1'), { errno });
      lease.release();
      await test.clock.settle();
      assert.deepEqual([test.stats().idle, test.told('distrust').length], [3, 0]);
    });
  }
});

describe('a primary that was demoted', () => {
  const refuseWrites = (test: TestPool, demoted: (connection: FakeConnection) => boolean) => {
    test.driver.reply = (sql, connection) =>
      sql.startsWith('UPDATE') && demoted(connection) ? serverError(1290, { message: READ_ONLY }) : undefined;
  };
  const write = async (db: Pick<ConnectionPool, 'query'>) => {
    await db.query('UPDATE t SET a = 1');
  };

  it('is left at once: where new connections lead elsewhere each has refused one write at most', async () => {
    const test = new TestPool({ max: 5, maxOpening: 5 });
    const leases = [];
    for (let n = 0; n < 5; n++) leases.push(await test.pool.acquire());
    const [held, ...others] = leases;
    assert.ok(held);
    const old = leases.map(({ threadId }) => threadId);
    refuseWrites(test, ({ threadId }) => old.includes(threadId));
    for (const lease of others) lease.release();
    let failed = 0;
    for (let n = 0; n < 20; n++) {
      const outcome = track(test.pool.run(write));
      await test.clock.advance(10);
      if (outcome.state === 'rejected') failed++;
    }
    assert.equal(failed, 1);
    assert.equal(test.stats().evicted.stale, 3);
    // One that was out the whole time refuses its own.
    const refused = track(held.query('UPDATE t SET a = 1'));
    await test.clock.settle();
    assert.equal((refused.error as { errno?: number }).errno, 1290);
    held.release();
    await test.clock.settle();
    assert.equal(test.driver.poolThreads, test.stats().idle);
  });

  it('inside one request the next statement is sent elsewhere, if nothing is lost by that', async () => {
    const { test, lease } = await pooled(0);
    lease.release();
    refuseWrites(test, ({ threadId }) => threadId === lease.threadId);
    const job = track(
      test.pool.run(async (db) => {
        await assert.rejects(write(db), { errno: 1290 });
        await assert.rejects(db.query('SELECT ROW_COUNT()'), coded('CONNECTION_LOST'));
        await write(db);
      }),
    );
    await test.clock.advance(10);
    assert.equal(job.state, 'fulfilled');
    assert.deepEqual(test.connection(1).texts, ['UPDATE t SET a = 1']);
  });

  it('a transaction there is not continued elsewhere', async () => {
    const { test, lease } = await pooled(0);
    lease.release();
    refuseWrites(test, ({ threadId }) => threadId === lease.threadId);
    const job = track(
      test.pool.run(async (db) => {
        await db.beginTransaction();
        await assert.rejects(write(db), { errno: 1290 });
        await db.query('SELECT 1');
        await db.rollback();
      }),
    );
    await test.clock.advance(10);
    assert.equal(job.state, 'fulfilled');
    assert.deepEqual(test.connection(0).texts.slice(-5), [
      'START TRANSACTION',
      'UPDATE t SET a = 1',
      'DO 0',
      'SELECT 1',
      'ROLLBACK',
    ]);
    assert.equal(test.stats().evicted.broken, 1);
  });

  it('one that nothing has replaced yet costs no storm of connections, and is left when it is replaced', async () => {
    const test = new TestPool({ max: 5 });
    let replacedAt = Number.POSITIVE_INFINITY;
    const demoted = new Set<number>();
    const opened = test.driver.onOpen;
    test.driver.onOpen = (open) => {
      opened(open);
      if (test.clock.now() < replacedAt) demoted.add(open.connection?.threadId as number);
    };
    refuseWrites(test, ({ threadId }) => demoted.has(threadId));
    const writing = async (times: number) => {
      let failed = 0;
      for (let n = 0; n < times; n++) {
        const outcomes = Array.from({ length: 5 }, () => track(test.pool.run(write)));
        await test.clock.advance(10);
        failed += outcomes.filter(({ state }) => state === 'rejected').length;
      }
      return failed;
    };
    const begun = test.clock.now();
    assert.equal(await writing(500), 2_500);
    const seconds = (test.clock.now() - begun) / 1_000;
    const { opened: connects } = test.stats();
    assert.ok(connects <= 5 * (seconds + 2), `${connects} connections in ${seconds} s`);
    replacedAt = test.clock.now();
    await writing(110);
    assert.equal(await writing(100), 0);
  });
});
