import { strict as assert } from 'node:assert';
import { databaseUrl } from '@handback/contract/support/database.js';
import { type ConnectionPool, createPool } from '@handback/core';
import type { RowDataPacket } from 'mysql2';

/** What a column, a table alias or a placeholder by such a name might have reached. */
function assertUntouched(): void {
  const fresh = {} as Record<string, unknown>;
  assert.equal(fresh.plain, undefined);
  assert.equal(typeof fresh.toString, 'function');
  assert.equal(Object.getPrototypeOf(fresh), Object.prototype);
  assert.deepEqual(Object.keys(Object.prototype), []);
}

describe('columns with the names of what objects inherit', () => {
  let pool: ConnectionPool;
  before(() => {
    pool = createPool({ uri: databaseUrl(), max: 1 });
  });
  after(() => pool.close());
  afterEach(assertUntouched);

  it('by query(), execute() and stream(): refused by the driver or a column like others; the next answer is the right one', async () => {
    for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty', '__defineGetter__']) {
      const sql = `SELECT 1 AS \`${name}\`, 5 AS plain`;
      for (const ask of [
        async () => (await pool.query<RowDataPacket[]>(sql))[0],
        async () => (await pool.execute<RowDataPacket[]>(sql))[0],
        () => pool.stream(sql).toArray(),
      ]) {
        const rows = await ask().catch((error: Error) => error.message);
        if (typeof rows === 'string') assert.match(rows, /private property/, name);
        else assert.deepEqual([rows[0].plain, Object.getPrototypeOf(rows[0])?.plain], [5, undefined]);
        assertUntouched();
        const [next] = await pool.query<RowDataPacket[]>('SELECT 7 AS seven');
        assert.deepEqual(next, [{ seven: 7 }]);
      }
    }
  });

  it('with nestTables, and as values of SET ? and of names', async () => {
    const nested = { sql: 'SELECT 5 AS plain FROM (SELECT 1 AS a) AS `__proto__`', nestTables: true };
    await pool.query(nested);
    await pool.query({ ...nested, nestTables: '_' });
    const named = { sql: 'SELECT :__proto__ AS a, :constructor AS b', namedPlaceholders: true };
    await pool.query(named, JSON.parse('{"__proto__": 5, "constructor": 6}')).catch(() => {});
    assert.match(pool.format('SET ?', JSON.parse('{"__proto__": 5}')), /`__proto__` = 5/);
  });

  it('in options: a key that JSON brings is an unknown option, and changes nothing', () => {
    const options = JSON.parse('{"__proto__": {"max": 1}, "uri": "mysql://x@127.0.0.1/y"}');
    assert.throws(() => createPool(options), { code: 'INVALID_OPTION' });
  });
});
