import assert from 'node:assert/strict';
import { finished } from 'node:stream/promises';
import { AUTOCOMMIT } from '#core/answer.js';
import type { PoolOptions } from '#core/options.js';
import { ResultSetHeader } from './fake-server.js';
import { coded, TestPool, track } from './fixture.js';
import { TestRequest } from './request-fixture.js';

function watched(options: Partial<PoolOptions> = {}) {
  return new TestPool({ max: 2, leakAfterMs: 1_000, ...options });
}

function leakWarnings(test: TestPool): string[] {
  return test
    .told('warning')
    .filter(({ code }) => code === 'LEAK')
    .map(({ message }) => message);
}

describe('leakAfterMs', () => {
  it('one who holds a connection longer is reported once: who, since when, what, how many statements', async () => {
    const test = watched();
    const { db } = new TestRequest(test, { route: 'GET /slow' });
    await db.query("SELECT * FROM users WHERE name = 'Ada'");
    await db.query('SELECT 7');
    await test.clock.advance(999);
    assert.equal(test.told('leak').length, 0);
    await test.clock.advance(1);
    assert.deepEqual(test.told('leak'), [
      {
        route: 'GET /slow',
        ageMs: 1_000,
        statement: 'SELECT ?',
        threadId: test.connection().threadId,
        lease: 1,
        connection: 1,
        statements: 2,
        sinceStatementMs: 1_000,
      },
    ]);
    await test.clock.advance(60_000);
    assert.deepEqual([test.told('leak').length, test.stats().leaked], [1, 1]);
  });

  it('tells for how long nothing has been sent', async () => {
    const test = watched();
    const { db } = new TestRequest(test, { route: 'GET /idle' });
    await db.query('SELECT 1');
    await test.clock.advance(400);
    await test.rest(db.query('SELECT 2'));
    await test.clock.advance(600);
    assert.equal(test.told('leak')[0]?.sinceStatementMs, 600);
    assert.match(leakWarnings(test)[0] ?? '', /statements so far: 2 \(the last one 600 ms ago\)/);
    assert.equal(test.pool.holders()[0]?.sinceStatementMs, 600);
  });

  it('says where it was asked for, of one acquire in 4096, and of the next ones when one has leaked without', async () => {
    const test = watched({ max: 3 });
    const leakingFunction = () => test.pool.acquire();
    const leak = async () => {
      const lease = await leakingFunction();
      await test.clock.advance(1_000);
      const [report] = test.told('leak').slice(-1);
      lease.release();
      return report?.stack;
    };
    assert.equal(await leak(), undefined);
    const stack = await leak();
    assert.match(stack?.[0] ?? '', /leakingFunction/);
    assert.ok(await leak(), 'not of one alone');
    for (let i = 0; i < 600; i++) (await test.pool.acquire()).release();
    assert.equal(await leak(), undefined, 'captured for ever');
    test.told('leak').length = 0;
    const fresh = watched();
    const sites: unknown[] = [];
    for (let i = 0; i < 8_192; i++) {
      const lease = await fresh.pool.acquire();
      sites.push(fresh.pool.holders()[0]?.stack);
      lease.release();
    }
    assert.equal(sites.filter(Boolean).length, 2);
  });

  const ASKING: Record<string, (test: TestPool) => unknown> = {
    'acquire() with options': ({ pool }) => pool.acquire({ timeoutMs: 500 }),
    'transaction()': ({ pool }) => pool.transaction(() => new Promise(() => {})),
    'run()': ({ pool }) => pool.run((db) => db.beginTransaction().then(() => new Promise(() => {}))),
  };
  for (const [what, ask] of Object.entries(ASKING)) {
    it(`says where it was asked for, of ${what} too`, async () => {
      const test = watched({ queryTimeoutMs: 0 });
      (await test.pool.acquire()).release();
      test.pool.tryAcquire();
      await test.clock.advance(1_000);
      const leakingFunction = () => ask(test);
      void leakingFunction();
      await test.clock.advance(1_000);
      assert.match(test.told('leak')[1]?.stack?.join() ?? '', /leakingFunction.*leaks\.test\.js/);
      assert.match(leakWarnings(test)[1] ?? '', /; asked for at .*leaks\.test\.js/);
    });
  }

  it('names no place of tryAcquire(), and none of a statement by itself', async () => {
    const test = watched({ queryTimeoutMs: 0 });
    (await test.pool.acquire()).release();
    test.pool.tryAcquire();
    await test.clock.advance(1_000);
    assert.equal(test.told('leak').length, 1);
    test.driver.reply = () => 'hang';
    void track(test.pool.query('SELECT SLEEP(10)'));
    await test.clock.settle();
    assert.deepEqual(
      test.pool.holders().map(({ route, stack }) => [route, stack]),
      [
        ['pool.tryAcquire', undefined],
        ['pool', undefined],
      ],
    );
  });

  it('captures no stacks for the sake of a statement by itself that takes long', async () => {
    const test = watched({ queryTimeoutMs: 0 });
    test.driver.reply = () => 'hang';
    void track(test.pool.query('SELECT SLEEP(10)'));
    await test.clock.advance(1_000);
    assert.equal(test.told('leak').length, 1);
    await test.rest(test.pool.acquire());
    assert.deepEqual(
      test.pool.holders().map(({ stack }) => stack),
      [undefined, undefined],
    );
  });

  it('of a request it names the line of its first query', async () => {
    const test = watched();
    const first = new TestRequest(test, { route: 'GET /a' });
    await first.db.query('SELECT 1');
    await test.clock.advance(1_000);
    const second = new TestRequest(test, { route: 'GET /b' });
    const handlerOfB = () => second.db.query('SELECT 1');
    await handlerOfB();
    await test.clock.advance(1_000);
    assert.match(leakWarnings(test)[1] ?? '', /; asked for at .*handlerOfB.*leaks\.test\.js/);
  });

  it('of a request that has given its connection back it names no line where it asked for that one', async () => {
    const test = watched();
    for (let n = 0; n < 4_095; n++) (await test.pool.acquire()).release();
    const { db } = new TestRequest(test);
    await db.query('SELECT 1');
    assert.ok(test.pool.holders()[0]?.stack, 'not captured');
    db.release();
    await test.clock.settle();
    await db.query('SELECT 2');
    await test.clock.advance(1_000);
    assert.equal(test.told('leak')[0]?.stack, undefined);
    assert.doesNotMatch(leakWarnings(test)[0] ?? 'none', /asked for|none/);
  });

  it('the event comes each time, the warning once per route', async () => {
    const test = watched();
    for (const route of ['GET /a', 'GET /a', 'GET /b']) {
      const request = new TestRequest(test, { route });
      await test.rest(request.db.query('SELECT 1'));
      await test.clock.advance(1_000);
      request.answer();
      await test.clock.settle();
    }
    assert.equal(test.told('leak').length, 3);
    const [a, b, ...more] = leakWarnings(test);
    assert.match(
      a ?? '',
      /^pool 'default': a connection is held by GET \/a for 1000 ms \(SELECT \?\), statements so far: 1/,
    );
    assert.match(b ?? '', / is held by GET \/b for /);
    assert.deepEqual(more, []);
  });

  const HELD: Record<string, [(test: TestPool, request: TestRequest) => unknown, RegExp]> = {
    'a response that has not ended': [
      () => {},
      /: its response has not ended\. db\.release\(\) hands it back between uses, or by itself the option idleHandBackMs\. Reported/,
    ],
    'with a transaction': [
      (_, { db }) => db.beginTransaction(),
      /its response has not ended, and a transaction is open\. When that is over, db\.release/,
    ],
    'with an insert id to be read': [
      (test, { db }) => {
        test.connection().reply = () => ({
          result: Object.assign(new ResultSetHeader(AUTOCOMMIT), { insertId: 1 }),
        });
        return db.query('INSERT INTO t VALUES (1)');
      },
      /has not ended, and LAST_INSERT_ID\(\) may still be asked for/,
    ],
    'with session state': [
      (_, { db }) => db.query('SET @a = 1'),
      /has not ended, and the session was changed/,
    ],
    'a statement after the response': [
      (test, request) => {
        test.connection().reply = () => 'hang';
        void track(request.db.query('SELECT SLEEP(100)'));
        request.answer();
      },
      /: its response has ended, and a statement, or a stream, has not come to its end\. Reported/,
    ],
    'a transaction(fn) after the response': [
      (_, request) => {
        void request.db.transaction(() => new Promise(() => {}));
        request.answer();
      },
      /its response has ended, and a transaction\(fn\) has not settled/,
    ],
    'a transaction of a client that has left': [
      async (_, request) => {
        await request.db.beginTransaction();
        request.leave();
      },
      /its client has left before the answer, and a transaction is open/,
    ],
  };
  for (const [what, [act, text]] of Object.entries(HELD)) {
    it(`the warning says why it has not come back: ${what}`, async () => {
      const test = watched({ drainTimeoutMs: 60_000, queryTimeoutMs: 0 });
      const request = new TestRequest(test);
      await test.rest(request.db.query('SELECT 1'));
      await act(test, request);
      await test.clock.advance(1_000);
      assert.match(leakWarnings(test)[0] ?? '', text);
    });
  }

  it('of one statement of the pool, that it has not come to its end', async () => {
    const test = watched();
    await test.rest(test.pool.query('SELECT 1'));
    test.connection().reply = () => 'hang';
    void track(test.pool.query('SELECT SLEEP(100)'));
    await test.clock.advance(1_000);
    assert.match(
      leakWarnings(test)[0] ?? '',
      /: a statement, or a stream, has not come to its end\. Reported/,
    );
  });

  it('of a job, that it has not ended; of a lease from acquire(), that it was not released', async () => {
    const test = watched();
    void test.pool.run(async (db) => {
      await db.query('SELECT 1');
      await new Promise(() => {});
    });
    await test.rest(test.pool.acquire());
    await test.clock.advance(1_000);
    const [lease, job] = leakWarnings(test).sort((a, b) => Number(a < b) - Number(a > b));
    assert.match(job ?? '', / is held by job for .*: its job has not ended\./);
    assert.match(lease ?? '', /statements so far: 0: its release\(\) has not been called\. Reported/);
  });

  it('when it comes back that is told, with the time it was out', async () => {
    const test = watched();
    const lease = await test.pool.acquire();
    await test.clock.advance(2_500);
    assert.equal(test.told('unleak').length, 0);
    lease.release();
    assert.deepEqual(test.told('unleak'), [
      { connection: 1, lease: 1, route: 'pool.acquire', heldMs: 2_500 },
    ]);
    const prompt = await test.pool.acquire();
    prompt.release();
    await test.clock.advance(5_000);
    assert.equal(test.told('unleak').length, 1);
  });

  it('so of one over which the pool was closed: it has its name still', async () => {
    const test = watched();
    test.listenNoMore();
    const lease = await test.rest(test.pool.acquire());
    await test.rest(lease.query('SELECT 1'));
    await test.clock.advance(1_000);
    const closed = track(test.pool.close({ timeoutMs: 100 }));
    await test.clock.advance(10_000);
    assert.equal(closed.state, 'fulfilled');
    lease.release();
    assert.deepEqual(test.told('unleak'), [
      { lease: 1, connection: 1, route: 'pool.acquire', heldMs: 11_000 },
    ]);
  });

  it('no report of what came back in time, nor of what is idle', async () => {
    const test = watched();
    for (let n = 0; n < 10; n++) {
      const lease = await test.pool.acquire();
      await test.clock.advance(900);
      lease.release();
      await test.clock.advance(10);
    }
    assert.deepEqual([test.told('leak'), test.told('unleak')], [[], []]);
  });

  it('per route; 0 = never', async () => {
    const test = watched({ max: 3 });
    await new TestRequest(test, { route: 'patient', leakAfterMs: 3_000 }).db.query('SELECT 1');
    await new TestRequest(test, { route: 'never', leakAfterMs: 0 }).db.query('SELECT 1');
    await test.clock.advance(2_999);
    assert.deepEqual(test.told('leak'), []);
    await test.clock.advance(60_000);
    assert.deepEqual(
      test.told('leak').map(({ route }) => route),
      ['patient'],
    );
  });
});

describe('maxHoldMs', () => {
  it('the reader of a stream is told of maxHoldMs', async () => {
    const test = watched({ max: 1, maxHoldMs: 2_000 });
    const rows = Array.from({ length: 100 }, (_, id) => ({ id }));
    test.driver.reply = (sql) => (sql === 'SELECT many' ? { result: rows } : undefined);
    const stream = test.pool.stream('SELECT many');
    const failed = track(finished(stream));
    stream.read();
    await test.clock.advance(3_000);
    assert.equal(failed.code, 'QUERY_CANCELLED');
    assert.match(failed.error.message, /maxHoldMs/);
  });

  it('one who holds a connection longer loses it: it is closed, and another serves whoever waits', async () => {
    const test = watched({ max: 1, maxHoldMs: 2_000 });
    const lease = await test.pool.acquire();
    const waiting = track(test.pool.acquire());
    await test.clock.advance(1_999);
    assert.equal(waiting.state, 'pending');
    await test.clock.advance(1);
    assert.equal(waiting.value.threadId, test.connection(1).threadId);
    assert.equal(test.stats().evicted.maxHold, 1);
    await assert.rejects(lease.query('SELECT 1'), (error: Error) => {
      assert.match(error.message, /longer than maxHoldMs/);
      return coded('LEASE_RELEASED').code === (error as never as { code: string }).code;
    });
    assert.throws(() => lease.connection(), coded('LEASE_RELEASED'));
    assert.deepEqual(test.connection(0).texts, []);
    lease.release();
    await test.clock.settle();
    assert.deepEqual([test.stats().leased, test.stats().released], [1, 1]);
  });

  it('its running statement is killed, and what waits behind it is not sent', async () => {
    const test = watched({ max: 1, maxHoldMs: 2_000 });
    const lease = await test.pool.acquire();
    test.driver.reply = () => 'hang';
    const running = track(lease.query('SELECT SLEEP(100)'));
    const behind = track(lease.query('UPDATE t SET a = 1'));
    await test.clock.advance(2_000);
    assert.deepEqual([running.code, behind.code], ['QUERY_CANCELLED', 'LEASE_RELEASED']);
    assert.match(behind.error.message, /maxHoldMs/);
    assert.deepEqual([test.driver.kills.length, test.stats().evicted.maxHold], [1, 1]);
    assert.equal(test.stats().ghost, 0);
  });

  it('its open transaction is rolled back, and that is told', async () => {
    const test = watched({ max: 1, maxHoldMs: 2_000 });
    const lease = await test.pool.acquire();
    await lease.beginTransaction();
    await lease.query('UPDATE t SET a = 1');
    await test.clock.advance(2_000);
    assert.deepEqual([test.stats().rolledBack, test.connection().session.committed], [1, []]);
    await assert.rejects(lease.commit(), coded('TRANSACTION_ROLLED_BACK'));
  });

  it('inside transaction(fn): TRANSACTION_ROLLED_BACK, and nothing is committed', async () => {
    const test = watched({ max: 1, maxHoldMs: 2_000 });
    let go: () => void = () => {};
    const gate = new Promise<void>((resolve) => {
      go = resolve;
    });
    const work = track(
      test.pool.transaction(async (tx) => {
        await tx.query('UPDATE t SET a = 1');
        await gate;
        await tx.query('UPDATE t SET a = 2');
      }),
    );
    await test.clock.advance(2_000);
    go();
    await test.clock.settle();
    assert.equal(work.code, 'TRANSACTION_ROLLED_BACK');
    assert.deepEqual(test.connection().texts, ['START TRANSACTION', 'UPDATE t SET a = 1']);
  });

  it('in a scope: with a transaction open nothing more is sent until rollback(); else it goes on with another', async () => {
    const test = watched({ max: 1, maxHoldMs: 2_000 });
    const { db } = new TestRequest(test);
    await db.query('SELECT 1');
    await test.clock.advance(2_000);
    await test.rest(db.query('SELECT 2'));
    assert.deepEqual(test.connection(1).texts, ['SELECT 2']);
    await db.beginTransaction();
    await test.clock.advance(2_000);
    await assert.rejects(db.query('UPDATE t SET a = 1'), coded('TRANSACTION_ROLLED_BACK'));
    await assert.rejects(db.commit(), coded('TRANSACTION_ROLLED_BACK'));
    await db.rollback();
    await test.rest(db.query('SELECT 3'));
    assert.deepEqual(test.connection(2).texts, ['SELECT 3']);
  });

  it('per route; 0 = as long as they like', async () => {
    const test = watched({ max: 2, maxHoldMs: 2_000 });
    await new TestRequest(test, { maxHoldMs: 500 }).db.query('SELECT 1');
    await new TestRequest(test, { maxHoldMs: 0 }).db.query('SELECT 1');
    await test.clock.advance(500);
    assert.deepEqual([test.stats().evicted.maxHold, test.stats().leased], [1, 1]);
    await test.clock.advance(60_000);
    assert.deepEqual([test.stats().evicted.maxHold, test.stats().leased], [1, 1]);
  });
});
