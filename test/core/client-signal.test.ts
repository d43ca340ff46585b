import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { coded, TestPool, track } from './fixture.js';
import { TestRequest } from './request-fixture.js';

describe('db.signal', () => {
  it('aborts when the client leaves before it is answered; its reason is CLIENT_GONE', async () => {
    const test = new TestPool();
    const request = new TestRequest(test);
    const { signal } = request.db;
    assert.ok(signal instanceof AbortSignal && !signal.aborted);
    request.leave();
    assert.equal(signal.aborted, true);
    assert.deepEqual([signal.reason.name, signal.reason.code], ['HandbackError', 'CLIENT_GONE']);
    assert.equal(signal.reason.message, 'The client left before it was answered.');
  });

  it('calls its listeners in the async context in which it was first read', () => {
    const storage = new AsyncLocalStorage<string>();
    const request = new TestRequest(new TestPool());
    const seen: unknown[] = [];
    storage.run('the request', () => {
      request.db.signal.addEventListener('abort', () => seen.push(storage.getStore()));
    });
    storage.run('another request', () => request.leave());
    assert.deepEqual(seen, ['the request']);
  });

  it('is one and the same, and made when it is first read', () => {
    const { AbortController: Real } = globalThis;
    let made = 0;
    globalThis.AbortController = class extends Real {
      constructor() {
        super();
        made++;
      }
    };
    try {
      const request = new TestRequest(new TestPool());
      request.db.query('SELECT 1').catch(() => {});
      request.leave();
      assert.equal(made, 0);
      assert.equal(request.db.signal, request.db.signal);
      assert.equal(made, 1);
    } finally {
      globalThis.AbortController = Real;
    }
  });

  it('reading it watches for the client, takes no connection, and leaves the scope unused', async () => {
    const test = new TestPool();
    const request = new TestRequest(test);
    void request.db.signal;
    void request.db.signal;
    await test.clock.settle();
    assert.deepEqual([request.clientWatched, request.watched], [1, 0]);
    assert.deepEqual([test.stats().acquired, test.stats().opened, request.db.state], [0, 0, 'unused']);
    await request.db.commit();
    await test.rest(request.db.query('SELECT 1'));
    assert.deepEqual([request.watched, request.db.state], [1, 'leased']);
  });

  it('has aborted already when the client left before it was read', async () => {
    const left = new TestRequest(new TestPool(), { over: 'gone' });
    assert.equal(left.db.signal.reason.code, 'CLIENT_GONE');

    const test = new TestPool();
    const later = new TestRequest(test);
    await test.rest(later.db.query('SELECT 1'));
    later.leave();
    await test.clock.settle();
    assert.equal(later.db.signal.aborted, true);

    assert.equal(later.clientWatched, 0, 'there is nothing left to watch for');

    const justNow = new TestRequest(test);
    await test.rest(justNow.db.query('SELECT 1'));
    justNow.leave();
    assert.equal(justNow.db.signal.aborted, true);

    const atFirstQuery = new TestRequest(test, { over: 'gone' });
    await test.rest(atFirstQuery.db.query('SELECT 1'));
    assert.equal(atFirstQuery.db.signal.aborted, true);
  });

  it('never aborts once the handler has answered, whatever the client does then', async () => {
    const test = new TestPool();
    const request = new TestRequest(test);
    const { signal } = request.db;
    await test.rest(request.db.query('SELECT 1'));
    request.answer();
    request.leave();
    await test.clock.settle();
    request.leave();
    assert.equal(signal.aborted, false);
    const answered = new TestRequest(test, { over: 'answered' });
    assert.equal(answered.db.signal.aborted, false);
    assert.equal(answered.db.state, 'unused', 'the first query asks how it ended');
  });

  it('works on a route that is opted out', () => {
    const request = new TestRequest(new TestPool(), { optedOut: true });
    const { signal } = request.db;
    request.leave();
    assert.equal(signal.aborted, true);
  });

  it('of a job never aborts', async () => {
    const test = new TestPool();
    const signal = await test.rest(test.pool.run(({ signal }) => signal));
    assert.equal(signal.aborted, false);
  });

  for (const afterResponse of ['allow', 'reject', 'cancel'] as const) {
    it(`stops the statement that it was given to, with one KILL (${afterResponse})`, async () => {
      const test = new TestPool({ max: 1 });
      const request = new TestRequest(test, { afterResponse });
      await test.rest(request.db.query('SELECT 1'));
      test.connection().reply = () => 'hang';
      const read = track(request.db.query({ sql: 'SELECT SLEEP(60)', signal: request.db.signal }));
      await test.clock.settle();
      request.leave();
      await test.clock.settle();
      assert.equal(read.code, 'CLIENT_GONE');
      assert.equal(test.driver.kills.length, 1);
      assert.equal(test.stats().idle, 1);
    });
  }

  it('takes a waiting statement that it was given to out of the queue', async () => {
    const test = new TestPool({ max: 1 });
    const held = await test.rest(test.pool.acquire());
    const request = new TestRequest(test);
    const read = track(request.db.query({ sql: 'SELECT 1', signal: request.db.signal }));
    await test.clock.settle();
    request.leave();
    await test.clock.settle();
    assert.deepEqual([read.code, test.stats().pending], ['CLIENT_GONE', 0]);
    held.release();
  });

  it('what its listeners throw does not keep the connection', async () => {
    const test = new TestPool({ max: 1 });
    const request = new TestRequest(test);
    await test.rest(request.db.query('SELECT 1'));
    request.db.signal.addEventListener('abort', () => void request.db.query('SELECT 2'));
    request.leave();
    await test.clock.settle();
    assert.deepEqual([test.stats().leased, test.stats().idle], [0, 1]);
  });
});

describe('a client that leaves', () => {
  for (const afterResponse of ['reject', 'cancel'] as const) {
    it(`with '${afterResponse}' neither the transaction(fn) that waits for a connection begins, nor the one behind it`, async () => {
      const test = new TestPool({ max: 1 });
      const held = await test.rest(test.pool.acquire());
      const request = new TestRequest(test, { afterResponse });
      const first = track(request.db.transaction((tx) => tx.query('UPDATE t SET a = 1')));
      const second = track(request.db.transaction((tx) => tx.query('UPDATE t SET a = 2')));
      await test.clock.settle();
      request.leave();
      await test.clock.settle();
      assert.deepEqual([first.code, second.code, test.stats().pending], ['CLIENT_GONE', 'SCOPE_ENDED', 0]);
      held.release();
      await test.clock.settle();
      assert.deepEqual([test.connection().texts, test.stats().leased], [[], 0]);
    });
  }

  it('a statement given up by its own signal while it is being killed is not killed twice', async () => {
    const test = new TestPool({ max: 1 });
    const request = new TestRequest(test, { afterResponse: 'cancel' });
    await test.rest(request.db.query('SELECT 1'));
    test.connection().reply = () => 'hang';
    const abort = new AbortController();
    const read = track(request.db.query({ sql: 'SELECT SLEEP(60)', signal: abort.signal }));
    await test.clock.settle();
    // It is acknowledged, and the statement has not ended yet.
    test.driver.killReply = { result: test.connection().session.ok };
    request.leave();
    await test.clock.settle();
    abort.abort();
    await test.clock.settle();
    assert.equal(read.state, 'rejected');
    assert.equal(test.driver.kills.length, 1);
    await assert.rejects(request.db.query('SELECT 1'), coded('SCOPE_ENDED'));
  });
});
