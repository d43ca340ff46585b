import assert from 'node:assert/strict';
import type { PoolOptions } from '#core/options.js';
import { lostError } from './fake-server.js';
import { TestPool, track } from './fixture.js';

const FIVE_MINUTES = 300_000;

/** A pool with one connection that has run something. */
async function opened(options: Partial<PoolOptions> = {}, max = 3) {
  const test = new TestPool({ max, idleTimeoutMs: 0, maxLifetimeMs: 0, ...options });
  await test.rest(test.pool.query('SELECT 1'));
  return test;
}

async function openAnother(test: TestPool): Promise<void> {
  const leases = [await test.pool.acquire(), await test.pool.acquire()];
  for (const lease of leases) lease.release();
  await test.clock.settle();
}

function limits(test: TestPool): string[] {
  return test
    .told('warning')
    .filter(({ code }) => code === 'SERVER_LIMITS')
    .map(({ message }) => message);
}

describe('what is known of the server', () => {
  it('nothing before the first connection; then what it said of itself', async () => {
    const test = new TestPool();
    const server = () => test.pool.server;
    assert.equal(server(), undefined);
    await test.rest(test.pool.query('SELECT 1'));
    assert.deepEqual([server()?.maxConnections, server()?.isMariaDb], [151, true]);
  });

  it('is asked on the first connection, and not again on the next', async () => {
    const test = await opened();
    await openAnother(test);
    assert.deepEqual([test.driver.connections.length, test.driver.surveys], [2, 1]);
  });

  it('of several that are opened at once one asks, and a slow answer holds up no other', async () => {
    const test = new TestPool({ max: 2, maxOpening: 2 });
    const { driver } = test;
    const survey = driver.survey.bind(driver);
    let go: () => void = () => {};
    const gate = new Promise<void>((resolve) => {
      go = resolve;
    });
    driver.survey = () => gate.then(survey);
    const leases = [track(test.pool.acquire()), track(test.pool.acquire())];
    await test.clock.settle();
    assert.deepEqual(leases.map(({ state }) => state).sort(), ['fulfilled', 'pending']);
    go();
    await test.clock.settle();
    assert.deepEqual([leases.map(({ state }) => state), driver.surveys], [['fulfilled', 'fulfilled'], 1]);
  });

  for (const [what, happen] of [
    ['five minutes later', (test: TestPool) => test.clock.advance(FIVE_MINUTES)],
    [
      'after a connection was lost',
      async (test: TestPool) => {
        test.connection().lose();
        await test.clock.settle();
      },
    ],
    ['after evictAll()', async (test: TestPool) => void test.pool.evictAll()],
  ] as const) {
    it(`${what} it is asked again, by the next that is opened`, async () => {
      const test = await opened();
      await happen(test);
      await openAnother(test);
      assert.equal(test.driver.surveys, 2);
    });
  }

  for (const ddl of [
    'CREATE TRIGGER a BEFORE INSERT ON t FOR EACH ROW SET @a = 1',
    'CREATE OR REPLACE VIEW v AS SELECT f()',
    'ALTER TABLE t ADD b INT',
    'DROP FUNCTION f',
  ]) {
    it(`after our own ${ddl}: by the reset that follows`, async () => {
      const test = await opened();
      await test.rest(test.pool.query(ddl));
      assert.deepEqual([test.driver.surveys, test.connection().resets], [2, 1]);
    });
  }

  it('until then, after our own DDL, no statement counts as plain', async () => {
    const test = await opened();
    const lease = await test.pool.acquire();
    const other = await test.pool.acquire();
    const [{ resets }] = [test.connection(1)];
    await other.query('DROP VIEW v');
    await lease.query('SELECT 1');
    lease.release();
    await test.clock.settle();
    assert.equal(test.connection(0).resets + test.connection(1).resets, resets + 1);
  });

  it('a server that won’t say: nothing is known, nothing is warned of, and the pool works', async () => {
    const test = new TestPool({ max: 1_000 });
    test.driver.facts = null;
    await test.rest(test.pool.query('SELECT 1'));
    assert.deepEqual([test.pool.server, limits(test)], [undefined, []]);
  });

  it('a connection that dies while it is asked is a failed open', async () => {
    const test = new TestPool({ max: 1 });
    let attempts = 0;
    const survey = test.driver.survey.bind(test.driver);
    test.driver.survey = () => (++attempts === 1 ? Promise.reject(lostError()) : survey());
    await test.clock.settle();
    const answer = track(test.pool.query('SELECT 1'));
    await test.clock.advance(200);
    assert.deepEqual([answer.state, test.driver.connections.length], ['fulfilled', 2]);
  });
});

describe('what follows from it', () => {
  for (const options of [{}, { minIdle: 1 }, { idleTimeoutMs: 3_600_000 }]) {
    it(`no connection lies idle for as long as wait_timeout: ${JSON.stringify(options)}`, async () => {
      const test = new TestPool({ max: 1, idleTimeoutMs: 0, maxLifetimeMs: 0, ...options });
      test.driver.facts = { ...(await test.driver.survey()).facts, waitTimeoutMs: 100_000 } as never;
      await test.rest(test.pool.query('SELECT 1'));
      await test.clock.advance(54_000);
      assert.equal(test.connection(0).ended, false);
      await test.clock.advance(20_000);
      assert.equal(test.connection(0).ended, true, 'closed by us, before the server does');
      assert.deepEqual([test.stats().idle, test.stats().evicted.idle], [options.minIdle ?? 0, 1]);
    });
  }

  it('options that contradict the server are warned of once, with the arithmetic', async () => {
    const test = new TestPool({ max: 20, idleTimeoutMs: 300_000 });
    const facts = { ...(await test.driver.survey()).facts, waitTimeoutMs: 60_000, maxConnections: 10 };
    test.driver.facts = facts as never;
    await test.rest(test.pool.query('SELECT 1'));
    const said = limits(test);
    assert.equal(said.length, 2);
    assert.match(said[0] ?? '', /idleTimeoutMs 300000 > .*60000.*15000 ms.*wait_timeout 60 s/);
    assert.match(said[1] ?? '', /max 20 \+ 1 control connection = 21 > max_connections 10/);
    test.pool.evictAll();
    await test.rest(test.pool.query('SELECT 1'));
    assert.equal(limits(test).length, 2);
  });

  it('a proxy, found by its greeting, is warned of once; then no limits are, but what pins its connections', async () => {
    const test = new TestPool({ max: 1_000 });
    test.driver.greeting = '8.0.11';
    await test.rest(test.pool.query('SELECT 1'));
    test.pool.evictAll();
    await test.rest(test.pool.query('SELECT @a'));
    const said = test.told('warning');
    assert.deepEqual(
      said.map(({ code }) => code),
      ['BEHIND_PROXY', 'PINNED'],
    );
    assert.match(
      said[0]?.message ?? '',
      /^pool 'default': something stands between it and the server \(the greeting is of version 8\.0\.11, VERSION\(\) is 10\.11\.0-MariaDB\): limits and timeouts are not compared/,
    );
  });

  it('a proxy that the option says is there is not warned of', async () => {
    const test = new TestPool({ max: 1_000, behindProxy: true });
    test.driver.greeting = '8.0.11';
    await test.rest(test.pool.query('SELECT 1'));
    assert.deepEqual(test.told('warning'), []);
  });

  it('what fits is not warned of', async () => {
    const test = await opened({ idleTimeoutMs: 300_000, max: 10 }, 10);
    assert.deepEqual(limits(test), []);
  });

  it('code stored in the schema makes plain statements a reason to reset', async () => {
    const test = new TestPool({ max: 1 });
    const asked = new Set<string>();
    test.driver.storedCode = {
      blind: null,
      reached: (sql, onlyReads, identifier) => {
        asked.add([sql, onlyReads, identifier].join());
        return sql.includes('orders') ? 'it names `orders`, a table with triggers' : null;
      },
    };
    for (const sql of ['SELECT * FROM users', 'UPDATE ?? SET a = 1', 'INSERT INTO orders VALUES (1)'])
      await test.rest(test.pool.query(sql));
    assert.equal(test.connection().resets, 1);
    assert.match(test.told('reset')[0]?.reason ?? '', /a table with triggers/);
    assert.deepEqual(
      [...asked],
      [
        'SELECT * FROM users,true,false',
        'UPDATE ?? SET a = 1,false,true',
        'INSERT INTO orders VALUES (1),false,false',
      ],
    );
  });

  it('triggers that the account can’t see are warned of, once', async () => {
    const test = new TestPool({ max: 1 });
    test.driver.storedCode = { blind: 'the account can’t see triggers of `shop`', reached: () => null };
    await test.rest(test.pool.query('SELECT 1'));
    test.pool.evictAll();
    await test.rest(test.pool.query('SELECT 1'));
    assert.equal(limits(test).length, 1);
    assert.match(limits(test)[0] ?? '', /can’t see triggers of `shop`/);
  });

  it('a driver that hides the status: every use is followed by a reset, which is warned of once', async () => {
    const test = new TestPool({ max: 2 });
    test.driver.hidesStatus = true;
    for (const sql of ['SELECT 1', 'UPDATE t SET a = 1', 'INSERT INTO t VALUES (1)', 'DELETE FROM t'])
      await test.rest(test.pool.query(sql));
    await openAnother(test);
    const warnings = test.told('warning').filter(({ code }) => code === 'STATUS_HIDDEN');
    assert.equal(warnings.length, 1);
    assert.equal(test.stats().reset, 4, 'whatever ran');
    assert.equal(test.stats().cleanReleases, 2, 'nothing had run');
  });
});
