import { strict as assert } from 'node:assert';
import { databaseUrl } from '@handback/contract/support/database.js';
import { createPool, type PoolOptions } from '@handback/core';
import { pinsOf, signOfProxy } from '#core/proxy.js';
import { Call } from '#core/statement.js';

async function warnings(
  options: PoolOptions,
  statements: string[],
): Promise<[code: string, message: string][]> {
  const pool = createPool({ uri: databaseUrl(), max: 1, ...options });
  const said: [string, string][] = [];
  pool.events.on('warning', ({ code, message }) => said.push([code, message]));
  try {
    await pool.run(
      async (db) => {
        for (const sql of statements) await db.query(sql);
      },
      { name: 'report' },
    );
  } finally {
    await pool.close();
  }
  return said;
}

const FOUND_ONCE = ['SELECT @seen := 1', 'SELECT @seen', 'SELECT 1'];

describe('behind a proxy', () => {
  it('the server says nothing of limits that are not those of the proxy', async () => {
    const max = 1_000_000;
    assert.deepEqual(
      (await warnings({ max }, ['SELECT 1'])).map(([code]) => code),
      ['SERVER_LIMITS'],
    );
    assert.deepEqual(await warnings({ max, behindProxy: true }, ['SELECT 1']), []);
  });

  it('what makes it keep a connection is told, once per route and reason', async () => {
    const said = await warnings({ behindProxy: true }, FOUND_ONCE);
    assert.deepEqual(said, [
      [
        'PINNED',
        'report makes a proxy keep a connection for one client alone: it uses a user variable. Said once per route and reason.',
      ],
    ]);
    assert.deepEqual(await warnings({}, FOUND_ONCE), []);
    assert.deepEqual(await warnings({ tag: true }, FOUND_ONCE), [], 'its statements are looked at as well');
  });

  for (const [sql, expected] of [
    ['SELECT 1', []],
    ["SELECT '@a GET_LOCK(1)' FROM t /* SET @x */", []],
    ['SELECT @@version', []],
    ['SELECT name FROM users WHERE email = "a@b.c"', []],
    ['SELECT @a', ['a user variable']],
    ['SELECT @`a b`', ['a user variable']],
    ["SELECT GET_LOCK('x', 1)", ['GET_LOCK()']],
    ['create temporary table t (a int)', ['a temporary table']],
    ['SET time_zone = "+00:00"', ['SET']],
    ['UPDATE t SET a = 1', []],
    ['LOCK TABLES t READ', ['LOCK TABLES']],
    ["GRANT SELECT ON t TO 'ada'@'localhost', `bob`@`%`", []],
    ["PREPARE p FROM 'SELECT 1'", ['a prepared statement (RDS Proxy)']],
    ['SELECT FOUND_ROWS()', ['FOUND_ROWS()']],
    ['SELECT SQL_CALC_FOUND_ROWS a FROM t LIMIT 1', ['FOUND_ROWS()']],
    [`SELECT '${'x'.repeat(16_400)}'`, ['a text of more than 16 KB']],
  ] as const)
    it(`${sql.slice(0, 60)}: ${expected.join() || 'nothing'} pins it`, () =>
      assert.deepEqual(pinsOf(new Call(false, sql, undefined)), expected));

  it('execute() pins it behind RDS Proxy', () =>
    assert.deepEqual(pinsOf(new Call(true, 'SELECT 1', undefined)), ['a prepared statement (RDS Proxy)']));

  it('a long value counts like a long text', () =>
    assert.deepEqual(pinsOf(new Call(false, 'INSERT INTO t VALUES (?)', ['x'.repeat(16_400)])), [
      'a text of more than 16 KB',
    ]));

  const facts = {
    version: '10.11.19-MariaDB-log',
    sqlMode: '',
    isMariaDb: true,
    waitTimeoutMs: 1,
    interactiveTimeoutMs: 1,
    maxConnections: 1,
    maxUserConnections: 0,
    port: 3306,
  };
  it('it is found by a greeting of another version than that of the server', () => {
    assert.equal(signOfProxy('5.5.5-10.11.19-MariaDB-log', facts), null);
    assert.equal(signOfProxy('10.11.19-MariaDB-log', facts), null);
    assert.match(signOfProxy('8.0.30', facts) ?? '', /greeting is of version 8\.0\.30/);
    assert.equal(signOfProxy(undefined, facts), null);
    assert.equal(signOfProxy('8.0.30', null), null);
  });
});
