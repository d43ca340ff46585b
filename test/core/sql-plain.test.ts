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
  "SELECT `a`.`b` FROM `a` WHERE `a`.`b` = ? /*route='%2Fa',traceparent='00-ab-01'*/",
  "SELECT 'text without at sign'",
  'SHOW TABLES',
  'EXPLAIN SELECT 1',
  '-- name: GetUser\nSELECT 1',
  '# route\nSELECT 1',
  'SAVEPOINT `a b`',
  'ROLLBACK WORK TO a',
  'RELEASE SAVEPOINT a;',
  'COMMIT AND NO CHAIN NO RELEASE',
];

/** What applications and ORMs send all day. */
const EVERYDAY = [
  'SELECT `u`.`id` AS `0`, `u`.`name` AS `1` FROM `users` `u` LEFT JOIN `orders` `o` ON `o`.`user_id` = `u`.`id` AND (`o`.`paid` = ?) WHERE (`u`.`id` IN (?, ?)) LIMIT 10 OFFSET 20',
  'SELECT * FROM a INNER JOIN b USING (id) CROSS JOIN (SELECT 1 AS n) AS c WHERE a.x BETWEEN (1) AND (2)',
  'SELECT u.id FROM users AS u WHERE EXISTS (SELECT 1 FROM orders WHERE user_id = u.id) AND NOT (u.gone)',
  'SELECT COUNT(DISTINCT a), COALESCE(SUM(b), 0) FROM t GROUP BY YEAR(c), MONTH(c) HAVING COUNT(*) > 1',
  'SELECT a FROM t USE INDEX (by_a) WHERE a > (SELECT AVG(a) FROM t)',
  'WITH RECURSIVE tree (id, parent) AS (SELECT id, parent FROM t WHERE id = ? UNION ALL SELECT t.id, t.parent FROM t JOIN tree ON t.parent = tree.id) SELECT * FROM tree',
  'WITH a AS (SELECT 1), b (n) AS (SELECT 2) SELECT * FROM a, b',
  'INSERT INTO t (a, b) VALUES (?, ?), (?, ?) ON DUPLICATE KEY UPDATE a = VALUES(a), b = b + VALUES(b)',
  'INSERT IGNORE INTO shop.t (a) SELECT b FROM u WHERE c = ?',
  'INSERT INTO t SET ?',
  'INSERT INTO größen (größe) VALUES (?)',
  'INSERT INTO t (a) VALUES (DEFAULT), (DEFAULT(a)) RETURNING id',
  'REPLACE INTO `t` (`a`) VALUES (?)',
  'UPDATE t JOIN u ON (t.id = u.id) SET t.a = IF(u.b > 1, u.b, t.a), t.c = CASE WHEN (u.d) THEN 1 ELSE 2 END',
  'DELETE t FROM t LEFT JOIN u ON u.id = t.id WHERE u.id IS NULL',
  'DELETE FROM t WHERE id IN (?) ORDER BY id LIMIT 100',
  'SELECT * FROM jobs WHERE state = ? ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED',
  'SELECT * FROM t WHERE id = ? LOCK IN SHARE MODE',
  "SELECT JSON_EXTRACT(a, '$.b[0]'), JSON_UNQUOTE(a), a->'$.b', a->>'$.c' FROM t WHERE JSON_CONTAINS(a, ?)",
  "UPDATE t SET a = JSON_SET(a, '$.b', CAST(? AS JSON))",
  'SELECT LAG(a) OVER (PARTITION BY b ORDER BY c ROWS BETWEEN (1) PRECEDING AND CURRENT ROW), RANK() OVER w FROM t WINDOW w AS (ORDER BY a)',
  'SELECT * FROM t WHERE MATCH (title, body) AGAINST (? IN BOOLEAN MODE)',
  "SELECT DATE_FORMAT(DATE_ADD(a, INTERVAL 1 DAY), '%Y-%m') FROM t",
  'SELECT ACOS(SIN(RADIANS(?)) * SIN(RADIANS(lat)) + COS(RADIANS(?)) * COS(RADIANS(lat))) * 6371 FROM t',
  "SELECT a FROM t WHERE b LIKE '%don''t%' AND c = 'a\\'b'",
  'SELECT ??, t.* FROM ?? AS t WHERE ?? = ?',
  'SELECT a FROM t WHERE (a, b) > (?, ?) ORDER BY (a) DESC, FIELD(b, 1, 2)',
  'EXPLAIN UPDATE t SET a = 1',
  "SHOW FULL COLUMNS FROM t LIKE 'a%'",
  'DESCRIBE t',
  'SELECT GROUP_CONCAT(a ORDER BY b SEPARATOR 0x2c) FROM t',
  'SELECT * FROM t WHERE created >= CURRENT_DATE() AND id = UUID()',
  'SELECT VERSION(), DATABASE(), CONNECTION_ID()',
  'SELECT FROM_BASE64(a), CAST(b AS NCHAR(3)), ST_SRID(c) FROM t WHERE ROW(d, e) = ROW(?, ?)',
];

const NOT_PLAIN = [
  '',
  'SELECT `a/*`, my_function(), `b*/',
  'SELECT [my_function](1)',
  'SELECT ::count(1)',
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
  // The Kelvin sign, which is a `k` in lower case for JavaScript only.
  'SELECT wee\u212a(1)',
  // Stored functions may have any name.
  "SELECT shop.md5('x')",
  "SELECT shop . \n md5 ('x')",
  'INSERT INTO shop.t (a) VALUES (shop.md5(1))',
  // Without IGNORE_SPACE it is a stored function.
  'SELECT COUNT (a) FROM t',
  'SELECT NOW\n()',
  'SELECT json_table(1)',
  'SELECT against(1)',
  'SELECT n(1) AS a',
  'WITH c AS (SELECT n(a)) SELECT * FROM c',
  // The session is gone after it.
  'COMMIT RELEASE',
  'ROLLBACK WORK RELEASE',
  'COMMIT AND NO CHAIN RELEASE',
  'ROLLBACK TO',
  'SAVEPOINT',
  'SAVEPOINT a b',
  'START TRANSACTION READ',
  'SELECT_: BEGIN NOT ATOMIC END',
  'SELECT a FROM t PROCEDURE ANALYSE()',
  'SELECT 1 INTO @a',
  'SET STATEMENT max_statement_time = 1 FOR SELECT 1',
  'ANALYZE SELECT f()',
  'EXPLAIN SELECT * FROM (SELECT f()) AS d',
  'SHOW TABLES WHERE f()',
  'INSERT INTO t (a) VALUES (1) RETURNING f(a)',
  'SELECT {fn f(1)}',
  'SELECT /*+ SET_VAR(sql_mode = 1) */ 1',
  'SELECT 1 /* never closed',
  '/*! SELECT f(1) UNION */ SELECT 1',
  // What ends in a comment need not be the one that began.
  "SELECT 1 /**/, GET_LOCK('a', 0) -- */",
  "SELECT 1 /* a */, GET_LOCK('a', 0) # */",
  "SELECT '/*', GET_LOCK('a', 0) -- */",
  '/*m!100000 SET @a = 1 */',
  'SELECT 1;;',
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
  'shop.md5(1)',
  '`shop`.\ncount(1)',
  'shop . in (1)',
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
  (sql) => `${sql} -- */`,
  (sql) => `${sql} # */`,
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
  for (const sql of EVERYDAY) {
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
      ', a',
      'show ',
      'create ',
      'set ',
      'f (a) ',
      '/*!',
    ]) {
      for (const text of [
        `SELECT ${unit.repeat(250_000)}`,
        `INSERT INTO t VALUES ('${unit.repeat(250_000)}')`,
        `WITH c (a${unit.repeat(250_000)}`,
        `CREATE ${unit.repeat(250_000)}`,
        `START TRANSACTION READ ONLY, ${unit.repeat(250_000)}`,
      ]) {
        // A reading that looks at everything twice would take hours.
        assert.equal(typeof readSql(text).plain, 'boolean');
      }
    }
  });

  it('nor does a short text take time without bounds', () => {
    for (const start of ['START TRANSACTION ', 'START TRANSACTION READ ONLY, ', 'COMMIT ', 'SAVEPOINT ']) {
      // Each further letter would double it.
      for (const filling of ['a', ' ', 'a ', 'read only,']) {
        assert.equal(readSql(`${start}${filling.repeat(180 / filling.length)}!`.slice(0, 199)).begins, false);
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
