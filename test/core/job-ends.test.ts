import assert from 'node:assert/strict';
import { coded, TestPool, track } from './fixture.js';

/** Every connection is back, and clean enough to be idle. */
function assertBack(test: TestPool): void {
  const { leased, draining, resetting, pending, acquired, released } = test.stats();
  assert.deepEqual(
    { leased, draining, resetting, pending },
    { leased: 0, draining: 0, resetting: 0, pending: 0 },
  );
  assert.equal(acquired, released);
}

const failure = new Error('job failed');

describe('how a job ends', () => {
  const endings = {
    'throws at once': () => {
      throw failure;
    },
    'throws after its query': async (query: () => Promise<unknown>) => {
      await query();
      throw failure;
    },
    'throws beside a query that it does not await': async (query: () => Promise<unknown>) => {
      void query();
      throw failure;
    },
    'rejects with its query': async (query: () => Promise<unknown>) => {
      await query();
      return Promise.reject(failure);
    },
  };
  for (const [how, fn] of Object.entries(endings)) {
    it(`one that ${how} hands back, and its error is the caller’s`, async () => {
      const test = new TestPool({ max: 1 });
      const run = track(test.pool.run((db) => fn(() => db.query('SELECT 1')) as Promise<unknown>));
      await test.clock.settle();
      assert.equal(run.error, failure);
      assertBack(test);
    });
  }

  it('one that returns early hands back', async () => {
    const test = new TestPool({ max: 1 });
    const job = test.pool.wrap(async (db, isDone: boolean) => {
      await db.query('SELECT 1');
      if (isDone) return 'early';
      await db.query('SELECT 2');
      return 'late';
    });
    assert.equal(await test.rest(job(true)), 'early');
    assertBack(test);
    assert.equal(await test.rest(job(false)), 'late');
    assertBack(test);
  });

  it('statements that it did not await are drained before the connection goes back', async () => {
    const test = new TestPool({ max: 1 });
    test.driver.reply = (sql) => (sql === 'SELECT SLOW' ? 'hang' : undefined);
    let slow: Promise<unknown> | undefined;
    const job = track(
      test.pool.run((db) => {
        slow = db.query('SELECT SLOW');
        return 'done';
      }),
    );
    await test.clock.settle();
    assert.equal(job.value, 'done');
    const outcome = track(slow as Promise<unknown>);
    const next = track(test.pool.query('SELECT 2'));
    await test.clock.settle();
    assert.deepEqual([test.stats().leased, next.state], [1, 'pending']);
    test.connection().answer({ result: [] });
    await test.clock.settle();
    assert.deepEqual([outcome.state, next.state], ['fulfilled', 'fulfilled']);
    assertBack(test);
  });

  it('what it did not await and does not end is killed at drainTimeoutMs', async () => {
    const test = new TestPool({ max: 1 });
    test.driver.reply = (sql) => (sql === 'SELECT SLOW' ? 'hang' : undefined);
    let slow: Promise<unknown> | undefined;
    await test.rest(
      test.pool.run(
        (db) => {
          slow = db.query('SELECT SLOW');
        },
        { drainTimeoutMs: 200, name: 'nightly' },
      ),
    );
    const outcome = track(slow as Promise<unknown>);
    await test.clock.advance(199);
    assert.equal(test.told('kill').length, 0);
    await test.clock.advance(1);
    assert.deepEqual(
      test.told('kill').map(({ route }) => route),
      ['nightly'],
    );
    assert.equal(outcome.state, 'rejected');
    assertBack(test);
  });

  it('a transaction that it left open is rolled back, and said with its name', async () => {
    const test = new TestPool({ max: 1 });
    await test.rest(
      test.pool.run(async function closeOrders(db) {
        await db.beginTransaction();
        await db.query('UPDATE orders SET closed = 1');
      }),
    );
    assertBack(test);
    assert.deepEqual([test.stats().rolledBack, test.connection().resets], [1, 1]);
    assert.deepEqual(
      test.told('rollback').map(({ route }) => route),
      ['closeOrders'],
    );
    assert.match(test.told('warning')[0]?.message ?? '', /^closeOrders left a transaction open/);
  });

  it('its second half, after the end, is refused rather than committed by itself', async () => {
    const test = new TestPool({ max: 1 });
    let second: (() => Promise<unknown>) | undefined;
    await test.rest(
      test.pool.run(async (db) => {
        await db.beginTransaction();
        await db.query('UPDATE accounts SET balance = balance - 1 WHERE id = 1');
        second = () => db.query('UPDATE accounts SET balance = balance + 1 WHERE id = 2');
      }),
    );
    const late = track((second as () => Promise<unknown>)());
    await test.clock.settle();
    assert.equal(late.code, 'TRANSACTION_ROLLED_BACK');
    assertBack(test);
  });

  it('a plain statement after the end has a connection for itself, and is counted as late', async () => {
    const test = new TestPool({ max: 1 });
    let late: (() => Promise<unknown>) | undefined;
    await test.rest(
      test.pool.run(
        async (db) => {
          await db.query('SELECT 1');
          late = () => db.query('SELECT 2');
        },
        { name: 'import' },
      ),
    );
    await test.rest((late as () => Promise<unknown>)());
    assert.deepEqual([test.stats().acquired, test.stats().late], [2, 1]);
    assert.deepEqual(test.told('late'), [{ route: 'import', statement: 'SELECT ?' }]);
    assertBack(test);
  });

  it('one inside another has a connection of its own, and each hands back its own', async () => {
    const test = new TestPool({ max: 2 });
    await test.rest(
      test.pool.run(async (outer) => {
        await outer.query('SELECT 1');
        await test.pool.run(async (inner) => {
          await inner.query('SELECT 2');
          assert.equal(test.stats().leased, 2);
        });
        await outer.query('SELECT 3');
      }),
    );
    assert.deepEqual(
      [test.connection(0).texts, test.connection(1).texts],
      [['SELECT 1', 'SELECT 3'], ['SELECT 2']],
    );
    assertBack(test);
  });

  it('one that waits for a connection and is refused ends with that error', async () => {
    const test = new TestPool({ max: 1 });
    const held = await test.rest(test.pool.acquire());
    const job = track(test.pool.run((db) => db.query('SELECT 1'), { acquireTimeoutMs: 100, name: 'import' }));
    await test.clock.advance(100);
    assert.equal(job.code, 'ACQUIRE_TIMEOUT');
    assert.equal(test.told('acquireFailed')[0]?.route, 'import');
    held.release();
    await test.clock.settle();
    assertBack(test);
  });
});

describe('what a job says of itself', () => {
  const nameOf = async (test: TestPool, job: () => Promise<unknown>) => {
    await test.rest(job());
    return test.told('release').at(-1)?.route;
  };

  it('its name: the option, else the function’s, else job', async () => {
    const test = new TestPool({ max: 1 });
    const one = (db: { query(sql: string): Promise<unknown> }) => db.query('SELECT 1');
    assert.equal(await nameOf(test, () => test.pool.run(one)), 'one');
    assert.equal(await nameOf(test, () => test.pool.run(one, { name: 'nightly' })), 'nightly');
    assert.equal(await nameOf(test, () => test.pool.run((db) => one(db))), 'job');
    assert.equal(await nameOf(test, test.pool.wrap(one)), 'one');
    assert.equal(await nameOf(test, test.pool.wrap(one, { name: 'queue:mails' })), 'queue:mails');
  });

  it('limits of its own, where the pool has others', async () => {
    const test = new TestPool({ max: 1, leakAfterMs: 1_000 });
    const hold = () => new Promise<void>((resolve) => test.clock.after(5_000, resolve));
    const work = async (db: { query(sql: string): Promise<unknown> }) => {
      await db.query('SELECT 1');
      await hold();
    };
    const patient = track(test.pool.run(work, { leakAfterMs: 0 }));
    await test.clock.advance(5_000);
    assert.equal(patient.state, 'fulfilled');
    assert.equal(test.told('leak').length, 0);
    const plain = track(test.pool.run(work));
    await test.clock.advance(5_000);
    assert.equal(plain.state, 'fulfilled');
    assert.equal(test.told('leak').length, 1);
  });

  it('no limit on its statements, unless it asks for one', async () => {
    const test = new TestPool({ max: 2 });
    test.driver.reply = () => 'hang';
    const long = track(test.pool.run((db) => db.query('SELECT 1')));
    const short = track(test.pool.run((db) => db.query('SELECT 1'), { queryTimeoutMs: 100 }));
    await test.clock.advance(60_000);
    assert.deepEqual([long.state, short.code], ['pending', 'QUERY_TIMEOUT']);
    for (const connection of test.driver.connections)
      if (connection.running) connection.answer({ result: [] });
    await test.clock.settle();
    assert.equal(long.state, 'fulfilled');
    assertBack(test);
  });

  it('wrap passes this and the arguments on, and looks like the function to whoever counts parameters', async () => {
    const test = new TestPool({ max: 1 });
    const queue = {
      prefix: 'mail',
      process: test.pool.wrap(async function send(this: { prefix: string }, db, id: number, to: string) {
        await db.query('SELECT 1');
        return `${this.prefix} ${id} ${to}`;
      }),
    };
    assert.equal(await test.rest(queue.process(7, 'ada')), 'mail 7 ada');
    assert.deepEqual([queue.process.name, queue.process.length], ['send', 2]);
    assert.equal(test.pool.wrap(() => 1).length, 0);
    assert.equal(test.pool.wrap(() => 1, { name: 'one' }).name, 'one');
  });

  it('what is no function, and options that a job has not, are refused at once and by name', async () => {
    const { pool } = new TestPool();
    const fn = () => 1;
    await assert.rejects(pool.run(undefined as never), coded('INVALID_OPTION'));
    assert.throws(() => pool.wrap(undefined as never), coded('INVALID_OPTION'));
    for (const [options, name] of [
      [{ title: 'x' }, 'title'],
      [{ name: '' }, 'name'],
      [{ releaseOn: 'finish' }, 'releaseOn'],
      [{ queryTimeoutMs: -1 }, 'queryTimeoutMs'],
      ['nightly', 'object'],
      [null, 'object'],
    ] as [never, string][]) {
      const refusal = { ...coded('INVALID_OPTION'), message: new RegExp(name) };
      await assert.rejects(pool.run(fn, options), refusal);
      assert.throws(() => pool.wrap(fn, options), refusal);
    }
  });
});
