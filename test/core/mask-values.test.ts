import assert from 'node:assert/strict';
import fc from 'fast-check';
import { maskValues } from '#core/mask.js';

const MARK = 'SeCrEt';

const TABLE: readonly [sql: string, masked: string][] = [
  ["SELECT * FROM users WHERE name = 'Ann' AND age > 30", 'SELECT * FROM users WHERE name = ? AND age > ?'],
  ['SELECT "Ann", \'it\'\'s\', "say ""so"""', 'SELECT ?, ?, ?'],
  ['SELECT -1.5e-3, 0xFF, 12', 'SELECT -?, ?, ?'],
  ['SELECT a1, t2.b FROM `table3` WHERE c4 = 5', 'SELECT a1, t2.b FROM `table3` WHERE c4 = ?'],
  ['SELECT * FROM t LIMIT 10', 'SELECT * FROM t LIMIT ?'],
  ['SELECT ?, :name', 'SELECT ?, :name'],
  ["SELECT 'a\\'b', 'c'", 'SELECT ?…'],
  ["SELECT 'never closed", 'SELECT …'],
  ['', ''],
];

/** Ways to quote that an application may have; all of them are valid in some sql_mode. */
const QUOTES: readonly ((content: string) => string)[] = [
  (content) => `'${content.replaceAll("'", "''")}'`,
  (content) => `"${content.replaceAll('"', '""')}"`,
  (content) => `'${content.replace(/[\\']/g, '\\$&')}'`,
  (content) => `"${content.replace(/[\\"]/g, '\\$&')}"`,
  (content) => `N'${content.replaceAll("'", "''")}'`,
  (content) => `_utf8mb4'${content.replaceAll("'", "''")}'`,
];

const content = fc.tuple(noise(), noise()).map(([before, after]) => `${before}${MARK}${after}`);
const literal = fc.tuple(fc.constantFrom(...QUOTES), content).map(([quote, text]) => quote(text));

function noise() {
  return fc.string({
    unit: fc.constantFrom("'", '"', '\\', '`', '-', '#', '/', '*', '?', ' ', '\n', 'a', '1', ';', '\u00e9'),
    maxLength: 8,
  });
}

/** What stands between literals: nothing here opens a literal or a comment. */
const between = fc.constantFrom(' ', ', ', ' = ', ' AND a = ', ' OR `b` = ', ' IN (1, ', ') + ', ' LIKE ');

function statement(parts: readonly [string, string][]): string {
  return `SELECT${parts.map(([gap, text]) => `${gap}${text}`).join('')}`;
}

describe('masked statements', () => {
  for (const [sql, masked] of TABLE) {
    it(`${sql || 'nothing'} is shown as ${masked || 'nothing'}`, () => assert.equal(maskValues(sql), masked));
  }

  it('never show the content of a literal, whatever is in it and however it is quoted', () => {
    const parts = fc.array(fc.tuple(between, literal), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(parts, (each) => {
        assert.ok(!maskValues(statement(each)).includes(MARK));
      }),
      { numRuns: 5_000 },
    );
  });

  it('not beside a literal that never closes either', () => {
    fc.assert(
      fc.property(literal, content, (first, rest) => {
        fc.pre(!rest.includes("'"));
        assert.ok(!maskValues(`SELECT ${first}, '${rest}`).split('\u2026')[0]?.includes(MARK));
      }),
      { numRuns: 2_000 },
    );
  });

  it('not behind a comment with an apostrophe', () => {
    for (const sql of [
      `SELECT * FROM t /* don't */ WHERE a = '${MARK}'`,
      `SELECT * FROM t -- don't\n WHERE a = '${MARK}'`,
      `SELECT * FROM t # don't\n WHERE a = '${MARK}'`,
      `SELECT * FROM t /* 5" */ WHERE a = "${MARK}"`,
    ]) {
      assert.ok(!maskValues(sql).includes(MARK), maskValues(sql));
    }
  });

  it('not behind a quoted name with an apostrophe', () => {
    for (const sql of [`SELECT \`it's\` = '${MARK}'`, `SELECT \`5"\` = "${MARK}"`]) {
      assert.ok(!maskValues(sql).includes(MARK), maskValues(sql));
    }
  });

  it('are cut to a length that fits a log line', () => {
    assert.ok(maskValues(`SELECT ${'a, '.repeat(10_000)}b`).length <= 301);
  });

  it('of a text of megabytes it is the same as of its beginning, but that a quote which never closes shows', () => {
    const rows = (n: number) => Array.from({ length: n }, (_, i) => `(${i}, 'value ${i}', \`a\`)`).join();
    const insert = 'INSERT INTO t VALUES ';
    assert.equal(maskValues(insert + rows(50_000)), maskValues(insert + rows(100)));
    assert.equal(maskValues(`${insert + rows(50_000)} '${MARK}`), 'INSERT INTO t VALUES (?, …');
    const digits = `SELECT ${'1'.repeat(9_990)}.5e+${MARK.replace(/\D/g, '')}77, ${'b, '.repeat(4_000)}c`;
    assert.equal(maskValues(digits), 'SELECT …');
    assert.match(maskValues(`SELECT ${'1, '.repeat(1_000_000)}`), /^SELECT (?:\?, )+\??,?…$/);
  });

  it('are not cut within a character', () => {
    for (const prefix of ['SELECT `', 'SELECT  `']) {
      const masked = maskValues(`${prefix}${'\u{1F600}'.repeat(300)}\``);
      assert.equal(Buffer.from(masked).toString(), masked);
      assert.ok(masked.length >= 300 && masked.length <= 301, masked);
    }
  });

  it('take time in proportion to their length, whatever they hold', () => {
    for (const unit of ["'", '"', '\\', "'\\", '1.', "''", '/*', '`', 'a', '0x']) {
      // A reading that looks at everything twice would take hours.
      assert.ok(maskValues(`SELECT ${unit.repeat(1_000_000)}`).length > 0);
    }
  });

  it('may be as long as a packet', () => {
    assert.equal(
      maskValues(`INSERT INTO t VALUES ('${'a'.repeat(32_000_000)}')`),
      'INSERT INTO t VALUES (?)',
    );
  });
});
