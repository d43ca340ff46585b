/** What a request leaves behind on its session on purpose. `token` is a name that no other request uses. */
export interface Stain {
  name: string;
  sql(token: string): string[];
  /** No statement beside it shows it: a transaction, a HANDLER or an EXECUTE must be tried. */
  deep?: true;
}

const stain = (name: string, ...sql: string[]): Stain => ({ name, sql: () => sql });
const deep = (name: string, ...sql: string[]): Stain => ({ ...stain(name, ...sql), deep: true });

/** The 25 kinds of state that survive into the next use of a session that nobody cleans. */
export const STAINS: readonly Stain[] = [
  stain(
    'an open transaction',
    'START TRANSACTION',
    'UPDATE scratch SET n = n + 1 WHERE id = 1 + CONNECTION_ID() % 64',
  ),
  stain('autocommit off', 'SET autocommit = 0'),
  stain('the isolation level', 'SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE'),
  stain('a read-only session', 'SET SESSION TRANSACTION READ ONLY'),
  deep('a read-only next transaction', 'SET TRANSACTION READ ONLY'),
  { name: 'a user variable by SET', sql: (token) => [`SET @lease = '${token}'`] },
  // With a name of its own: mysql2 compiles a parser for each name of a column, and keeps 15 000 of them.
  { name: 'a user variable by :=', sql: (token) => [`SELECT @assigned := '${token}' AS assigned`] },
  { name: 'a user variable by INTO', sql: (token) => [`SELECT '${token}' INTO @selected`] },
  stain(
    'a shadowing temporary table',
    'CREATE TEMPORARY TABLE shadow (n INT)',
    'INSERT INTO shadow VALUES (1000000)',
  ),
  stain('a named lock', "SELECT GET_LOCK(CONCAT('chaos', CONNECTION_ID()), 0)"),
  stain('LOCK TABLES', 'LOCK TABLES scratch READ'),
  deep('HANDLER OPEN', 'HANDLER scratch OPEN AS left_open'),
  { name: 'an XA transaction', sql: (token) => [`XA START '${token}'`] },
  stain('sql_mode', "SET sql_mode = 'ANSI_QUOTES'"),
  stain('time_zone', "SET time_zone = '+05:00'"),
  stain('max_statement_time', 'SET max_statement_time = 77'),
  stain('foreign_key_checks', 'SET foreign_key_checks = 0'),
  stain('unique_checks', 'SET unique_checks = 0'),
  stain('innodb_lock_wait_timeout', 'SET innodb_lock_wait_timeout = 77'),
  stain('group_concat_max_len', 'SET group_concat_max_len = 4'),
  stain('timestamp', 'SET timestamp = 1000000'),
  stain('insert_id', 'SET insert_id = 7777777'),
  stain('USE of another schema', 'USE information_schema'),
  stain('SET NAMES gbk', 'SET NAMES gbk'),
  deep('PREPARE', "PREPARE left_behind FROM 'SELECT 1'"),
];
