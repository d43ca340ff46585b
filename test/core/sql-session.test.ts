import assert from 'node:assert/strict';
import { mentions, readSql } from '#core/sql.js';

const NEEDS: readonly string[] = [
  'SELECT LAST_INSERT_ID()',
  'select last_insert_id ( )',
  'SELECT /*! LAST_INSERT_ID() */',
  'SELECT ROW_COUNT()',
  'SELECT FOUND_ROWS()',
  'SELECT SQL_CALC_FOUND_ROWS a FROM t',
  'SELECT @a',
  'SELECT @`a`',
  'SELECT a FROM t WHERE b = @c',
  'SELECT 1 INTO @a',
  'SELECT @@session.last_insert_id',
  'SELECT @@identity',
  'SELECT @@warning_count',
  "SELECT GET_LOCK('a', 1)",
  "SELECT RELEASE_LOCK('a')",
  'SELECT LASTVAL(s)',
  'SHOW WARNINGS',
  'SHOW COUNT(*) ERRORS',
  'HANDLER t READ NEXT',
  'EXECUTE s',
  'CREATE TEMPORARY TABLE t (a INT)',
  'DROP TEMPORARY TABLE t',
  'UNLOCK TABLES',
  'CALL p(1)',
  'SELECT 1; BEGIN',
];

const DOES_NOT_NEED: readonly string[] = [
  'SELECT 1',
  "SELECT 'mail@example.org'",
  "SELECT 'LAST_INSERT_ID()'",
  'SELECT a FROM t /* @a */',
  'SELECT @@version',
  'SELECT a AS last_insert_ids FROM t',
  'CREATE TABLE t (a INT)',
  'SELECT my_function(1)',
  "SHOW TABLES LIKE 'warnings'",
];

const TEMPORARY: readonly [sql: string, table: string | undefined][] = [
  ['CREATE TEMPORARY TABLE basket (a INT)', 'basket'],
  ['create temporary table if not exists `my basket` (a int)', 'my basket'],
  ['CREATE OR REPLACE TEMPORARY TABLE shop.basket AS SELECT 1', 'basket'],
  ['CREATE TEMPORARY TABLE `shop`.`basket` (a INT)', 'basket'],
  ['/* c */ CREATE TEMPORARY TABLE basket (a INT)', 'basket'],
  ['CREATE TABLE basket (a INT)', undefined],
  ["INSERT INTO t VALUES ('CREATE TEMPORARY TABLE basket')", undefined],
];

describe('statements that need their session', () => {
  for (const sql of NEEDS) it(`needs it: ${sql}`, () => assert.equal(readSql(sql).needsSession, true));
  for (const sql of DOES_NOT_NEED) {
    it(`does not need it: ${sql}`, () => assert.equal(readSql(sql).needsSession, false));
  }

  for (const [sql, changes] of [
    ['SET a = 1', true],
    ['USE other', true],
    ['LOCK TABLES t READ', true],
    ['CALL p()', true],
    ['SELECT 1', false],
    ['INSERT INTO t VALUES (1)', false],
  ] as const) {
    it(`${changes ? 'changes' : 'does not change'} what later statements mean: ${sql}`, () => {
      assert.equal(readSql(sql).changesSession, changes);
    });
  }

  for (const [sql, selects] of [
    ['USE other', true],
    ['use `other`', true],
    ['SELECT 1; USE other', true],
    ["SELECT '; use other'", false],
    ['SELECT * FROM t USE INDEX (a)', false],
  ] as const) {
    it(`${selects ? 'selects' : 'does not select'} a schema: ${sql}`, () => {
      assert.equal(readSql(sql).selectsSchema, selects);
    });
  }

  for (const [sql, table] of TEMPORARY) {
    it(`temporary table ${table}: ${sql}`, () => assert.equal(readSql(sql).temporaryTable, table));
  }
});

describe('mentions', () => {
  for (const [sql, expected] of [
    ['SELECT * FROM basket', true],
    ['SELECT * FROM `BASKET`', true],
    ['SELECT shop.basket.a FROM shop.basket', true],
    ['SELECT * FROM baskets', false],
    ["SELECT 'basket'", false],
    ['SELECT 1 /* basket */', false],
    ["SELECT 'it''s' FROM basket", true],
  ] as const) {
    it(`${expected}: ${sql}`, () => assert.equal(mentions(sql, 'basket'), expected));
  }
});
