import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { coded, TestPool, track } from './fixture.js';
import { TestRequest } from './request-fixture.js';

const REASON = new Error('the user pressed Stop');

function listeners({ signal }: AbortController): number {
  return getEventListeners(signal, 'abort').length;
}

/** Statements with this word hang. */
function slow(max = 1) {
  const test = new TestPool({ max });
  test.driver.reply = (sql) => (sql.includes('hangs') ? 'hang' : undefined);
  return test;
}

describe('a signal that aborts', () => {
  it('is listened to once, however many wait for it, and no longer than they do', async () => {
    const test = slow();
    const controller = new AbortController();
    const { signal } = controller;
    const hanging = track(test.pool.query({ sql: 'SELECT hangs', signal }));
    await test.clock.settle();
    const waiting = Array.from({ length: 50 }, (_, n) =>
      track<unknown>(n % 2 ? test.pool.query({ sql: 'SELECT 1', signal }) : test.pool.acquire({ signal })),
    );
    await test.clock.settle();
    assert.equal(listeners(controller), 1);
    controller.abort(REASON);
    await test.clock.settle();
    assert.deepEqual(new Set([hanging, ...waiting].map(({ error }) => error)), new Set([REASON]));
    assert.deepEqual([listeners(controller), test.stats().pending], [0, 0]);
  });

  it('that is none, or a timeout that is none, is refused by name and nothing is sent', async () => {
    const test = slow();
    const wrong = [
      { signal: 'x' },
      { signal: {} },
      { timeout: '5' },
      { timeout: -1 },
      { timeout: Number.NaN },
    ];
    for (const option of wrong) {
      const statement = { sql: 'SELECT 1', ...option } as never;
      const [name] = Object.keys(option);
      for (const call of [
        test.pool.query(statement),
        test.pool.execute(statement),
        test.pool.stream(statement).toArray(),
      ]) {
        await assert.rejects(call, { code: 'INVALID_OPTION', message: new RegExp(`'${name}'`) });
      }
    }
    await assert.rejects(test.pool.acquire({ signal: 'x' as never }), coded('INVALID_OPTION'));
    await test.clock.settle();
    assert.equal(test.stats().opened, 0);
  });

  it('before: the reason, and nothing is asked for', async () => {
    const test = slow();
    const signal = AbortSignal.abort(REASON);
    const { db } = new TestRequest(test);
    for (const call of [
      test.pool.query({ sql: 'SELECT 1', signal }),
      test.pool.execute({ sql: 'SELECT 1', signal }),
      test.pool.stream({ sql: 'SELECT 1', signal }).toArray(),
      test.pool.acquire({ signal }),
      db.query({ sql: 'SELECT 1', signal }),
    ]) {
      assert.equal(await call.catch((error) => error), REASON);
    }
    await test.clock.settle();
    assert.deepEqual([test.stats().opened, db.state], [0, 'unused']);
  });

  for (const [what, call] of [
    ['query', (test: TestPool, signal: AbortSignal) => test.pool.query({ sql: 'SELECT 1', signal })],
    ['execute', (test: TestPool, signal: AbortSignal) => test.pool.execute({ sql: 'SELECT 1', signal })],
    [
      'stream',
      (test: TestPool, signal: AbortSignal) => test.pool.stream({ sql: 'SELECT 1', signal }).toArray(),
    ],
    ['acquire', (test: TestPool, signal: AbortSignal) => test.pool.acquire({ signal })],
  ] as const) {
    it(`${what}, while it waits for a connection: it leaves the queue, and the next has its turn`, async () => {
      const test = slow();
      const held = await test.pool.acquire();
      const controller = new AbortController();
      const waiting = track<unknown>(call(test, controller.signal));
      const next = track(test.pool.acquire());
      await test.clock.settle();
      controller.abort(REASON);
      await test.clock.settle();
      assert.deepEqual([waiting.error, test.stats().pending, listeners(controller)], [REASON, 1, 0]);
      held.release();
      await test.clock.settle();
      assert.deepEqual([next.state, test.connection().texts], ['fulfilled', []]);
    });
  }

  it('while it waits behind another statement of the lease: it is never sent', async () => {
    const test = slow();
    const lease = await test.pool.acquire();
    const controller = new AbortController();
    const first = track(lease.query('SELECT hangs'));
    const second = track(lease.query({ sql: 'UPDATE t SET a = 1', signal: controller.signal }));
    const third = track(lease.query('SELECT 3'));
    await test.clock.settle();
    controller.abort(REASON);
    await test.clock.settle();
    assert.deepEqual([first.state, second.error, listeners(controller)], ['pending', REASON, 0]);
    test.connection().answer();
    await test.clock.settle();
    assert.deepEqual([third.state, test.connection().texts], ['fulfilled', ['SELECT hangs', 'SELECT 3']]);
    assert.deepEqual([test.driver.kills, lease.inFlight], [[], 0]);
  });

  for (const what of ['query', 'execute'] as const) {
    it(`${what}, while it runs: the reason at once, a KILL, and the lease goes on`, async () => {
      const test = slow();
      const lease = await test.pool.acquire();
      const controller = new AbortController();
      const running = track(lease[what]({ sql: 'SELECT hangs', signal: controller.signal }));
      await test.clock.settle();
      controller.abort(REASON);
      await test.clock.microtasks();
      assert.equal(running.error, REASON);
      await test.clock.settle();
      assert.deepEqual(test.driver.kills, [`KILL QUERY ${test.connection().threadId}`]);
      assert.equal(test.told('cancel')[0]?.reason, 'signal');
      await test.rest(lease.query('SELECT 2'));
      assert.deepEqual(test.connection().texts, ['SELECT hangs', 'SELECT 2']);
      assert.deepEqual([test.stats().queryTimedOut, listeners(controller)], [0, 0]);
    });
  }

  it('a one-shot that is killed: its connection is reset and serves the next', async () => {
    const test = slow();
    const controller = new AbortController();
    const running = track(test.pool.query({ sql: 'SELECT hangs', signal: controller.signal }));
    await test.clock.settle();
    controller.abort(REASON);
    await test.clock.settle();
    assert.equal(running.error, REASON);
    await test.rest(test.pool.query('SELECT 2'));
    assert.deepEqual([test.driver.connections.length, test.connection().resets], [1, 1]);
  });

  it('a stream between two rows: its reader gets the reason, the statement is killed', async () => {
    const test = slow();
    const controller = new AbortController();
    const stream = test.pool.stream({ sql: 'SELECT hangs', signal: controller.signal });
    const reading = track(stream.toArray());
    await test.clock.settle();
    controller.abort(REASON);
    await test.clock.settle();
    assert.deepEqual([reading.error, test.driver.kills.length, listeners(controller)], [REASON, 1, 0]);
    assert.equal(test.stats().idle, 1);
  });

  it('after the answer: nothing happens, and no listener was left', async () => {
    const test = slow();
    const controller = new AbortController();
    const { signal } = controller;
    const lease = await test.pool.acquire({ signal });
    await lease.query({ sql: 'SELECT 1', signal });
    await lease.execute({ sql: 'SELECT 1', signal });
    await lease.stream({ sql: 'SELECT 1', signal }).toArray();
    await assert.rejects(
      lease.query({ sql: 'SELECT ?', signal }, [() => {}] as never).then(() => {
        throw new Error('sent');
      }),
    );
    assert.equal(listeners(controller), 0);
    controller.abort(REASON);
    await test.clock.settle();
    assert.deepEqual([test.driver.kills, test.stats().leased], [[], 1]);
  });

  it('reasons that are no errors are passed unchanged', async () => {
    const test = slow(8);
    for (const reason of ['stop', 42, null, { code: 'MINE' }]) {
      const controller = new AbortController();
      const { signal } = controller;
      const lease = await test.pool.acquire();
      const seen: unknown[] = [];
      const note = (error: unknown) => void seen.push(error);
      void lease.query({ sql: 'SELECT hangs', signal }).catch(note);
      void lease.execute({ sql: 'SELECT hangs', signal }).catch(note);
      await test.clock.settle();
      controller.abort(reason);
      await test.clock.settle();
      assert.deepEqual(seen, [reason, reason]);
      lease.release();
      await test.clock.settle();
    }
  });

  it('without a reason: the platform’s AbortError', async () => {
    const test = slow();
    const controller = new AbortController();
    const running = track(test.pool.query({ sql: 'SELECT hangs', signal: controller.signal }));
    await test.clock.settle();
    controller.abort();
    await test.clock.settle();
    assert.equal(running.error.name, 'AbortError');
  });

  it('one signal for all statements of a request ends them all, and only the one that runs is killed', async () => {
    const test = slow();
    const { db } = new TestRequest(test);
    const controller = new AbortController();
    const { signal } = controller;
    const all = [1, 2, 3].map((n) => track(db.query({ sql: `SELECT hangs ${n}`, signal })));
    await test.clock.settle();
    controller.abort(REASON);
    await test.clock.settle();
    assert.deepEqual(
      all.map(({ error }) => error),
      [REASON, REASON, REASON],
    );
    assert.deepEqual([test.connection().texts, test.driver.kills.length], [['SELECT hangs 1'], 1]);
    await test.rest(db.query('SELECT 1'));
  });

  it('in transaction(fn): what fn throws is the reason, and it is rolled back', async () => {
    const test = slow();
    const controller = new AbortController();
    const work = track(
      test.pool.transaction((tx) => tx.query({ sql: 'UPDATE hangs', signal: controller.signal })),
    );
    await test.clock.settle();
    controller.abort(REASON);
    await test.clock.settle();
    assert.equal(work.error, REASON);
    assert.equal(test.connection().texts.at(-1), 'ROLLBACK');
    await assert.rejects(test.pool.acquire({ timeoutMs: -1 }), coded('INVALID_OPTION'));
  });

  it('the last one of a request that waits for a connection takes the request out of the queue', async () => {
    const test = slow();
    await test.pool.acquire();
    const { db } = new TestRequest(test);
    const controllers = [new AbortController(), new AbortController()];
    const both = controllers.map(({ signal }) => track(db.query({ sql: 'SELECT 1', signal })));
    await test.clock.settle();
    controllers[0]?.abort(REASON);
    await test.clock.settle();
    assert.deepEqual([test.stats().pending, both[0]?.error, both[1]?.state], [1, REASON, 'pending']);
    controllers[1]?.abort(REASON);
    await test.clock.settle();
    assert.deepEqual([test.stats().pending, both[1]?.error, db.state], [0, REASON, 'released']);
  });

  it('a stream whose signal aborts without a reason ends in an error', async () => {
    const test = slow();
    const controller = new AbortController();
    const rows = track(
      test.pool.stream({ sql: 'SELECT hangs', signal: controller.signal } as never).toArray(),
    );
    await test.clock.settle();
    controller.abort(null);
    await test.clock.settle();
    assert.equal(rows.error.name, 'AbortError');
  });
});

describe('a stream that is destroyed before its statement was sent', () => {
  it('leaves the queue, and nothing is sent', async () => {
    const test = slow();
    const held = await test.pool.acquire();
    const stream = test.pool.stream('SELECT 1');
    stream.destroy();
    await test.clock.settle();
    assert.equal(test.stats().pending, 0);
    held.release();
    await test.clock.settle();
    assert.deepEqual(test.connection().texts, []);
  });

  it('behind another statement, or before its request has a connection: what comes after it is', async () => {
    const test = slow();
    const { db } = new TestRequest(test);
    db.stream('SELECT 1').destroy();
    const hanging = track(db.query('SELECT hangs'));
    await test.clock.settle();
    db.stream('SELECT 2').destroy();
    const last = track(db.query('SELECT 3'));
    test.connection().answer();
    await test.clock.settle();
    assert.deepEqual([hanging.state, last.state], ['fulfilled', 'fulfilled']);
    assert.deepEqual(test.connection().texts, ['SELECT hangs', 'SELECT 3']);
  });
});
