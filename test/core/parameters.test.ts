import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import fc from 'fast-check';
import mysql from 'mysql2';
import { checkParams, type StrictParams } from '#core/params.js';
import { coded, TestPool } from './fixture.js';

const COMPOSITES: unknown[] = [
  Object.create(null),
  [],
  [1],
  ['a', 'b'],
  {},
  { password: 1 },
  [[1]],
  new Map(),
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

function refused(sql: string, values: unknown, mode: StrictParams = 'context', named = false): boolean {
  try {
    checkParams(sql, values, mode, named);
    return false;
  } catch (error) {
    assert.equal((error as { code?: string }).code, 'UNSAFE_PARAMETER');
    return true;
  }
}

const AFTER_AN_OPERATOR = [
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
  'WHERE a RLIKE ?',
  'WHERE a REGEXP ?',
  'WHERE a IS ?',
  'WHERE a IS NOT ?',
  'WHERE a = 1 AND ?',
  'WHERE a = 1 OR ?',
  'WHERE NOT ?',
  'WHERE a + ? > 1',
  'WHERE a BETWEEN ? AND 2',
  "WHERE a->>'$.b' = ?",
  'WHERE a = BINARY ?',
  'UPDATE t SET a = ?',
  'WHERE a = /* the token */ ?',
  'WHERE a = -- the token\n ?',
  'WHERE a = # the token\n ?',
  'WHERE a =\n\t?',
];

const ELSEWHERE = [
  'SELECT 1 FROM t WHERE a IN (?)',
  'SELECT 1 FROM t WHERE a in(?)',
  'SELECT 1 FROM t WHERE a NOT IN (?)',
  'SELECT 1 FROM t WHERE (a, b) IN (?)',
  'INSERT INTO t SET ?',
  'INSERT INTO t VALUES ?',
  'INSERT INTO t (a, b) VALUES (?)',
  'UPDATE t SET ? WHERE id = 1',
  'INSERT INTO t SET a = 1 ON DUPLICATE KEY UPDATE ?',
];

describe('parameters of query()', () => {
  for (const sql of AFTER_AN_OPERATOR) {
    it(`context: arrays and objects are refused in ${JSON.stringify(sql)}`, () => {
      for (const value of COMPOSITES) assert.ok(refused(sql, [value]), inspect(value));
      for (const value of SCALARS) assert.ok(!refused(sql, [value]), inspect(value));
    });
  }

  for (const sql of ELSEWHERE) {
    it(`context: arrays and objects are allowed in ${sql}; 'all' refuses them, 'off' nothing`, () => {
      for (const value of COMPOSITES) {
        assert.ok(!refused(sql, [value]), inspect(value));
        assert.ok(refused(sql, [value], 'all'), inspect(value));
        assert.ok(!refused(sql, [value], 'off'), inspect(value));
      }
    });
  }

  it("'off' refuses nothing, after an operator neither", () => {
    for (const sql of AFTER_AN_OPERATOR) assert.ok(!refused(sql, [{ a: 1 }], 'off'));
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
  });

  it('toSqlString on a foreign object is refused wherever it is; what mysql.raw() makes is allowed', () => {
    class Foreign {
      toSqlString(): string {
        return '1 OR 1';
      }
    }
    const foreign = new Foreign();
    for (const sql of [...AFTER_AN_OPERATOR, ...ELSEWHERE]) {
      assert.ok(refused(sql, [foreign]), sql);
      assert.ok(!refused(sql, [mysql.raw('NOW()')]), sql);
    }
    assert.ok(refused('WHERE a = ?', [{ toSqlString: () => '1', and: 'more' }]));
  });

  it('toSqlString on a foreign object inside SET ? or IN (?) is refused too: the driver would call it there', () => {
    const foreign = { id: 7, toSqlString: () => '1 OR 1' };
    assert.ok(refused('UPDATE t SET ?', [{ a: foreign }]));
    assert.ok(refused('SELECT 1 FROM t WHERE a IN (?)', [[foreign]]));
  });

  it('the message names the placeholder and the way out, and never the value', () => {
    assert.throws(
      () => checkParams('WHERE b = 1 AND password = ?', [{ password: 'hunter2' }], 'context', false),
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
        const used = formatted.includes(`'value_${position}_'`);
        assert.equal(refused(sql, values, 'all'), used, formatted);
      }),
      { numRuns: 5_000 },
    );
  });
});

describe('where parameters are checked', () => {
  it('in query() and stream(), however the values are given; nothing is sent; not in execute()', async () => {
    const test = new TestPool();
    const sql = 'SELECT 1 FROM users WHERE password = ?';
    const evil = { password: 1 } as never;
    const calls = [
      () => test.pool.query(sql, [evil]),
      () => test.pool.query({ sql, values: [evil] }),
      () => test.pool.query({ sql: 'SELECT 1 FROM t WHERE a = :a', namedPlaceholders: true }, { a: evil }),
      () => test.pool.stream(sql, [evil]).toArray(),
      () => test.pool.stream({ sql, values: [evil] }).toArray(),
      () =>
        test.pool
          .stream({ sql: 'SELECT 1 FROM t WHERE a = :a', namedPlaceholders: true }, { a: evil })
          .toArray(),
    ];
    for (const [n, call] of calls.entries()) {
      await assert.rejects(call(), coded('UNSAFE_PARAMETER'), `call ${n}: ${call}`);
    }
    assert.equal(test.driver.opens.length, 0);
    await test.pool.execute('SELECT 1 FROM t WHERE a = ?', [{ json: true } as never]);
  });
});
