import assert from 'node:assert/strict';
import fc from 'fast-check';
import { readSql } from '#core/sql.js';

const PLAIN = [
  'SELECT 1',
  'select * from users where id = ? and name like ?',
  '(SELECT a FROM t) UNION (SELECT b FROM u)',
  'SELECT COUNT(*), MAX(a), GROUP_CONCAT(b) FROM t GROUP BY c HAVING SUM(d) > 1',
  'SELECT * FROM t WHERE (a, b) IN ((1, 2), (3, 4))',
  "INSERT INTO users (name, mail) VALUES (?, ?), ('a', NOW())",
  'INSERT INTO `users` (`name`) VALUES (?) ON DUPLICATE KEY UPDATE name = VALUES(name)',
  'REPLACE INTO shop.orders (a) SELECT a FROM t',
  'UPDATE t SET a = a + 1, b = CONCAT(b, ?) WHERE id = ?',
  'DELETE FROM t WHERE created < NOW() - INTERVAL 1 DAY',
  'WITH RECURSIVE c AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM c) SELECT * FROM c',
  'SELECT ROW_NUMBER() OVER (PARTITION BY a ORDER BY b) FROM t',
  'VALUES (1, 2)',
  'BEGIN',
  'begin work;',
  'START TRANSACTION READ ONLY',
  'START TRANSACTION WITH CONSISTENT SNAPSHOT, READ WRITE',
  'COMMIT',
  'ROLLBACK TO SAVEPOINT a',
  'SELECT 1;',
  '/* GET /users */ SELECT 1',
  'SELECT 1 /* trace 00-ab-01 */',
  "SELECT 'text without at sign'",
  'SHOW TABLES',
  'EXPLAIN SELECT 1',
];

const NOT_PLAIN = [
  '',
  'SET a = 1',
  'USE other',
  'CALL p()',
  'DO SLEEP(1)',
  'TABLE t',
  'BEGIN NOT ATOMIC SELECT 1; END',
  'START SLAVE',
  'CREATE TABLE t (a INT)',
  'SELECT 1 INTO @a',
  'SELECT 1; SELECT 2',
  'SELECT a FROM t -- comment',
  'SELECT a FROM t # comment',
  'LOAD DATA INFILE "x" INTO TABLE t',
  'ANALYZE TABLE t',
  'XA START "a"',
  'SELECT \u0131f(1)',
];

/** Each changes the session when it runs. */
const DANGEROUS = fc.constantFrom(
  "GET_LOCK('x',1)",
  "RELEASE_LOCK('x')",
  'RELEASE_ALL_LOCKS()',
  'my_function(1)',
  '`my_function`(1)',
  'shop.my_function()',
  '`shop` . `my_function`()',
  'LAST_INSERT_ID(5)',
  '@a:=1',
  '@a := 1',
  "@'quoted name':=1",
  'NEXTVAL(s)',
  'SETVAL(s, 1)',
  'NEXT VALUE FOR s',
  's.nextval',
  'größe(1)',
  '$f(1)',
);

const AROUND: readonly ((inner: string) => string)[] = [
  (x) => `SELECT ${x}`,
  (x) => `SELECT a, ${x} FROM t WHERE b IN (1, 2)`,
  (x) => `(SELECT ${x})`,
  (x) => `SELECT COUNT(*) FROM t WHERE ABS(${x}) > 0`,
  (x) => `SELECT * FROM t WHERE a IN (SELECT ${x} FROM u)`,
  (x) => `INSERT INTO t VALUES (${x})`,
  (x) => `INSERT INTO t (a, b) VALUES (1, 2) ON DUPLICATE KEY UPDATE a = ${x}`,
  (x) => `INSERT IGNORE t SET a = ${x}`,
  (x) => `REPLACE INTO t (a) SELECT ${x}`,
  (x) => `UPDATE t SET a = ${x}`,
  (x) => `DELETE FROM t WHERE ${x}`,
  (x) => `DELETE FROM t RETURNING ${x}`,
  (x) => `WITH c AS (SELECT ${x}) SELECT * FROM c`,
  (x) => `VALUES (${x})`,
  (x) => `SHOW TABLES WHERE ${x}`,
  (x) => `SELECT 1; SELECT ${x}`,
];

const DISGUISES: readonly ((sql: string) => string)[] = [
  (sql) => sql.toLowerCase(),
  (sql) => sql.toUpperCase(),
  (sql) => sql.replace(/[a-z]/gi, (c, at: number) => (at % 2 ? c.toUpperCase() : c.toLowerCase())),
  (sql) => sql.replaceAll('(', ' ('),
  (sql) => sql.replaceAll('(', '\t\n\v\f\r('),
  (sql) => sql.replaceAll('(', '/**/('),
  (sql) => sql.replaceAll('(', '/* c */ ('),
  (sql) => sql.replaceAll('(', '-- c\n('),
  (sql) => sql.replaceAll('(', '#\n('),
  (sql) => sql.replaceAll(' ', '/**/'),
  (sql) => sql.replaceAll(' ', '\n'),
  (sql) => `/* leading */ ${sql}`,
  (sql) => `/**/ /* two */\n${sql}`,
  (sql) => `${sql} /* trailing */`,
  (sql) => `${sql};`,
  (sql) => `  \n${sql}`,
  (sql) => sql.replace('SELECT ', "SELECT 'it''s', "),
  (sql) => sql.replace('SELECT ', "SELECT '\\'', "),
  (sql) => sql.replace('SELECT ', `SELECT "'", `),
  (sql) => sql.replace('SELECT ', "SELECT '/*', "),
  (sql) => sql.replace('SELECT ', 'SELECT `a` , '),
  (sql) => `${sql} /* '*/`,
];

const disguised = fc
  .tuple(
    DANGEROUS,
    fc.constantFrom(...AROUND),
    fc.array(fc.constantFrom(...DISGUISES), { maxLength: 4 }),
    fc.boolean(),
  )
  .map(([inner, around, disguises, versioned]) => {
    const hidden = versioned ? `/*!50000 ${inner} */` : inner;
    return disguises.reduce((sql, disguise) => disguise(sql), around(hidden));
  });

describe('plain statements', () => {
  for (const sql of PLAIN) {
    it(`plain: ${sql}`, () => assert.equal(readSql(sql).plain, true));
  }
  for (const sql of NOT_PLAIN) {
    it(`not plain: ${JSON.stringify(sql)}`, () => assert.equal(readSql(sql).plain, false));
  }

  it('nothing that changes the session is ever plain, however it is written', () => {
    fc.assert(
      fc.property(disguised, (sql) => {
        assert.equal(readSql(sql).plain, false);
      }),
      { numRuns: 5_000 },
    );
  });

  it('nor in a comment that only some servers read', () => {
    for (const comment of ['/*!', '/*!50000 ', '/*M!', '/*M!100100 ']) {
      for (const sql of [
        `${comment}SET @a = 1 */`,
        `SELECT 1 ${comment}, GET_LOCK('x',1) */`,
        `${comment}SELECT my_function(1) */`,
      ]) {
        assert.equal(readSql(sql).plain, false, sql);
      }
    }
  });

  it('nor a function called by a name in double quotes, which sql_mode ANSI_QUOTES allows', () => {
    assert.equal(readSql('SELECT "my_function"(1)').plain, false);
  });

  it('reading takes time in proportion to the length, whatever is in the text', () => {
    // A Buffer that was formatted into the text is one long word.
    for (const unit of [
      'a',
      '0',
      'aB3',
      '`',
      "'",
      '"',
      '(',
      'a(',
      '/*',
      '*/',
      '--',
      ' ',
      '@',
      ';',
      '\\',
      "\\'",
    ]) {
      for (const text of [
        `SELECT ${unit.repeat(1_000_000)}`,
        `INSERT INTO t VALUES ('${unit.repeat(1_000_000)}')`,
      ]) {
        // A reading that looks at everything twice would take hours.
        assert.equal(typeof readSql(text).plain, 'boolean');
      }
    }
  });

  it('a statement may be as long as a packet', () => {
    assert.equal(readSql(`INSERT INTO t VALUES ('${'a b '.repeat(8_000_000)}')`).plain, true);
  });

  it('a statement is read once and remembered, long ones are not kept', () => {
    assert.equal(readSql('SELECT 1'), readSql('SELECT 1'));
    const long = `SELECT ${'1, '.repeat(1_000)}1`;
    assert.notEqual(readSql(long), readSql(long));
  });
});
