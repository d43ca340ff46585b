import assert from 'node:assert/strict';
import { completeConfig } from '#core/drivers/mysql2-config.js';
import { Plugin } from '#core/plugin.js';
import { TestPool, track } from './fixture.js';
import { TestRequest } from './request-fixture.js';

describe('what is said when an attempt to connect takes too long', () => {
  it('names the part that did not end: the connection function, the connection, onConnect', async () => {
    const never = () => new Promise<never>(() => {});
    for (const [options, words, hangs] of [
      [{ connection: never }, /connection function/, false],
      [{}, /no connection within/, true],
      [{ onConnect: never }, /onConnect/, false],
    ] as const) {
      const test = new TestPool({ max: 1, connectTimeoutMs: 100, acquireTimeoutMs: 150, ...options });
      if (hangs) test.driver.hang();
      const waiting = track(test.pool.acquire());
      await test.clock.advance(5_000);
      assert.match(String((waiting.error.cause as Error).message), words);
    }
  });

  it('the driver has no deadline of its own, which would take a blocked event loop for a silent server', () => {
    assert.equal(completeConfig({ connectTimeout: 5 }, { poolName: 'p' }).connectTimeout, 0);
  });
});

describe('what is said of options', () => {
  it('the list of a plugin’s known options has its own, too', () => {
    const typo = () => new Plugin({ uri: 'mysql://u@192.0.2.1/s', skipp: () => false } as never);
    assert.throws(typo, /Unknown option 'skipp'.*Known options: as, pool, skip, /);
  });
});

describe('late work that is forbidden', () => {
  it('is not advised to do what is forbidden as well', async () => {
    const test = new TestPool({ max: 1 });
    const request = new TestRequest(test, { afterResponse: 'reject' });
    await request.db.query('SELECT 1');
    request.answer();
    await test.clock.settle();
    for (const late of [() => request.db.query('SELECT 1'), () => request.db.transaction(() => 1)])
      await assert.rejects(late(), /late work is not allowed here \(option afterResponse\)/);
  });
});

describe('what is set with reset: rollback', () => {
  it('stays on the connection, and is not held against the next holder', async () => {
    const test = new TestPool({ max: 1, reset: 'rollback' });
    const first = new TestRequest(test);
    await first.db.query('SET @a = 1');
    await first.db.query('CREATE TEMPORARY TABLE scratch (a INT)');
    first.answer();
    await test.clock.settle();
    const next = new TestRequest(test);
    await next.db.query('SELECT 1');
    next.answer();
    await test.clock.settle();
    await test.rest(next.db.query('SELECT * FROM scratch'));
  });
});
