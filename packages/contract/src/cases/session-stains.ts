import { lock, numbered, others, realRows, role, rows } from './session-objects.js';

/** When the next holder looks: as its first statement, after a plain SELECT, or in a transaction of its own. */
export type Moment = 'first' | 'second' | 'in a transaction';

/** What one request leaves behind on its session on purpose, and how the next holder would see it. */
export interface Stain {
  name: string;
  dirty: string[];
  /** What they answer, rows or error code, is what is seen. */
  look: string[];
  /** The moments at which it can be seen at all, if not at all three. */
  moments?: Moment[];
  /** The server does not prepare these statements. */
  textOnly?: true;
  /** What another session does meanwhile, until the end. */
  bystander?: string[];
  /** The last of `dirty` fails on purpose. */
  fails?: true;
  /** On a clean session the answer is the server's own business, but it must be another one. */
  anythingElse?: true;
}

const FIRST: Moment[] = ['first'];
const OUTSIDE: Moment[] = ['first', 'second'];

const variable = (name: string, value: string, seen = `@@${name}`): Stain => ({
  name: `the variable ${name}`,
  dirty: [`SET ${name} = ${value}`],
  look: [`SELECT ${seen}`],
});

const transactions: Stain[] = [
  {
    name: 'an open transaction',
    dirty: ['START TRANSACTION', `UPDATE ${rows} SET n = n + 1`],
    look: ['SELECT @@in_transaction', `SELECT MAX(n) FROM ${rows}`],
    moments: OUTSIDE,
  },
  {
    name: 'autocommit off',
    dirty: ['SET autocommit = 0', `SELECT n FROM ${rows}`],
    look: ['SELECT @@autocommit'],
  },
  {
    name: 'the isolation level of the session',
    dirty: ['SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE'],
    look: ['SELECT @@tx_isolation'],
  },
  {
    // No variable shows it: what shows it is that the next transaction reads what nobody has committed.
    name: 'the isolation level of the next transaction',
    dirty: ['SET TRANSACTION ISOLATION LEVEL READ UNCOMMITTED'],
    look: ['START TRANSACTION', `SELECT COUNT(*) FROM ${others}`, 'ROLLBACK'],
    bystander: ['START TRANSACTION', `INSERT INTO ${others} VALUES (1)`],
    moments: FIRST,
  },
  {
    name: 'the isolation level of the next statement',
    dirty: ['SET TRANSACTION ISOLATION LEVEL READ UNCOMMITTED'],
    look: [`SELECT COUNT(*) FROM ${others}`],
    bystander: ['START TRANSACTION', `INSERT INTO ${others} VALUES (1)`],
    moments: FIRST,
  },
  {
    name: 'a read-only session',
    dirty: ['SET SESSION TRANSACTION READ ONLY'],
    look: ['SELECT @@tx_read_only', `UPDATE ${rows} SET n = n`],
  },
  {
    name: 'a read-only next transaction',
    dirty: ['SET TRANSACTION READ ONLY'],
    look: ['START TRANSACTION', `UPDATE ${rows} SET n = n`, 'ROLLBACK'],
    moments: FIRST,
  },
  {
    name: 'an XA transaction',
    dirty: [`XA START '${lock}'`],
    look: ['START TRANSACTION', 'ROLLBACK'],
    moments: FIRST,
  },
];

const variables: Stain[] = [
  { name: 'a user variable by SET', dirty: ["SET @a = 'secret'"], look: ['SELECT @a'] },
  { name: 'a user variable by :=', dirty: ["SELECT @b := 'secret'"], look: ['SELECT @b'] },
  { name: 'a user variable by INTO', dirty: ["SELECT 'secret' INTO @c"], look: ['SELECT @c'] },
  variable('sql_mode', "'ANSI_QUOTES'"),
  variable('time_zone', "'+05:00'"),
  variable('foreign_key_checks', '0'),
  variable('unique_checks', '0'),
  variable('innodb_lock_wait_timeout', '7'),
  variable('lock_wait_timeout', '7'),
  variable('group_concat_max_len', '4'),
  variable('max_statement_time', '77'),
  variable('sql_select_limit', '1'),
  variable('timestamp', '1000000', '@@timestamp < 1000001'),
  variable('insert_id', '7777'),
  variable('sql_auto_is_null', '1'),
  variable('character_set_results', 'NULL'),
  variable('collation_connection', 'utf8mb4_bin'),
];

const names: Stain[] = [
  { name: 'USE of another schema', dirty: ['USE information_schema'], look: ['SELECT DATABASE()'] },
  ...['gbk', 'latin1'].map((charset) => ({
    name: `SET NAMES ${charset}`,
    dirty: [`SET NAMES ${charset}`],
    look: ['SELECT @@character_set_client, @@character_set_results, @@collation_connection'],
  })),
  {
    name: 'SET CHARACTER SET',
    dirty: ['SET CHARACTER SET latin1'],
    look: ['SELECT @@character_set_client, @@character_set_results'],
  },
  { name: 'SET ROLE', dirty: [`SET ROLE ${role}`], look: ['SELECT CURRENT_ROLE()'] },
  {
    name: 'PREPARE',
    dirty: ["PREPARE left_behind FROM 'SELECT 1'"],
    look: ['EXECUTE left_behind'],
    textOnly: true,
  },
];

const tables: Stain[] = [
  {
    name: 'a temporary table',
    dirty: ['CREATE TEMPORARY TABLE scratch (n INT)'],
    look: ['SELECT COUNT(*) FROM scratch'],
  },
  {
    name: 'a temporary table that shadows a real one, read',
    dirty: [`CREATE TEMPORARY TABLE ${rows} (n INT)`, `INSERT INTO ${rows} VALUES (1000000)`],
    look: [`SELECT MAX(n) FROM ${rows}`],
  },
  {
    name: 'a temporary table that shadows a real one, written to',
    dirty: [`CREATE TEMPORARY TABLE ${rows} (n INT)`, `INSERT INTO ${rows} VALUES (7)`],
    look: [
      `UPDATE ${rows} SET n = 70 WHERE n = 7`,
      `SELECT MAX(n) FROM ${realRows}`,
      `UPDATE ${rows} SET n = 7 WHERE n = 70`,
    ],
  },
  {
    name: 'a named lock',
    dirty: [`SELECT GET_LOCK('${lock}', 0)`],
    look: [`SELECT IS_USED_LOCK('${lock}') = CONNECTION_ID()`],
  },
  {
    name: 'LOCK TABLES',
    dirty: [`LOCK TABLES ${rows} READ`],
    look: [`SELECT COUNT(*) FROM ${numbered} WHERE id = 0`],
    // START TRANSACTION unlocks.
    moments: OUTSIDE,
  },
  { name: 'HANDLER OPEN', dirty: [`HANDLER ${rows} OPEN AS h`], look: ['HANDLER h READ FIRST'] },
  {
    name: 'SHOW PROFILES',
    dirty: ['SET profiling = 1', "SELECT 'secret'", 'SET profiling = 0'],
    look: ["SELECT COUNT(*) > 0 FROM information_schema.profiling WHERE state = 'Starting'"],
  },
];

export const sessionStains: Stain[] = [...transactions, ...variables, ...names, ...tables];
