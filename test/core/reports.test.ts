import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { serverError } from './fake-server.js';
import { TestPool, track } from './fixture.js';
import { TestRequest } from './request-fixture.js';

const SECRET = 'hunter2';

/** Every way in which an error, an event or a report could be printed. */
function printed(value: unknown): string {
  return [inspect(value, { depth: 10, showHidden: true }), JSON.stringify(value), String(value)].join('\n');
}

async function exhausted() {
  const test = new TestPool({ max: 2, maxIdle: 1, acquireTimeoutMs: 1_000, name: 'orders' });
  const old = new TestRequest(test, { route: 'GET /reports/:id' });
  await old.db.query(`SELECT * FROM users WHERE password = '${SECRET}' AND id = 7`);
  await test.clock.advance(300);
  await test.pool.acquire();
  const refused = track(new TestRequest(test, { route: 'POST /orders' }).db.query('SELECT 1'));
  await test.clock.advance(1_000);
  return { test, error: refused.error };
}

describe('reports', () => {
  it('the timeout is that of the acquire', async () => {
    const test = new TestPool({ max: 1 });
    await test.pool.acquire();
    const refused = track(test.pool.acquire({ timeoutMs: 300 }));
    await test.clock.advance(300);
    assert.equal(refused.error.report?.timeoutMs, 300);
  });

  it('a holder that has run nothing is not blamed for what ran on its connection before', async () => {
    const test = new TestPool({ max: 1 });
    await test.pool.query('SELECT 1');
    await test.pool.acquire();
    assert.deepEqual(
      test.pool.holders().map(({ statement }) => statement),
      [undefined],
    );
  });

  it('an exhausted pool says who holds it, since when, and what they ran', async () => {
    const { error, test } = await exhausted();
    assert.equal(error.code, 'ACQUIRE_TIMEOUT');
    const { holders, ...facts } = error.report ?? assert.fail('no report');
    assert.deepEqual(facts, {
      pool: 'orders',
      waitedMs: 1_000,
      timeoutMs: 1_000,
      max: 2,
      maxIdle: 1,
      leased: 2,
      idle: 0,
      opening: 0,
      pending: 0,
      lastConnectError: undefined,
    });
    assert.deepEqual(
      holders.map(({ route, ageMs, statement }) => ({ route, ageMs, statement })),
      [
        {
          route: 'GET /reports/:id',
          ageMs: 1_300,
          statement: 'SELECT * FROM users WHERE password = ? AND id = ?',
        },
        { route: 'pool.acquire', ageMs: 1_000, statement: undefined },
      ],
    );
    assert.deepEqual(test.pool.holders(), holders);
  });

  it('the message and whatever a framework serializes say nothing of the inside', async () => {
    const { error } = await exhausted();
    assert.equal(error.message, 'No database connection became free in time.');
    assert.deepEqual(Object.keys(error).sort(), ['code', 'headers', 'status', 'statusCode']);
    assert.deepEqual([error.status, error.statusCode, error.headers?.['Retry-After']], [503, 503, '1']);
    assert.doesNotMatch(String(error.stack), /\n\s+at /, 'Express prints the stack to the client');
  });

  it('the warning says all of it in one line, without values', async () => {
    const { test } = await exhausted();
    const [warning] = test.told('warning');
    assert.equal(
      warning?.message,
      "pool 'orders': waited 1000 ms; max 2, maxIdle 1, leased 2, idle 0, opening 0, pending 0, timeout 1000 ms; " +
        'held by GET /reports/:id for 1300 ms (SELECT * FROM users WHERE password = ? AND id = ?), pool.acquire for 1000 ms',
    );
  });

  it('at most ten holders, the oldest', async () => {
    const test = new TestPool({ max: 15, maxOpening: 15, acquireTimeoutMs: 10 });
    for (let n = 0; n < 15; n++) {
      await test.pool.acquire();
      await test.clock.advance(1);
    }
    const refused = track(test.pool.acquire());
    await test.clock.advance(10);
    const ages = refused.error.report?.holders.map(({ ageMs }) => ageMs);
    assert.deepEqual(ages, [25, 24, 23, 22, 21, 20, 19, 18, 17, 16]);
  });

  it('the last connect error is the cause, and its message is in the report', async () => {
    const test = new TestPool({ acquireTimeoutMs: 100 });
    test.driver.refuse('ECONNREFUSED');
    const refused = track(test.pool.acquire());
    await test.clock.advance(100);
    assert.equal(refused.error.report?.lastConnectError, 'connect ECONNREFUSED');
    assert.equal((refused.error.cause as Error).message, 'connect ECONNREFUSED');
    assert.ok(!Object.keys(refused.error).includes('cause'));
  });

  it('a driver’s error arrives as it is, but its sql without values', async () => {
    const test = new TestPool();
    const sql = `UPDATE users SET password = '${SECRET}' WHERE id = 7`;
    const original = serverError(1062, { code: 'ER_DUP_ENTRY', sql });
    test.driver.reply = () => original;
    const failed = track(test.pool.query(sql));
    await test.clock.settle();
    assert.equal(failed.error, original);
    assert.equal(original.sql, 'UPDATE users SET password = ? WHERE id = ?');
    assert.ok(!printed(original).includes(SECRET));
  });

  it('no error, event, report or inspection ever shows a value or a password', async () => {
    const test = new TestPool({
      max: 2,
      acquireTimeoutMs: 100,
      drainTimeoutMs: 50,
      connection: { password: SECRET },
    });
    const statements = [
      `SET @token = '${SECRET}'`,
      `INSERT INTO t VALUES ("${SECRET}", 'it''s')`,
      `START TRANSACTION`,
      `UPDATE t SET a = '${SECRET}'`,
      `SELECT broken '${SECRET}`,
    ];
    test.driver.reply = (sql) => (sql.includes('broken') ? serverError(1064, { sql }) : undefined);
    const request = new TestRequest(test);
    const errors: unknown[] = [];
    for (const sql of statements) await request.db.query(sql).catch((error) => errors.push(error));
    await test.pool.acquire();
    await test.clock.settle();
    const waiting = track(test.pool.query(`SELECT '${SECRET}'`));
    await test.clock.advance(100);
    request.answer();
    await test.clock.settle();
    const late = track(request.db.query(`SELECT '${SECRET}'`));
    await request.db.rollback();
    const later = track(request.db.query(`SELECT '${SECRET}' FROM u`));
    await test.clock.advance(100);
    errors.push(waiting.error, late.error, later);
    for (const each of [...errors, ...test.events, test.pool, test.flow, request.db, test.pool.holders()]) {
      assert.ok(!printed(each).includes(SECRET), printed(each));
    }
  });
});
