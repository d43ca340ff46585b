import assert from 'node:assert/strict';
import { type Leftovers, readSql, type SqlShape } from '#core/sql.js';

const ALL = ['insertId', 'warnings', 'counts'] as const;

const READS: readonly [sql: string, ...kinds: (keyof Leftovers)[]][] = [
  ['SELECT LAST_INSERT_ID()', 'insertId'],
  ['select last_insert_id ( )', 'insertId'],
  ['select `last_insert_id` ( )', ...ALL],
  ['SELECT "last_insert_id"()', ...ALL],
  ['INSERT INTO lines (parent) VALUES (LAST_INSERT_ID())', 'insertId'],
  ['SELECT /*!50000LAST_INSERT_ID()*/', 'insertId'],
  ["SELECT /*!50000 '*/', LAST_INSERT_ID(), '' */", 'insertId'],
  ["SELECT '\\', LAST_INSERT_ID(), '\\''", 'insertId'],
  ["SELECT 1 --\u00a0'\n, LAST_INSERT_ID() -- '", ...ALL],
  ["SELECT 1 --\u0001'\n, LAST_INSERT_ID() -- '", 'insertId'],
  ['SELECT @@identity', 'insertId'],
  ['SELECT @@session . `insert_id`', 'insertId'],
  ['SELECT LASTVAL(s)', 'insertId'],
  ['SELECT PREVIOUS VALUE FOR s', 'insertId'],
  ['SHOW WARNINGS', 'warnings'],
  ['SHOW/**/COUNT(*) ERRORS', 'warnings'],
  ['SELECT @@warning_count', 'warnings'],
  ['GET DIAGNOSTICS @n = NUMBER', 'warnings'],
  ['SELECT ROW_COUNT(), FOUND_ROWS()', 'counts'],
  ['BEGIN; SELECT ROW_COUNT()', 'counts'],
  ["SHOW VARIABLES LIKE '%_id'", 'insertId', 'warnings'],
  ['SELECT * FROM information_schema.SESSION_VARIABLES', 'insertId', 'warnings'],
  ['CALL p()', ...ALL],
  ['BEGIN; CALL p()', ...ALL],
  ['EXECUTE s', ...ALL],
  ['SELECT /*! my_function/**/(1) */', ...ALL],
  ['SELECT my_function(1)', ...ALL],
  ['SELECT 1'],
  ["SELECT 'LAST_INSERT_ID()'"],
  ['SELECT 1 /* ROW_COUNT() */'],
  ['SELECT 1 -- SHOW WARNINGS'],
  ['INSERT INTO t (a) VALUES (?)'],
  ['UPDATE t SET identity = 1, insert_id = 2, warnings = 3'],
  ['CREATE TABLE t (a INT)'],
  ['SET NAMES utf8mb4'],
  ["SELECT GET_LOCK('a', 1)"],
];

type Flag =
  | 'identifierPlaceholder'
  | 'onlyReads'
  | 'definesRoutines'
  | 'begins'
  | 'endsTransaction'
  | 'changesRole';

const FLAGS: readonly [flag: Flag, yes: readonly string[], no: readonly string[]][] = [
  [
    'identifierPlaceholder',
    ['SELECT ?? FROM t', 'UPDATE ?? SET a = ?', 'SELECT * FROM ::table', "SELECT '??'"],
    ['SELECT ?, ? FROM t', 'SELECT :a FROM t'],
  ],
  [
    'onlyReads',
    [
      'SELECT a FROM t',
      '(SELECT a FROM t) UNION (SELECT 1)',
      'SELECT a FROM t FOR UPDATE',
      'SELECT REPLACE(a, 1, 2) FROM t',
      'SHOW TABLES',
      'DESCRIBE t',
      'EXPLAIN SELECT 1',
      'VALUES (1)',
      'BEGIN',
      'COMMIT',
      'ROLLBACK TO a',
      'WITH c AS (SELECT 1) SELECT * FROM c',
    ],
    [
      'INSERT INTO t VALUES (1)',
      'REPLACE INTO t VALUES (1)',
      'UPDATE t SET a = 1',
      'DELETE FROM t',
      'WITH c AS (SELECT 1) UPDATE t SET a = 1',
      'with c as (select 1) delete from t',
      'EXPLAIN DELETE FROM t',
      'DESC UPDATE t SET a = 1',
      "SELECT 1 INTO OUTFILE '/tmp/a'",
      'SELECT f(1)',
      'SELECT 1; DELETE FROM t',
      '/*! DELETE FROM t */',
      'CALL p()',
      'COMMIT RELEASE',
      'SET a = 1',
    ],
  ],
  [
    'definesRoutines',
    [
      'CREATE TRIGGER a BEFORE INSERT ON t FOR EACH ROW SET @a = 1',
      "create definer = 'a'@'%' trigger a before insert on t for each row set @a = 1",
      'CREATE OR REPLACE ALGORITHM = MERGE VIEW v AS SELECT 1',
      'DROP FUNCTION IF EXISTS f',
      'ALTER PROCEDURE p COMMENT 1',
      'CREATE PACKAGE a AS END',
      'CREATE TABLE t (a INT)',
      'RENAME TABLE a TO b',
      'RENAME TABLES a TO b',
      'ALTER TABLE a RENAME b',
      'DROP DATABASE shop',
      'CREATE SCHEMA shop',
      'CREATE/* */VIEW v AS SELECT 1',
      '/*!50003CREATE TRIGGER a BEFORE INSERT ON t FOR EACH ROW SET @a = 1 */',
      'BEGIN; DROP TABLE t',
      'BEGIN NOT ATOMIC DROP VIEW v; END',
      'DROP TEMPORARY TABLE a; DROP TABLE b',
      "EXECUTE IMMEDIATE 'DROP VIEW v'",
    ],
    [
      'SELECT 1',
      "INSERT INTO t VALUES ('drop table t')",
      'CREATE TEMPORARY TABLE t (a INT)',
      'DROP TEMPORARY TABLE t',
      'CREATE USER a',
      'SELECT a FROM t -- drop table',
      'SHOW CREATE TABLE t',
      'SET @a = 1',
    ],
  ],
  [
    'begins',
    [
      'BEGIN',
      ' begin work ;',
      'START TRANSACTION',
      'START TRANSACTION READ ONLY',
      'START TRANSACTION WITH CONSISTENT SNAPSHOT, READ WRITE',
      '/* route */ BEGIN',
    ],
    [
      'BEGIN; SELECT 1',
      'BEGIN NOT ATOMIC END',
      'START SLAVE',
      'COMMIT AND CHAIN',
      'XA BEGIN 1',
      'SELECT 1',
      '',
    ],
  ],
  [
    'endsTransaction',
    ['COMMIT', 'commit work;', 'ROLLBACK', 'ROLLBACK AND CHAIN', 'COMMIT AND NO CHAIN', 'COMMIT RELEASE'],
    [
      'ROLLBACK TO a',
      'ROLLBACK WORK TO SAVEPOINT a',
      'RELEASE SAVEPOINT a',
      'XA COMMIT 1',
      'COMMIT; BEGIN',
      '',
    ],
  ],
  [
    'changesRole',
    ['SET ROLE a', 'set default role a', '/*!50000SET ROLE a*/', '/*! SET/**/ROLE a */'],
    ['SET @role = 1', "SELECT 'set role'"],
  ],
];

describe('what a text says of its statement', () => {
  for (const [sql, ...kinds] of READS) {
    it(`asks for ${kinds.join(', ') || 'nothing of earlier statements'}: ${sql}`, () => {
      const { reads } = readSql(sql);
      const expected: Leftovers = {
        insertId: kinds.includes('insertId'),
        warnings: kinds.includes('warnings'),
        counts: kinds.includes('counts'),
      };
      assert.deepEqual(reads, expected);
    });
  }

  for (const [flag, yes, no] of FLAGS) {
    for (const [expected, texts] of [
      [true, yes],
      [false, no],
    ] as const) {
      for (const sql of texts) {
        it(`${expected ? '' : 'not '}${flag}: ${sql}`, () => {
          const shape: SqlShape = readSql(sql);
          assert.equal(shape[flag], expected);
        });
      }
    }
  }
});
