import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { PoolOptions } from '#core/options.js';
import { serverError } from './fake-server.js';
import { coded, TestPool } from './fixture.js';
import { TestRequest } from './request-fixture.js';

function lateWarnings(test: TestPool) {
  return test.told('warning').filter(({ code }) => code === 'LATE');
}

async function ended(test: TestPool, route = 'GET /orders', how: 'answer' | 'leave' = 'answer') {
  const request = new TestRequest(test, { route });
  await test.rest(request.db.query('SELECT 1'));
  request[how]();
  await test.clock.settle();
  return request.db;
}

type Db = Awaited<ReturnType<typeof ended>>;

function saveAfterTheAnswer(db: Db) {
  return db.query("UPDATE orders SET note = 'secret' WHERE id = 7");
}

describe('late work is warned of', () => {
  it('once per route: the route, the statement without its values, and where it was called', async () => {
    const test = new TestPool();
    await saveAfterTheAnswer(await ended(test));
    const [warning, ...more] = lateWarnings(test);
    assert.deepEqual(more, []);
    assert.match(
      warning?.message ?? '',
      /^A statement of GET \/orders came after its response \(UPDATE orders SET note = \? WHERE id = \?\)/,
    );
    assert.match(warning?.message ?? '', /called at saveAfterTheAnswer \(.*late-reports/);
    const [first = ''] = warning?.stack?.split('\n') ?? [];
    assert.match(first, /^ +at saveAfterTheAnswer \(.*late-reports/);
  });

  it('each time it is counted and told; a route that was warned of is not again, another one is', async () => {
    const test = new TestPool();
    for (const route of ['GET /a', 'GET /a', 'GET /b', 'GET /a']) {
      const db = await ended(test, route);
      await saveAfterTheAnswer(db);
      await saveAfterTheAnswer(db);
    }
    assert.deepEqual([test.stats().late, test.told('late').length], [8, 8]);
    assert.deepEqual(
      lateWarnings(test).map(({ message }) => /of (.*) came/.exec(message)?.[1]),
      ['GET /a', 'GET /b'],
    );
  });

  it('stacks that the application has made something else of cost the frames, and nothing else', async () => {
    const test = new TestPool();
    const refused = serverError(1062);
    test.driver.reply = (sql) => (sql === 'INSERT' ? refused : undefined);
    const db = await ended(test);
    const { prepareStackTrace } = Error;
    Error.prepareStackTrace = (_, frames) => frames;
    try {
      await saveAfterTheAnswer(db);
      await assert.rejects(db.query('INSERT'), (error) => error === refused);
    } finally {
      Error.prepareStackTrace = prepareStackTrace;
    }
    assert.equal(lateWarnings(test).length, 1);
  });

  it('a stack is captured for the first of a route alone', async () => {
    const test = new TestPool();
    const db = await ended(test);
    await saveAfterTheAnswer(db);
    const { captureStackTrace } = Error;
    let captured = 0;
    Error.captureStackTrace = (...args) => {
      captured++;
      captureStackTrace(...args);
    };
    try {
      for (let n = 0; n < 5; n++) await saveAfterTheAnswer(db);
    } finally {
      Error.captureStackTrace = captureStackTrace;
    }
    assert.equal(captured, 0);
  });

  const CALLS: Record<string, (db: Db) => Promise<unknown>> = {
    query: (db) => db.query('SELECT 1'),
    execute: (db) => db.execute('SELECT 1'),
    stream: (db) => db.stream('SELECT 1').toArray(),
    'transaction(fn)': (db) => db.transaction((tx) => tx.query('SELECT 1')),
  };
  for (const [name, call] of Object.entries(CALLS)) {
    it(`${name}: the first frame is the application's`, async () => {
      const test = new TestPool();
      await call(await ended(test));
      const [warning] = lateWarnings(test);
      assert.match(warning?.stack?.split('\n')[0] ?? '', /late-reports\.test/);
      assert.doesNotMatch(warning?.stack ?? '', /core\/dist/);
    });
  }

  it('a stream that was made before the end and read after it is warned of without a stack', async () => {
    const test = new TestPool();
    const request = new TestRequest(test);
    await test.rest(request.db.query('SELECT 1'));
    const stream = request.db.stream('SELECT 1');
    request.answer();
    await test.clock.settle();
    await stream.toArray();
    const [warning] = lateWarnings(test);
    assert.equal(warning?.stack, undefined);
    assert.match(warning?.message ?? '', /^A statement of .* came after its response/);
  });

  it('a client that has left is another matter than an answer: the same route may be warned of for both', async () => {
    const test = new TestPool();
    await saveAfterTheAnswer(await ended(test, 'GET /a', 'leave'));
    await saveAfterTheAnswer(await ended(test, 'GET /a'));
    const [departure, answer, ...more] = lateWarnings(test);
    assert.match(departure?.message ?? '', /came after its client had left/);
    assert.match(answer?.message ?? '', /came after its response/);
    assert.deepEqual(more, []);
  });

  it('of a job too, by its name', async () => {
    const test = new TestPool();
    const db = await test.rest(
      test.pool.run(function nightly(db) {
        return db;
      }),
    );
    await saveAfterTheAnswer(db);
    assert.match(lateWarnings(test)[0]?.message ?? '', /^A statement of nightly came after its end/);
  });

  it('but not when it is refused: the caller gets an error that says where', async () => {
    for (const afterResponse of ['reject', 'cancel'] as const) {
      const test = new TestPool({ afterResponse } as PoolOptions);
      const db = await ended(test);
      await assert.rejects(saveAfterTheAnswer(db), (error: Error) =>
        /saveAfterTheAnswer/.test(error.stack ?? ''),
      );
      assert.deepEqual([lateWarnings(test).length, test.stats().late], [0, 0]);
    }
    const test = new TestPool();
    const db = await ended(test);
    await assert.rejects(db.query('SELECT @a'));
    assert.equal(lateWarnings(test).length, 0);
    await test.rest(test.pool.close());
    await assert.rejects(db.query('SELECT 1'), coded('POOL_CLOSED'));
    await assert.rejects(
      db.transaction(async () => {}),
      coded('POOL_CLOSED'),
    );
    assert.deepEqual([lateWarnings(test).length, test.stats().late], [0, 0]);
  });

  it('without a listener the warning of the process has the stack as its detail', async () => {
    const test = new TestPool();
    const db = await ended(test);
    test.pool.events.removeAllListeners('warning');
    const heard = once(process, 'warning');
    await saveAfterTheAnswer(db);
    const [warning] = (await heard) as [Error & { code: string; detail: string }];
    assert.deepEqual([warning.name, warning.code], ['HandbackWarning', 'LATE']);
    assert.match(warning.detail, /^ +at saveAfterTheAnswer/);
  });

  it('routes beyond any number that makes sense are counted only', async () => {
    const test = new TestPool();
    for (let n = 0; n < 1_100; n++) {
      const request = new TestRequest(test, { route: `GET /${n}`, over: 'answered' });
      await test.rest(request.db.query('SELECT 1'));
    }
    assert.deepEqual([test.stats().late, lateWarnings(test).length], [1_100, 1_000]);
  });

  it('a stack that the process does not want (stackTraceLimit 0) is missing, no more', async () => {
    const test = new TestPool();
    const db = await ended(test);
    const before = Error.stackTraceLimit;
    Error.stackTraceLimit = 0;
    const query = saveAfterTheAnswer(db);
    Error.stackTraceLimit = before;
    await query;
    const [warning] = lateWarnings(test);
    assert.equal(warning?.stack, undefined);
    assert.match(warning?.message ?? '', /connection of its own\. Said once/);
  });
});
