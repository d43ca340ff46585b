import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe, tracingChannel, unsubscribe } from 'node:diagnostics_channel';
import type { TraceMessages } from '#core/channels.js';
import { HandbackError } from '#core/errors.js';
import { PoolEvents } from '#core/events.js';
import type { LeaseHandle } from '#core/lease-handle.js';
import type { Scope } from '#core/scope.js';
import { lostError, serverError } from './fake-server.js';
import { TestPool, track } from './fixture.js';
import { TestRequest } from './request-fixture.js';

type Message = Record<string, unknown>;
type Db = Scope | LeaseHandle;
const PARTS = ['start', 'end', 'asyncStart', 'asyncEnd', 'error'] as const;

/** What is published while `play` runs, as [part, message]. */
async function traced(name: keyof TraceMessages, play: () => Promise<void>): Promise<[string, Message][]> {
  const heard: [string, Message][] = [];
  const handlers = Object.fromEntries(
    PARTS.map((part) => [part, (message: unknown) => heard.push([part, message as Message])]),
  ) as unknown as Parameters<ReturnType<typeof tracingChannel>['subscribe']>[0];
  const channel = tracingChannel(`handback:${name}`);
  channel.subscribe(handlers);
  try {
    await play();
  } finally {
    channel.unsubscribe(handlers);
  }
  return heard;
}

async function lose(db: Db, test: TestPool): Promise<void> {
  const running = track(db.query('SELECT hangs'));
  await test.clock.settle();
  for (const connection of test.driver.connections) if (connection.running) connection.lose();
  await test.clock.settle();
  assert.equal(running.state, 'rejected');
}

const parts = (heard: [string, Message][]) => heard.map(([part]) => part);
const messages = (heard: [string, Message][]) => [...new Set(heard.map(([, message]) => message))];
const DONE = ['start', 'end', 'asyncStart', 'asyncEnd'];
const FAILED = ['start', 'end', 'error', 'asyncStart', 'asyncEnd'];

describe('diagnostics_channel', () => {
  it('has every event under its own name, with the pool’s', async () => {
    const heard: Message[] = [];
    const listener = (message: unknown) => heard.push(message as Message);
    const names = ['acquireStart', 'acquire', 'release'].map((name) => `handback:${name}`);
    for (const name of names) subscribe(name, listener);
    try {
      const test = new TestPool({ name: 'orders' });
      test.listenNoMore();
      (await test.rest(test.pool.acquire())).release();
      const lease = { pool: 'orders', lease: 1, route: 'pool.acquire' };
      assert.deepEqual(heard, [
        lease,
        { ...lease, connection: 1, waitedMs: 0 },
        { ...lease, connection: 1, heldMs: 0, usedMs: 0, statements: 0, clean: true },
      ]);
    } finally {
      for (const name of names) unsubscribe(name, listener);
    }
  });

  it('whoever subscribes at run time hears of the next lease, and nobody else has to listen', async () => {
    const test = new TestPool();
    test.listenNoMore();
    const { events } = test.flow;
    (await test.rest(test.pool.acquire())).release();
    assert.deepEqual([events.hearsAcquire, events.hearsRelease], [false, false]);
    let heard = 0;
    const listener = () => heard++;
    subscribe('handback:acquire', listener);
    subscribe('handback:release', listener);
    test.pool.tryAcquire()?.release();
    assert.equal(heard, 2);
    unsubscribe('handback:acquire', listener);
    unsubscribe('handback:release', listener);
    test.pool.tryAcquire()?.release();
    assert.deepEqual([heard, events.hearsAcquire, events.hearsRelease], [2, false, false]);
  });

  it('a subscriber to warnings hears them, and they are process warnings none the less', async () => {
    const heard: unknown[] = [];
    const listener = (message: unknown) => heard.push(message);
    const warned = new Promise<Error>((resolve) => process.once('warning', resolve));
    subscribe('handback:warning', listener);
    new PoolEvents('orders').warn({ code: 'LATE', message: 'late work' });
    unsubscribe('handback:warning', listener);
    assert.deepEqual(heard, [{ pool: 'orders', code: 'LATE', message: 'late work' }]);
    assert.equal((await warned).message, 'late work');
  });

  it('subscribers to events are called outside of requests, as listeners are', async () => {
    const storage = new AsyncLocalStorage<string>();
    let store: string | undefined = 'not called';
    const listener = () => {
      store = storage.getStore();
    };
    subscribe('handback:acquire', listener);
    await storage.run('a request', () => new TestPool().pool.acquire());
    unsubscribe('handback:acquire', listener);
    assert.equal(store, undefined);
  });
});

describe('tracing channels', () => {
  it('acquire: from the question to the connection, one message', async () => {
    const test = new TestPool({ max: 1, name: 'orders' });
    const heard = await traced('acquire', async () => {
      const lease = await test.rest(test.pool.acquire());
      const waiting = track(test.pool.acquire());
      await test.clock.advance(20);
      lease.release();
      await test.clock.settle();
      waiting.value.release();
    });
    assert.deepEqual(parts(heard), [...DONE, ...DONE]);
    const [first, second] = messages(heard);
    const holder = { route: 'pool.acquire' };
    assert.deepEqual(first, { pool: 'orders', holder: { ...holder, lease: 1 }, waitedMs: 0, connection: 1 });
    assert.deepEqual(second, {
      pool: 'orders',
      holder: { ...holder, lease: 2 },
      waitedMs: 20,
      connection: 1,
    });
  });

  it('acquire: one that is refused has an error, one that is withdrawn neither that nor a connection', async () => {
    const test = new TestPool({ max: 1, acquireTimeoutMs: 10 });
    const heard = await traced('acquire', async () => {
      await test.rest(test.pool.acquire());
      track(test.pool.acquire());
      const controller = new AbortController();
      track(test.pool.acquire({ signal: controller.signal }));
      controller.abort();
      await test.clock.advance(10);
    });
    assert.deepEqual(parts(heard), [
      'start',
      'end',
      'asyncStart',
      'asyncEnd',
      ...['start', 'end', 'start', 'end'],
      ...DONE.slice(2),
      ...FAILED.slice(2),
    ]);
    const [, refused, withdrawn] = messages(heard);
    assert.ok(refused?.error instanceof HandbackError);
    assert.equal(refused.error.code, 'ACQUIRE_TIMEOUT');
    assert.deepEqual([withdrawn?.error, withdrawn?.connection], [undefined, undefined]);
  });

  it('query: the masked text, its lease once it has one, and no value anywhere', async () => {
    const test = new TestPool();
    const heard = await traced('query', async () => {
      const request = new TestRequest(test);
      await test.rest(request.db.query('SELECT ? , 4711', ['secret']));
    });
    assert.deepEqual(parts(heard), DONE);
    const [message] = messages(heard);
    assert.equal(message?.statement, 'SELECT ? , ?');
    assert.deepEqual([message?.connection, message?.prepared], [1, false]);
    assert.deepEqual(message?.holder, { lease: 1, route: 'GET /orders/:id' });
    assert.doesNotMatch(JSON.stringify(message), /secret|4711/);
  });

  it('query: a failed one has the error that its caller gets', async () => {
    const test = new TestPool();
    test.driver.reply = () => Object.assign(new Error('no such table'), { errno: 1146, sql: "SELECT 'x'" });
    let outcome: { error: unknown } | undefined;
    const heard = await traced('query', async () => {
      const query = track(test.pool.query("SELECT 'x'"));
      await test.clock.settle();
      outcome = query;
    });
    assert.deepEqual(parts(heard), FAILED);
    const [message] = messages(heard);
    assert.equal(message?.error, outcome?.error);
    assert.equal(message?.error instanceof Error && 'sql' in message.error && message.error.sql, 'SELECT ?');
  });

  it('query: one that is given up ends once, then', async () => {
    const test = new TestPool();
    const heard = await traced('query', async () => {
      test.driver.reply = () => 'hang';
      const controller = new AbortController();
      track(test.pool.query({ sql: 'SELECT 1', signal: controller.signal }));
      await test.clock.settle();
      controller.abort();
      await test.clock.settle();
    });
    assert.equal(test.driver.kills.length, 1, 'its answer came all the same');
    assert.deepEqual(parts(heard), FAILED);
  });

  it('query: begins where it was called, whoever’s request that is', async () => {
    const storage = new AsyncLocalStorage<string>();
    const stores: unknown[] = [];
    const channel = tracingChannel('handback:query');
    const handlers = {
      start: () => stores.push(storage.getStore()),
      asyncEnd: () => stores.push(storage.getStore()),
    } as unknown as Parameters<typeof channel.subscribe>[0];
    const test = new TestPool({ max: 1 });
    channel.subscribe(handlers);
    const [a, b] = ['a', 'b'].map((name) => storage.run(name, () => track(test.pool.query('SELECT 1'))));
    await test.clock.settle();
    channel.unsubscribe(handlers);
    assert.deepEqual([a?.state, b?.state], ['fulfilled', 'fulfilled']);
    assert.deepEqual(stores, ['a', 'b', undefined, undefined]);
  });

  it('query: a stream’s, from its first read to its end', async () => {
    const test = new TestPool();
    const heard = await traced('query', async () => {
      const rows = test.pool.stream('SELECT 1').toArray();
      await test.rest(rows);
    });
    assert.deepEqual(parts(heard), DONE);
  });

  it('transaction: with its statements inside, and what became of it', async () => {
    const test = new TestPool();
    const queries: Message[] = [];
    const listener = (message: unknown) => queries.push(message as Message);
    tracingChannel('handback:query').start.subscribe(listener);
    const heard = await traced('transaction', async () => {
      await test.rest(test.pool.transaction((tx) => tx.query('INSERT INTO t VALUES (1)')));
      const failing = track(
        test.pool.transaction(() => {
          throw new Error('no');
        }),
      );
      await test.clock.settle();
      assert.equal(failing.state, 'rejected');
    });
    tracingChannel('handback:query').start.unsubscribe(listener);
    assert.deepEqual(parts(heard), [...DONE, ...FAILED]);
    const [first, second] = messages(heard);
    assert.deepEqual([first?.outcome, first?.attempts, second?.outcome], ['committed', 1, 'rolled back']);
    assert.deepEqual(
      queries.map(({ statement }) => statement),
      ['START TRANSACTION', 'INSERT INTO t VALUES (?)', 'COMMIT', 'START TRANSACTION', 'ROLLBACK'],
    );
    // One object for all of a lease.
    assert.equal(first?.holder, queries[1]?.holder);
    assert.notEqual(first?.holder, second?.holder);
  });

  for (const [what, end, outcome, failed] of [
    ['commit()', (db: Db) => db.commit(), 'committed', false],
    ['rollback()', (db: Db) => db.rollback(), 'rolled back', false],
    ['query("COMMIT")', (db: Db) => db.query('COMMIT'), 'committed', false],
    ['a statement that commits', (db: Db) => db.query('CREATE TABLE t (a INT)'), 'committed', false],
    ['nobody, before the end', () => Promise.resolve(), 'rolled back', false],
    ['a deadlock', (db: Db) => db.query('SELECT deadlock').catch(() => {}), 'rolled back', true],
    ['a lost COMMIT', (db: Db) => db.query('COMMIT /* lost */').catch(() => {}), 'unknown', true],
    ['a lost connection', lose, 'rolled back', true],
  ] as const)
    it(`transaction: begun by beginTransaction(), ended by ${what}`, async () => {
      for (const kind of ['request', 'lease'] as const) {
        const test = new TestPool();
        test.driver.reply = (sql) => {
          if (sql.includes('hangs')) return 'hang';
          if (sql.includes('lost')) return lostError();
          return sql.includes('deadlock') ? serverError(1213) : undefined;
        };
        const heard = await traced('transaction', async () => {
          const request = new TestRequest(test);
          const lease = await test.rest(test.pool.acquire());
          const db: Db = kind === 'request' ? request.db : lease;
          await test.rest(db.beginTransaction());
          await test.rest(db.query('INSERT INTO t VALUES (1)'));
          const ended = end(db, test);
          await test.clock.settle();
          await ended;
          request.answer();
          lease.release();
          await test.clock.settle();
        });
        assert.deepEqual(parts(heard), failed ? FAILED : DONE, kind);
        const [message] = messages(heard);
        assert.deepEqual([message?.outcome, message?.attempts], [outcome, 1], kind);
        assert.equal(typeof (message?.holder as { lease?: number } | undefined)?.lease, 'number', kind);
      }
    });

  it('transaction: of beginTransaction() that fails, and of one whose COMMIT is under way at the end', async () => {
    const test = new TestPool();
    const refused = await traced('transaction', async () => {
      test.driver.reply = () => serverError(1205);
      const lease = await test.rest(test.pool.acquire());
      track(lease.beginTransaction());
      await test.clock.settle();
      lease.release();
      await test.clock.settle();
    });
    assert.deepEqual([parts(refused), messages(refused)[0]?.outcome], [FAILED, 'rolled back']);
    test.driver.reply = () => undefined;
    const late = await traced('transaction', async () => {
      const lease = await test.rest(test.pool.acquire());
      await test.rest(lease.beginTransaction());
      track(lease.commit());
      lease.release();
      await test.clock.settle();
    });
    assert.deepEqual([parts(late), messages(late)[0]?.outcome], [DONE, 'committed']);
  });

  it('transaction: the stores that a subscriber binds hold for what runs inside', async () => {
    const spans = new AsyncLocalStorage<string>();
    const { start } = tracingChannel('handback:transaction');
    start.bindStore(spans, () => 'span of the transaction');
    const inside = await new TestPool().pool.transaction(() => spans.getStore());
    start.unbindStore(spans);
    assert.equal(inside, 'span of the transaction');
  });

  it('transaction: of a request as a whole, decided by its answer', async () => {
    for (const succeeded of [true, false]) {
      const test = new TestPool();
      const heard = await traced('transaction', async () => {
        const request = new TestRequest(test, { transaction: true });
        await test.rest(request.db.query('INSERT INTO t VALUES (1)'));
        await test.rest(request.decide(succeeded));
        request.answer();
        await test.clock.settle();
      });
      assert.deepEqual(parts(heard), DONE);
      assert.equal(messages(heard)[0]?.outcome, succeeded ? 'committed' : 'rolled back');
    }
  });

  it('reset: whose session it was, although they are gone', async () => {
    const test = new TestPool();
    const heard = await traced('reset', async () => {
      const request = new TestRequest(test);
      await test.rest(request.db.query('SET @a = 1'));
      request.answer();
      await test.clock.settle();
    });
    assert.deepEqual(parts(heard), DONE);
    const [message] = messages(heard);
    assert.deepEqual([message?.how, message?.holder], ['reset', { lease: 1, route: 'GET /orders/:id' }]);
    assert.equal(typeof message?.reason, 'string');
  });

  it('reset: one that fails has its error', async () => {
    const test = new TestPool();
    const heard = await traced('reset', async () => {
      const lease = await test.rest(test.pool.acquire());
      await test.rest(lease.query('SET @a = 1'));
      test.connection().resetReply = new Error('refused');
      lease.release();
      await test.clock.settle();
    });
    assert.deepEqual(parts(heard), FAILED);
  });

  it('open: in nobody’s context', async () => {
    const storage = new AsyncLocalStorage<string>();
    const stores: unknown[] = [];
    const listener = () => stores.push(storage.getStore());
    tracingChannel('handback:open').start.subscribe(listener);
    const test = new TestPool();
    const heard = await traced('open', async () => {
      await storage.run('a request', () => test.rest(test.pool.acquire()));
    });
    tracingChannel('handback:open').start.unsubscribe(listener);
    assert.deepEqual(stores, [undefined]);
    assert.deepEqual(parts(heard), DONE);
    const [{ connection, threadId } = assert.fail()] = messages(heard);
    assert.deepEqual([connection, threadId], [1, test.connection().threadId]);
  });

  it('open: one that fails has its error', async () => {
    const test = new TestPool({ acquireTimeoutMs: 10 });
    test.driver.onOpen = (open) => open.fail(new Error('refused'));
    const heard = await traced('open', async () => {
      track(test.pool.acquire());
      await test.clock.advance(10);
    });
    assert.deepEqual(parts(heard).slice(0, 5), FAILED);
  });
});
