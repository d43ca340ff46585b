import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import fc from 'fast-check';
import mysql from 'mysql2';
import { mysql2Driver } from '#core/drivers/mysql2.js';
import { checkParams, type StrictParams } from '#core/params.js';
import { coded, TestPool } from './fixture.js';

const COMPOSITES: unknown[] = [
  Object.create(null),
  { toSqlString: '1 OR 1' },
  [],
  [1],
  ['a', 'b'],
  {},
  { password: 1 },
  [[1]],
  new Map(),
];
const OBJECTS = [
  {},
  { a: 1 },
  JSON.parse('{"__proto__": 1, "toString": 2}'),
  Object.create(null),
  new Map([['a', 1]]),
];
const SCALARS: unknown[] = [
  'a',
  1,
  1n,
  true,
  null,
  undefined,
  new Date(0),
  Buffer.from('a'),
  new Uint8Array(1),
];

/** As sql-escaper, which the driver formats with, marks an object whose columns were chosen. */
const expand = (value: object) => ({ [Symbol.for('sql-escaper.expand')]: true, value });

const { unnamed } = mysql2Driver.formatter(null);

function refused(sql: string, values: unknown, mode: StrictParams = 'context', named = false): boolean {
  try {
    const given = named ? unnamed(sql, values as object) : { sql, values };
    checkParams(given.sql, given.values, mode);
    return false;
  } catch (error) {
    const { code, statusCode } = error as { code?: string; statusCode?: number };
    assert.deepEqual([code, statusCode], ['UNSAFE_PARAMETER', 400], String(error));
    return true;
  }
}

const ONE_VALUE = [
  'SELECT 1 FROM users WHERE password = ?',
  'WHERE a =?',
  'WHERE a=(?)',
  'WHERE a = ( ( ?',
  'WHERE a <> ?',
  'WHERE a != ?',
  'WHERE a <=> ?',
  'WHERE a < ?',
  'WHERE a >= ?',
  'WHERE a LIKE ?',
  'WHERE a NOT LIKE ?',
  "WHERE a LIKE 'x' ESCAPE ?",
  'WHERE a RLIKE ?',
  'WHERE a NOT REGEXP ?',
  'WHERE a SOUNDS LIKE ?',
  'WHERE a MEMBER OF (?)',
  'WHERE a IS ?',
  'WHERE a IS NOT ?',
  'WHERE a = 1 AND ?',
  'WHERE a = 1 && ?',
  'WHERE a = 1 OR ?',
  'WHERE a = 1 || ?',
  'WHERE NOT ?',
  'WHERE ! ?',
  'WHERE ?',
  'WHERE (?)',
  'WHERE a + ? > 1',
  'WHERE a - ? > 1',
  'WHERE a DIV ? > 1',
  'WHERE a BETWEEN ? AND 2',
  'WHERE a NOT BETWEEN ? AND 2',
  "WHERE a->>'$.b' = ?",
  'WHERE a = BINARY ?',
  'WHERE a = ALL (?)',
  'WHERE ? = password',
  'WHERE (?) = (a, b)',
  'WHERE (a, b) = (?)',
  'WHERE (a, b) = (1, ?)',
  'WHERE (a, b) = ROW(?, 1)',
  'WHERE a = SHA2(?, 256)',
  'WHERE a = SHA2(1, ?)',
  'WHERE a = COALESCE(NULL, ?)',
  'WHERE CONCAT(?, 1) = a',
  'WHERE STRCMP(?, a)',
  'WHERE IF(?, 1, 0)',
  'WHERE FIELD(?, a)',
  'WHERE MATCH (a) AGAINST (?)',
  'WHERE EXISTS (SELECT 1 FROM t WHERE a = ?)',
  'WHERE a IN (SELECT b FROM t WHERE c = ?)',
  'WHERE a IN (SELECT b FROM t LIMIT ?, ?)',
  'WHERE a IN (b = ?)',
  'WHERE a IN (? + 1)',
  'WHERE a IN (LOWER(?))',
  'WHERE a IN (1) AND b = ?',
  'WHERE CASE WHEN ? THEN 1 END',
  'WHERE CASE ? WHEN a THEN 1 END',
  'WHERE a > NOW() - INTERVAL ? DAY',
  'SELECT 1 FROM t JOIN u ON t.a = ?',
  'SELECT 1 FROM t JOIN u ON ?',
  'SELECT 1 FROM t GROUP BY a HAVING ?',
  'SELECT 1 FROM t GROUP BY a HAVING COUNT(*) > ?',
  'SELECT 1 FROM t GROUP BY ?',
  'SELECT 1 FROM t ORDER BY ?',
  'SELECT 1 FROM t ORDER BY a, ?',
  'SELECT 1 FROM t LIMIT ?',
  'SELECT 1 FROM t LIMIT 1, ?',
  'SELECT 1 FROM t LIMIT 1 OFFSET ?',
  'SELECT a = ?',
  'SELECT ? = password FROM users',
  'SELECT ?=password FROM users',
  'SELECT ? LIKE password FROM users',
  'SELECT 1, a + ?',
  'SELECT UPPER(?)',
  'UPDATE t SET a = ?',
  'UPDATE t SET a = 1, b = ?',
  'UPDATE t SET a = LEAST(1, ?)',
  'UPDATE t SET a = 1 WHERE ?',
  'UPDATE t SET a = 1 ORDER BY a, ?',
  'INSERT INTO t VALUES (UPPER(?))',
  'INSERT INTO t (a) VALUES (1 + ?)',
  'INSERT INTO t (a) VALUES (1) ON DUPLICATE KEY UPDATE a = VALUES(a) + ?',
  'INSERT INTO t (a) VALUES (1) ON DUPLICATE KEY UPDATE a = ?',
  'DELETE FROM t WHERE a = ?',
  'CALL p(UPPER(?))',
  'SET @a = ?',
  'WHERE a = /* the token */ ?',
  'WHERE a = /* IN ( */ ?',
  'WHERE a = -- IN (\n ?',
  'WHERE a = # VALUES\n ?',
  'WHERE a = /*! ?',
  'WHERE a = /*!50000 */ ?',
  'WHERE a = /*M! IN ( */ ?',
  "WHERE b = ' IN (' AND a = ?",
  'WHERE b = " IN (" AND a = ?',
  "WHERE b = 'it''s IN (' AND a = ?",
  'WHERE `IN (` = ?',
  'WHERE t.in (?)',
  'WHERE t.values ?',
  'WHERE a =\n\t?',
];

const LIST = [
  'SELECT 1 FROM t WHERE a IN (?)',
  'SELECT 1 FROM t WHERE a in(?)',
  'SELECT 1 FROM t WHERE a IN /* these */ (?)',
  'SELECT 1 FROM t WHERE a IN (1, ?)',
  'SELECT 1 FROM t WHERE a NOT IN (?)',
  'SELECT 1 FROM t WHERE a IN (?) AND b = 1',
  'SELECT 1 FROM t WHERE (a, b) IN (?)',
  'SELECT 1 FROM t WHERE (a, b) IN ((1, 2), (?))',
  'SELECT 1 FROM t WHERE a = 1 AND b IN (SELECT c FROM u WHERE d IN (?))',
  'SELECT 1 FROM t ORDER BY FIELD(a, ?)',
  'INSERT INTO t VALUES ?',
  'INSERT INTO t (a, b) VALUES ?',
  'INSERT INTO t (a, value) VALUES ? ON DUPLICATE KEY UPDATE a = VALUES(a)',
  'INSERT INTO t (a, b) VALUES (?)',
  'INSERT INTO t (a, b) VALUES (1, 2), (?)',
  'REPLACE INTO t VALUE (?)',
  'INSERT INTO t (a, b) SELECT ? WHERE NOT EXISTS (SELECT 1)',
  'CALL p(?)',
  '(?)',
  '?',
];

const ASSIGNMENTS = [
  'INSERT INTO t SET ?',
  'UPDATE t SET ? WHERE id = 1',
  'UPDATE t SET a = 1, ?',
  'UPDATE t JOIN u ON t.a = u.a SET ?',
  'INSERT INTO t SET a = 1 ON DUPLICATE KEY UPDATE ?',
];

describe('parameters of query()', () => {
  for (const sql of ONE_VALUE) {
    it(`context: arrays and objects are refused in ${JSON.stringify(sql)}`, () => {
      const count = mysql.format(sql, Array(9).fill('zz')).split("'zz'").length - 1;
      for (const value of COMPOSITES)
        assert.ok(
          refused(
            sql,
            Array(count)
              .fill(1)
              .with(count - 1, value),
          ),
          inspect(value),
        );
      for (const value of SCALARS) assert.ok(!refused(sql, Array(count).fill(value)), inspect(value));
    });
  }

  for (const sql of LIST) {
    it(`context: arrays are allowed in ${sql}, objects are not; 'all' refuses them, 'off' nothing`, () => {
      for (const value of [
        [],
        [1],
        [
          [1, 'a'],
          [2, new Date(0)],
        ],
        new Set([1]),
      ]) {
        assert.ok(!refused(sql, [value]), inspect(value));
        assert.ok(refused(sql, [value], 'all'), inspect(value));
        assert.ok(!refused(sql, [value], 'off'), inspect(value));
      }
      for (const value of OBJECTS) assert.ok(refused(sql, [value]), inspect(value));
      for (const value of OBJECTS) assert.ok(refused(sql, [[1, [value]]]), inspect(value));
    });
  }

  for (const sql of ASSIGNMENTS) {
    it(`context: an object of single values is allowed in ${sql}, arrays are not`, () => {
      for (const value of [...OBJECTS, expand({ a: 1 })]) {
        assert.ok(!refused(sql, [value]), inspect(value));
        assert.ok(refused(sql, [value], 'all'), inspect(value));
      }
      assert.ok(refused(sql, [[1]]));
      for (const inner of [...OBJECTS, [], [1]])
        assert.ok(refused(sql, [{ a: 1, b: inner }]), inspect(inner));
    });
  }

  it("'off' refuses nothing", () => {
    for (const sql of ONE_VALUE) assert.ok(!refused(sql, [{ a: 1 }, Number.NaN], 'off'));
  });

  it('an instance of a class has a text of its own: allowed as one value of a list or an object', () => {
    class Decimal {
      toString(): string {
        return '1.5';
      }
    }
    for (const sql of LIST) assert.ok(!refused(sql, [new Decimal()]));
    for (const sql of ASSIGNMENTS) assert.ok(!refused(sql, [{ a: new Decimal() }]));
  });

  it('a number that is none is refused wherever it stands: JSON reads 1e999 as infinite', () => {
    for (const value of [Number.NaN, JSON.parse('1e999'), -Infinity]) {
      for (const sql of [...LIST, 'WHERE a = ?']) {
        assert.ok(refused(sql, [value]), sql);
      }
      for (const sql of LIST) assert.ok(refused(sql, [[1, [value]]]), sql);
      for (const sql of ASSIGNMENTS) assert.ok(refused(sql, [{ a: value }]), sql);
      for (const sql of ASSIGNMENTS) assert.ok(refused(sql, [new Map([['a', value]])]), sql);
    }
  });

  it('lists that are nested more deeply than rows are refused, however deep', () => {
    const depth = 50_000;
    const deep = JSON.parse('['.repeat(depth) + ']'.repeat(depth));
    for (const sql of LIST) assert.ok(refused(sql, [deep]));
    assert.ok(
      !refused('VALUES ?', [
        [
          [1, 2],
          [3, 4],
        ],
      ]),
    );
  });

  it('??: a list of names, of which none is an object', () => {
    assert.ok(!refused('SELECT ?? FROM t', [['a', 'b']]));
    assert.ok(!refused('SELECT ?? FROM t', ['a']));
    for (const value of [{ toString: 'x' }, [{ a: 1 }], [['a']]])
      assert.ok(refused('SELECT ?? FROM t', [value]));
    assert.ok(refused('SELECT ?? FROM t', [['a', 'b']], 'all'));
  });

  it('a single value may be given without a list', () => {
    assert.ok(refused('WHERE a = ?', { password: 1 }));
    assert.ok(!refused('INSERT INTO t SET ?', { a: 1 }));
  });

  it('the value is found by the number of its placeholder', () => {
    assert.ok(refused('SELECT 1 FROM t WHERE a = ? AND b IN (?)', [{ a: 1 }, [1]]));
    assert.ok(!refused('SELECT 1 FROM t WHERE a = ? AND b IN (?)', [1, [1]]));
    assert.ok(!refused('SELECT ?? FROM t WHERE b = ?', [['a', 'b'], 1]), 'names may be a list');
    assert.ok(refused('SELECT ?? FROM t WHERE b = ?', [['a', 'b'], [1]]));
  });

  it('named placeholders, where they are on', () => {
    assert.ok(refused('WHERE a = :a', { a: { b: 1 } }, 'context', true));
    assert.ok(refused('WHERE a = :a AND b = :B2', { a: 1, B2: [1] }, 'context', true));
    assert.ok(!refused('WHERE a IN (:a)', { a: [1] }, 'context', true));
    assert.ok(!refused("WHERE a = ':b'", { b: { c: 1 } }, 'context', true));
    assert.ok(!refused('WHERE a = :a', { a: 'b' }, 'context', true));
    // The driver puts values into comments and quoted names first, and then finds those no more: all move on by one.
    assert.ok(refused('/* :list */ WHERE a = :a', { list: [1], a: 1 }, 'context', true));
    assert.ok(refused('SELECT `a:b` WHERE a = :a AND b IN (:c)', { b: [1], a: 1, c: 1 }, 'context', true));
    assert.ok(refused('WHERE a = :0', { 0: [1] }, 'context', true));
  });

  it('toSqlString on a foreign object is refused wherever it is; what mysql.raw() makes is allowed', () => {
    class Foreign {
      toSqlString(): string {
        return '1 OR 1';
      }
    }
    const foreign = new Foreign();
    for (const sql of ['WHERE a = ?', 'SELECT UPPER(?)', ...LIST, ...ASSIGNMENTS]) {
      assert.ok(refused(sql, [foreign]), sql);
      assert.ok(!refused(sql, [mysql.raw('NOW()')]), sql);
    }
    assert.ok(refused('WHERE a = ?', [{ toSqlString: () => '1', and: 'more' }]));
  });

  it('toSqlString on a foreign object inside SET ? or IN (?) is refused too: the driver would call it there', () => {
    const foreign = { id: 7, toSqlString: () => '1 OR 1' };
    assert.ok(refused('UPDATE t SET ?', [{ a: foreign }]));
    assert.ok(refused('UPDATE t SET ?', [new Map([['a', foreign]])]));
    assert.ok(refused('UPDATE t SET ?', [expand({ a: foreign })]));
    assert.ok(refused('SELECT 1 FROM t WHERE a IN (?)', [[foreign]]));
    assert.ok(refused('SELECT 1 FROM t WHERE a IN (?)', [new Set([foreign])]));
    const view = Object.assign(new Float32Array(1), { toSqlString: () => '1 OR 1' });
    assert.ok(refused('SELECT 1 FROM t WHERE a = ?', [view]));
  });

  it('the message names the placeholder and the way out, and never the value', () => {
    assert.throws(
      () => checkParams('WHERE b = 1 AND password = ?', [{ password: 'hunter2' }], 'context'),
      (error: Error) =>
        /placeholder 1/.test(error.message) &&
        /IN \(\?\)/.test(error.message) &&
        !/hunter2/.test(error.message),
    );
  });

  it('placeholders in literals, comments and quoted names are no placeholders, as the driver reads it', () => {
    const fragment = fc.constantFrom(
      "'?'",
      '"?"',
      '`?`',
      "'it''s ?'",
      "'\\'?'",
      '"\\"?"',
      '/* ? */',
      "/* don't */",
      '-- ?\n',
      '# ?\n',
      '--?',
      '/*! ? */',
      '?',
      '??',
      '???',
      '?, ?',
      'a',
      ', ',
      ' ',
      '(?)',
    );
    fc.assert(
      fc.property(fc.array(fragment, { maxLength: 12 }), fc.nat(8), (fragments, position) => {
        const sql = `SELECT ${fragments.join(' ')}`;
        const plain = Array.from({ length: 9 }, (_, n) => `value_${n}_`);
        const values: unknown[] = [...plain];
        values[position] = [`value_${position}_`];
        const formatted = mysql.format(sql, plain);
        // What is beyond the last placeholder is refused as well.
        const used =
          plain.filter((value) => formatted.includes(value)).length <= position ||
          formatted.includes(`value_${position}_`);
        assert.equal(refused(sql, values, 'all'), used, formatted);
      }),
      { numRuns: 5_000 },
    );
  });
});

describe('where parameters are checked', () => {
  const sql = 'SELECT 1 FROM users WHERE password = ?';
  const byName = 'SELECT 1 FROM t WHERE a = :a';
  const evil = { password: 1 } as never;

  function calls(db: Pick<TestPool['pool'], 'query' | 'stream'>): (() => Promise<unknown>)[] {
    return [
      () => db.query(sql, [evil]),
      () => db.query(sql, evil),
      () => db.query({ sql, values: [evil] }),
      () => db.query({ sql, values: [evil] }, null as never),
      () => db.query({ sql, values: ['x'] }, [evil]),
      () => db.query({ sql, values: evil, typeCast: false, nestTables: true }),
      () => db.query({ sql, namedPlaceholders: false }, [evil]),
      () => db.query({ sql, namedPlaceholders: true }, [evil]),
      () => db.query({ sql: byName, namedPlaceholders: true }, { a: evil }),
      () => db.query({ sql: byName, namedPlaceholders: true, values: { a: [1] as never } }),
      () => db.stream(sql, [evil]).toArray(),
      () => db.stream({ sql, values: [evil] }).toArray(),
      () => db.stream({ sql: byName, namedPlaceholders: true }, { a: evil }).toArray(),
    ];
  }

  it('in query() and stream(), however the values are given; nothing is sent; not in execute()', async () => {
    const test = new TestPool();
    for (const [n, call] of calls(test.pool).entries()) {
      await assert.rejects(call(), coded('UNSAFE_PARAMETER'), `call ${n}: ${call}`);
    }
    assert.equal(test.driver.opens.length, 0);
    await test.pool.execute('SELECT 1 FROM t WHERE a = ?', [{ json: true } as never]);
  });

  it('in transactions, savepoints, leases and jobs', async () => {
    const test = new TestPool();
    const dbs: Promise<unknown>[] = [];
    const tryAll = async (db: never) => {
      for (const call of calls(db)) await assert.rejects(call(), coded('UNSAFE_PARAMETER'), String(call));
    };
    dbs.push(test.pool.run((db) => tryAll(db as never)));
    dbs.push(
      test.pool.transaction(async (tx) => {
        await tryAll(tx as never);
        await tx.transaction((inner) => tryAll(inner as never));
      }),
    );
    await Promise.all(dbs);
    const lease = await test.pool.acquire();
    await tryAll(lease as never);
    lease.release();
  });

  it('names are looked for where it is not known whether they are used: a connection function', async () => {
    const test = new TestPool({ uri: undefined, connection: () => ({}) });
    await assert.rejects(test.pool.query(byName, { a: evil } as never), coded('UNSAFE_PARAMETER'));
    await assert.rejects(test.pool.query(sql, evil), coded('UNSAFE_PARAMETER'));
    assert.equal(test.driver.opens.length, 0);
  });

  it('where names are used, a statement can only say for itself that it has none', async () => {
    const test = new TestPool({ uri: undefined, connection: { namedPlaceholders: true } });
    await assert.rejects(test.pool.query(byName, { a: evil } as never), coded('UNSAFE_PARAMETER'));
    await assert.rejects(
      test.pool.query({ sql, namedPlaceholders: false, values: evil }),
      coded('UNSAFE_PARAMETER'),
    );
    assert.equal(test.driver.opens.length, 0);
  });

  it('in format(), and in escape() what is unsafe anywhere', () => {
    const { pool } = new TestPool();
    const foreign = { id: 1, toSqlString: () => '1 OR 1' };
    assert.throws(() => pool.format(sql, [evil]), coded('UNSAFE_PARAMETER'));
    assert.throws(() => pool.format('id IN (?)', [[foreign]]), coded('UNSAFE_PARAMETER'));
    for (const value of [foreign, [foreign], Number.NaN, [Infinity], { a: 1 }])
      assert.throws(() => pool.escape(value), coded('UNSAFE_PARAMETER'));
    for (const value of [[1, 2], 'a', new Date(0), null, mysql.raw('NOW()')]) pool.escape(value);
  });

  it('execute() refuses an object that the driver would read as bytes: gigabytes, if it says so', async () => {
    const test = new TestPool();
    for (const value of [{ constructor: 1, length: 2e9 }, Object.create(null), new Map()])
      await assert.rejects(test.pool.execute('SELECT ?', [value]), coded('UNSAFE_PARAMETER'));
    for (const value of [{ a: 1 }, { length: 2 }, [1, { constructor: 1 }], Buffer.from('a')])
      await test.pool.execute('SELECT ?', [value as never]);
  });

  it('execute() refuses a number that is none', async () => {
    const test = new TestPool();
    for (const values of [[Number.NaN], [Infinity]])
      await assert.rejects(test.pool.execute('SELECT ?', values), coded('UNSAFE_PARAMETER'));
    const named = { sql: 'SELECT :a', namedPlaceholders: true };
    await assert.rejects(test.pool.execute(named, { a: Infinity }), coded('UNSAFE_PARAMETER'));
  });
});
