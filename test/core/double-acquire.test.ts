import assert from 'node:assert/strict';
import { Gate } from '@handback/contract/support/eventually.js';
import { coded, TestPool, track } from './fixture.js';
import { TestRequest } from './request-fixture.js';

/** Jobs know their owner. */
const CONTEXT = { context: true, maxOpening: 10 } as const;

const warnings = (test: TestPool) => test.told('warning').filter(({ code }) => code === 'DOUBLE_ACQUIRE');

describe('a request that holds a connection and asks for another', () => {
  it('is reported once for each beyond the first, whatever asks', async () => {
    const test = new TestPool({ ...CONTEXT, max: 10, minIdle: 3 });
    await test.pool.run(async function nightly(db) {
      await db.query('SELECT 1');
      await test.pool.query('SELECT 2');
      await test.pool.execute('SELECT 3');
      for await (const _row of test.pool.stream('SELECT 4'));
      await test.pool.transaction(async (tx) => void (await tx.query('SELECT 5')));
      await test.pool.run(async (inner) => void (await inner.query('SELECT 6')));
      const lease = await test.pool.acquire();
      await test.clock.settle();
      const ready = test.pool.tryAcquire();
      assert.ok(ready);
      ready.release();
      lease.release();
    });
    assert.equal(test.told('doubleAcquire').length, 7);
    assert.deepEqual([...new Set(test.told('doubleAcquire').map(({ route }) => route))], ['nightly']);
  });

  it('n acquires at once are n - 1 reports', async () => {
    const test = new TestPool({ ...CONTEXT, max: 5 });
    await test.pool.run(async () => {
      const leases = await Promise.all(Array.from({ length: 5 }, () => test.pool.acquire()));
      for (const lease of leases) lease.release();
    });
    assert.equal(test.told('doubleAcquire').length, 4);
  });

  it('one after the other is nothing to report', async () => {
    const test = new TestPool({ ...CONTEXT, max: 5 });
    await test.pool.run(async (db) => {
      await test.pool.query('SELECT 1');
      const lease = await test.pool.acquire();
      lease.release();
      await db.query('SELECT 2');
      await db.release();
      await test.clock.settle();
      await test.pool.run((inner) => inner.query('SELECT 3'));
    });
    assert.deepEqual(test.told('doubleAcquire'), []);
  });

  it('statements of the pool side by side hold nothing from one another', async () => {
    const test = new TestPool({ ...CONTEXT, max: 5 });
    await test.pool.run(() => Promise.all([1, 2, 3].map((n) => test.pool.query(`SELECT ${n}`))));
    assert.deepEqual(test.told('doubleAcquire'), []);
  });

  it('both places are named: lines of the application', async () => {
    const test = new TestPool({ ...CONTEXT, max: 5 });
    async function holds(db: { query(sql: string): Promise<unknown> }) {
      await db.query('SELECT 1');
    }
    async function asks() {
      await test.pool.query('SELECT 2');
    }
    await test.pool.run(async (db) => {
      await holds(db);
      await asks();
    });
    const [report] = test.told('doubleAcquire');
    assert.match(report?.first ?? '', /^holds \(.*double-acquire\.test\.js:\d+:\d+\)$/);
    assert.match(report?.second ?? '', /^asks \(.*double-acquire\.test\.js:\d+:\d+\)$/);
  });

  it('in a transaction, whose statements are sent later, the place is that of its call', async () => {
    const test = new TestPool({ ...CONTEXT, max: 5 });
    await test.pool.run((db) =>
      db.transaction(async function inside() {
        await test.pool.query('SELECT 1');
      }),
    );
    const [report] = test.told('doubleAcquire');
    assert.match(report?.first ?? '', /double-acquire\.test\.js:\d+:\d+/);
    assert.match(report?.second ?? '', /^inside \(/);
  });

  it('the warning says it once per route and places, and what to do', async () => {
    const test = new TestPool({ ...CONTEXT, max: 5 });
    const job = async () => {
      await test.pool.run(async function nightly(db) {
        await db.query('SELECT 1');
        await test.pool.query('SELECT 2');
      });
    };
    for (let n = 0; n < 3; n++) await job();
    assert.equal(test.told('doubleAcquire').length, 3);
    const [warning, ...others] = warnings(test);
    assert.equal(others.length, 0);
    for (const words of ['nightly', 'nightly (', "pool 'default'", 'release()', "onDoubleAcquire: 'allow'"])
      assert.ok(warning?.message.includes(words), `${words}: ${warning?.message}`);
  });

  it("'allow' says nothing", async () => {
    const test = new TestPool({ ...CONTEXT, max: 5, onDoubleAcquire: 'allow' });
    await test.pool.run(async (db) => {
      await db.query('SELECT 1');
      await test.pool.query('SELECT 2');
    });
    assert.deepEqual([test.told('doubleAcquire'), warnings(test)], [[], []]);
  });

  it('of two pools is no double acquire', async () => {
    const [test, other] = [new TestPool({ ...CONTEXT }), new TestPool({ ...CONTEXT })];
    await test.pool.run(async (db) => {
      await db.query('SELECT 1');
      await other.pool.query('SELECT 2');
      await other.pool.run((inner) => inner.query('SELECT 3'));
    });
    assert.deepEqual([test.told('doubleAcquire'), other.told('doubleAcquire')], [[], []]);
  });

  it('work that goes on after its job is nobody’s any more', async () => {
    const test = new TestPool({ ...CONTEXT, max: 5 });
    let late: Promise<unknown> = Promise.resolve();
    await test.pool.run(async () => {
      late = test.clock.settle().then(async () => {
        const leases = [await test.pool.acquire(), await test.pool.acquire()];
        for (const lease of leases) lease.release();
      });
    });
    await late;
    assert.deepEqual(test.told('doubleAcquire'), []);
  });

  it('work that goes on after its transaction is nobody’s any more', async () => {
    const test = new TestPool({ ...CONTEXT, max: 5 });
    let late: Promise<unknown> = Promise.resolve();
    await test.pool.transaction(async () => {
      late = test.clock.settle().then(async () => {
        const leases = [await test.pool.acquire(), await test.pool.acquire()];
        for (const lease of leases) lease.release();
      });
    });
    await late;
    assert.deepEqual(test.told('doubleAcquire'), []);
  });

  it('what was given back, and still runs, is held no more', async () => {
    const test = new TestPool({ ...CONTEXT, max: 5 });
    test.driver.reply = (sql) => (sql === 'SELECT 1' ? 'hang' : undefined);
    await test.pool.run(async (db) => {
      const slow = db.query('SELECT 1');
      await test.clock.settle();
      await db.release();
      assert.equal(test.stats().draining, 1);
      await test.pool.query('SELECT 2');
      test.connection().answer();
      await slow;
    });
    assert.deepEqual(test.told('doubleAcquire'), []);
  });

  it('without the option, and without a scope, nobody is known', async () => {
    const test = new TestPool({ max: 5 });
    await test.pool.run(async (db) => {
      await db.query('SELECT 1');
      await test.pool.query('SELECT 2');
    });
    assert.deepEqual(test.told('doubleAcquire'), []);
  });
});

describe('acquire({ scope })', () => {
  it('says on whose behalf: the request that holds one is reported', async () => {
    const test = new TestPool({ max: 5 });
    const request = new TestRequest(test, { route: 'GET /orders' });
    await test.rest(request.db.query('SELECT 1'));
    const lease = await test.rest(test.pool.acquire({ scope: request.db }));
    const ready = test.pool.tryAcquire({ scope: request.db });
    assert.deepEqual(
      test.told('doubleAcquire').map(({ route }) => route),
      ['GET /orders', 'GET /orders'].slice(0, ready ? 2 : 1),
    );
    assert.equal(test.pool.holders()[1]?.route, 'GET /orders (pool.acquire)');
    ready?.release();
    lease.release();
  });

  it('the first place is known as soon as anybody has said it', async () => {
    const test = new TestPool({ max: 5 });
    const use = async () => {
      const request = new TestRequest(test);
      await test.rest(request.db.query('SELECT 1'));
      const lease = await test.rest(test.pool.acquire({ scope: request.db }));
      lease.release();
      request.answer();
      await test.clock.settle();
    };
    await use();
    await use();
    const [unknown, known] = test.told('doubleAcquire');
    assert.equal(unknown?.first, 'an unknown place');
    assert.match(known?.first ?? '', /double-acquire\.test\.js/);
  });

  it('the other way round too, and while the first one still waits', async () => {
    const test = new TestPool({ max: 1 });
    const held = await test.rest(test.pool.acquire());
    const request = new TestRequest(test, { route: 'GET /orders' });
    const first = track(test.pool.acquire({ scope: request.db }));
    const second = track(request.db.query('SELECT 1'));
    const third = track(test.pool.acquire({ scope: request.db }));
    assert.equal(test.told('doubleAcquire').length, 2);
    held.release();
    await test.clock.settle();
    first.value.release();
    await test.clock.settle();
    assert.equal(second.state, 'fulfilled');
    request.answer();
    await test.clock.settle();
    third.value.release();
  });

  it('a request whose first query still waits', async () => {
    const test = new TestPool({ max: 1 });
    const held = await test.rest(test.pool.acquire());
    const request = new TestRequest(test);
    const first = track(request.db.query('SELECT 1'));
    const second = track(test.pool.acquire({ scope: request.db }));
    assert.equal(test.told('doubleAcquire').length, 1);
    held.release();
    await test.clock.settle();
    assert.equal(first.state, 'fulfilled');
    request.answer();
    await test.clock.settle();
    second.value.release();
  });

  it('a request that was answered holds nothing', async () => {
    const test = new TestPool({ max: 5 });
    const request = new TestRequest(test);
    await test.rest(request.db.query('SELECT 1'));
    request.answer();
    await test.clock.settle();
    for (const lease of [
      await test.rest(test.pool.acquire({ scope: request.db })),
      await test.rest(test.pool.acquire({ scope: request.db })),
    ])
      lease.release();
    assert.deepEqual(test.told('doubleAcquire'), []);
  });

  it('what is no scope is refused', async () => {
    const { pool } = new TestPool();
    for (const scope of [{}, null, 'db', pool]) {
      await assert.rejects(pool.acquire({ scope: scope as never }), coded('INVALID_OPTION'));
      assert.throws(() => pool.tryAcquire({ scope: scope as never }), coded('INVALID_OPTION'));
    }
  });
});

/** As many jobs as there are connections, each of which holds one and then asks for another. */
async function fourByTwo(onDoubleAcquire: 'warn' | 'error', size = 4) {
  const test = new TestPool({ ...CONTEXT, max: size, onDoubleAcquire });
  let holding = 0;
  const all = new Gate();
  const jobs = Array.from({ length: size }, (_, n) =>
    track(
      test.pool.run(async (db) => {
        await db.query('SELECT 1');
        holding++;
        if (holding === size) all.open();
        await all.opened;
        await (n % 2 ? test.pool.query('SELECT 2') : test.pool.run((inner) => inner.query('SELECT 3')));
      }),
    ),
  );
  await test.clock.settle();
  return { test, jobs };
}

const states = (jobs: { state: string; code: string | undefined }[]) =>
  jobs.map(({ state, code }) => code ?? state);

describe('four requests that need two connections each, of four', () => {
  it("with 'error' the one that makes the deadlock complete is refused at once, and the others go on", async () => {
    const { test, jobs } = await fourByTwo('error');
    assert.deepEqual(states(jobs).sort(), ['DOUBLE_ACQUIRE', 'fulfilled', 'fulfilled', 'fulfilled']);
    assert.deepEqual([test.stats().leased, test.stats().pending, test.stats().timedOut], [0, 0, 0]);
    const error = jobs.find(({ code }) => code === 'DOUBLE_ACQUIRE')?.error;
    assert.equal(error?.report?.holders.length, 4);
    assert.ok(error?.report?.holders.every(({ waiting }) => waiting));
    assert.ok(!error?.message.includes('.js'), 'the message is for the public');
  });

  it("with 'warn' they wait until the deadline, whose report names who holds and waits", async () => {
    const { test, jobs } = await fourByTwo('warn');
    assert.deepEqual(states(jobs), Array(4).fill('pending'));
    await test.clock.advance(5_000);
    const errors = jobs.filter(({ code }) => code === 'ACQUIRE_TIMEOUT').map(({ error }) => error);
    assert.ok(errors.length > 0);
    assert.deepEqual(
      errors[0]?.report?.holders.map(({ waiting }) => waiting),
      Array(4).fill(true),
    );
    assert.match(
      test.told('warning').find(({ code }) => code === 'ACQUIRE_TIMEOUT')?.message ?? '',
      /waits for another/,
    );
    await test.clock.settle();
    assert.deepEqual([test.stats().leased, test.stats().pending], [0, 0]);
  });

  it('who has stopped waiting is not said to wait', async () => {
    const test = new TestPool({ ...CONTEXT, max: 1 });
    const job = track(
      test.pool.run(async (db) => {
        await db.query('SELECT 1');
        await test.pool.acquire({ timeoutMs: 10 }).catch(() => undefined);
        await new Promise(() => {});
      }),
    );
    await test.clock.settle();
    assert.equal(test.pool.holders()[0]?.waiting, true);
    const other = track(test.pool.query('SELECT 2'));
    await test.clock.advance(5_000);
    assert.equal(job.state, 'pending');
    assert.equal(other.error.report?.holders[0]?.waiting, undefined);
    assert.equal(test.pool.holders()[0]?.waiting, undefined);
  });

  it('of one connection, the only one', async () => {
    const { jobs } = await fourByTwo('error', 1);
    assert.deepEqual(states(jobs), ['DOUBLE_ACQUIRE']);
  });
});

describe("with 'error' nobody is refused who can still be served:", () => {
  const error = { ...CONTEXT, onDoubleAcquire: 'error' } as const;

  it('somebody who holds one is at work', async () => {
    const test = new TestPool({ ...error, max: 2 });
    const other = await test.rest(test.pool.acquire());
    const job = track(
      test.pool.run(async (db) => {
        await db.query('SELECT 1');
        await test.pool.query('SELECT 2');
      }),
    );
    await test.clock.settle();
    assert.equal(job.state, 'pending');
    other.release();
    await test.clock.settle();
    assert.equal(job.state, 'fulfilled');
  });

  it('one that may still be opened', async () => {
    const test = new TestPool({ ...error, max: 2 });
    const job = test.pool.run(async (db) => {
      await db.query('SELECT 1');
      await test.pool.query('SELECT 2');
    });
    await test.rest(job);
  });

  it('one that is held for a statement', async () => {
    const test = new TestPool({ ...error, max: 1 });
    test.driver.reply = (sql) => (sql === 'SELECT 1' ? 'hang' : undefined);
    const job = track(
      test.pool.run(() => Promise.all([test.pool.query('SELECT 1'), test.pool.query('SELECT 2')])),
    );
    await test.clock.settle();
    assert.equal(job.state, 'pending');
    test.connection().answer();
    await test.clock.settle();
    assert.equal(job.state, 'fulfilled');
  });

  it('one that drains', async () => {
    const test = new TestPool({ ...error, max: 1 });
    test.driver.reply = (sql) => (sql === 'SELECT 1' ? 'hang' : undefined);
    const job = track(
      test.pool.run(async (db) => {
        void db.query('SELECT 1').catch(() => undefined);
        await test.clock.settle();
        await db.release();
        await test.pool.query('SELECT 2');
      }),
    );
    await test.clock.settle();
    assert.equal(job.state, 'pending');
    test.connection().answer();
    await test.clock.settle();
    assert.equal(job.state, 'fulfilled');
  });
});

describe("with 'error' the deadlock is seen", () => {
  const error = { ...CONTEXT, onDoubleAcquire: 'error' } as const;

  it('inside pool.transaction(fn)', async () => {
    const test = new TestPool({ ...error, max: 1 });
    const outer = track(test.pool.transaction(() => test.pool.query('SELECT 1')));
    await test.clock.settle();
    assert.equal(outer.code, 'DOUBLE_ACQUIRE');
    assert.equal(test.stats().leased, 0);
  });

  it('when a connection that was handed over makes it complete', async () => {
    const test = new TestPool({ ...error, max: 2 });
    const other = await test.rest(test.pool.acquire());
    // It holds one and asks for two: when it gets the second, it still waits for the third.
    const job = track(
      test.pool.run(async (db) => {
        await db.query('SELECT 1');
        await Promise.all([test.pool.acquire(), test.pool.acquire()]);
      }),
    );
    await test.clock.settle();
    assert.equal(job.state, 'pending');
    other.release();
    await test.clock.settle();
    assert.equal(job.code, 'DOUBLE_ACQUIRE');
  });

  it('when max is made smaller', async () => {
    const test = new TestPool({ ...error, max: 2 });
    test.mayExceed = true;
    const job = track(
      test.pool.run(async (db) => {
        await db.query('SELECT 1');
        test.pool.resize({ max: 1 });
        await test.pool.query('SELECT 2');
      }),
    );
    await test.clock.settle();
    assert.equal(job.code, 'DOUBLE_ACQUIRE');
  });

  it('by acquire({ scope }), without the option context', async () => {
    const test = new TestPool({ max: 1, onDoubleAcquire: 'error' });
    const request = new TestRequest(test);
    await test.rest(request.db.query('SELECT 1'));
    await assert.rejects(test.pool.acquire({ scope: request.db }), coded('DOUBLE_ACQUIRE'));
    request.answer();
    await test.clock.settle();
    assert.equal(test.stats().idle, 1);
  });
});
