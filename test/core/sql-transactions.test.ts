import assert from 'node:assert/strict';
import { readSql } from '#core/sql.js';

const WITHIN = [
  'UPDATE t SET a = 1',
  '  insert into t values (1)',
  'REPLACE t VALUES (1)',
  '((SELECT 1) UNION (SELECT 2)) LIMIT 1',
  '/* why */ DELETE FROM t',
  'WITH a AS (SELECT 1) SELECT * FROM a',
  'SET @a = (SELECT b FROM t FOR UPDATE)',
  "LOAD DATA INFILE 'x' INTO TABLE t",
  'CREATE TEMPORARY TABLE a (b INT)',
  'DROP TEMPORARY TABLE a',
  'CALL p()',
  'ROLLBACK TO SAVEPOINT a',
  'COMMIT',
];

const COMMITTING = [
  'CREATE TABLE a (b INT)',
  'ALTER TABLE t ADD b INT',
  'DROP TABLE a',
  'TRUNCATE t',
  'RENAME TABLE a TO b',
  'LOCK TABLES t WRITE',
  'GRANT SELECT ON t TO u',
  'ANALYZE TABLE t',
  'LOAD INDEX INTO CACHE t',
  'BEGIN',
  // In doubt.
  'SET STATEMENT max_statement_time = 1 FOR ALTER TABLE t ADD b INT',
  'SET autocommit = 1',
  "EXECUTE IMMEDIATE 'DROP TABLE t'",
  '/*!50000 ALTER TABLE t ADD b INT */',
];

const QUERIES = [
  'SELECT * FROM t',
  "SELECT f(a), 'x' FROM t /* why */",
  'SELECT * FROM t FOR UPDATE',
  'WITH a AS (SELECT 1) SELECT * FROM a',
  'SHOW TABLES',
  'VALUES (1), (2)',
];

const NO_QUERIES = [
  'INSERT INTO t VALUES (1) RETURNING a',
  'DELETE FROM t RETURNING a',
  'CALL p()',
  'SELECT 1; DELETE FROM t',
  "SELECT * FROM t INTO OUTFILE 'x'",
  'WITH a AS (SELECT 1) DELETE FROM t',
  'UPDATE t SET a = 1',
];

describe('what a statement means for its transaction', () => {
  for (const sql of WITHIN)
    it(`leaves it open: ${sql}`, () => assert.equal(readSql(sql).commitsFirst, false));

  for (const sql of COMMITTING)
    it(`commits it first, or may: ${sql}`, () => assert.equal(readSql(sql).commitsFirst, true));

  for (const sql of QUERIES)
    it(`may be stopped in the middle of its rows: ${sql}`, () => assert.equal(readSql(sql).stoppable, true));

  for (const sql of NO_QUERIES)
    it(`is not stopped for want of a reader: ${sql}`, () => assert.equal(readSql(sql).stoppable, false));
});
