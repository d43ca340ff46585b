import assert from 'node:assert/strict';
import { coded, TestPool, track } from './fixture.js';
import { TestRequest, type TestRequestOptions } from './request-fixture.js';

describe('a client that leaves', () => {
  async function waitingForFirst(options: TestRequestOptions = {}) {
    const test = new TestPool({ max: 1 });
    const held = await test.pool.acquire();
    const request = new TestRequest(test, options);
    const query = track(request.db.query('SELECT 1'));
    await test.clock.settle();
    return { test, held, request, query };
  }

  it('takes its request, which ran nothing yet, out of the queue at once', async () => {
    const { test, request, query } = await waitingForFirst();
    request.leave();
    await test.clock.microtasks();
    assert.equal(query.code, 'CLIENT_GONE');
    assert.equal(test.stats().pending, 0);
  });

  it('one that already ran a statement keeps its place', async () => {
    const test = new TestPool({ max: 1 });
    const request = new TestRequest(test);
    await request.db.query('SELECT 1');
    await request.db.release();
    const held = await test.pool.acquire();
    const query = track(request.db.query('SELECT 2'));
    await test.clock.settle();
    request.leave();
    await test.clock.settle();
    assert.deepEqual([query.state, test.stats().pending], ['pending', 1]);
    held.release();
    await test.clock.settle();
    assert.equal(query.state, 'fulfilled');
    assert.equal(test.stats().idle, 1);
  });

  for (const afterResponse of ['reject', 'cancel'] as const) {
    it(`with '${afterResponse}' one that already ran a statement leaves the queue too`, async () => {
      const test = new TestPool({ max: 1 });
      const request = new TestRequest(test, { afterResponse });
      await request.db.query('SELECT 1');
      await request.db.release();
      const held = await test.pool.acquire();
      const query = track(request.db.query('SELECT 2'));
      await test.clock.settle();
      request.leave();
      await test.clock.microtasks();
      assert.deepEqual([query.code, test.stats().pending], ['CLIENT_GONE', 0]);
      held.release();
    });
  }

  it('does not cut an order in half: what the handler does later still runs', async () => {
    const { test, held, request, query } = await waitingForFirst();
    held.release();
    await test.clock.settle();
    assert.equal(query.state, 'fulfilled');
    request.leave();
    await test.clock.settle();
    await request.db.query('UPDATE t SET a = 1');
    assert.equal(test.stats().late, 1);
  });

  it("with 'cancel' what is in flight is killed at once", async () => {
    const { test, held, request } = await waitingForFirst({ afterResponse: 'cancel' });
    held.release();
    await test.clock.settle();
    test.connection().reply = () => 'hang';
    const query = track(request.db.query('SELECT SLEEP(60)'));
    await test.clock.settle();
    request.leave();
    await test.clock.settle();
    assert.equal(query.code, 'QUERY_CANCELLED');
    assert.deepEqual([test.driver.kills.length, test.stats().idle], [1, 1]);
    await assert.rejects(request.db.query('SELECT 1'), coded('SCOPE_ENDED'));
  });

  it("with 'allow' and 'reject' what is in flight is awaited", async () => {
    for (const afterResponse of ['allow', 'reject'] as const) {
      const { test, held, request } = await waitingForFirst({ afterResponse });
      held.release();
      await test.clock.settle();
      test.connection().reply = () => 'hang';
      const query = track(request.db.query('SELECT SLEEP(1)'));
      request.leave();
      await test.clock.advance(100);
      test.connection().answer();
      await test.clock.settle();
      assert.equal(query.state, 'fulfilled');
      assert.equal(test.driver.kills.length, 0);
    }
  });
});
