import { createConnection } from 'mysql2/promise';
import { databaseUrl, unique } from '../support/database.js';

/**
 * What can leave a mark on a session from inside a routine. A routine's sql_mode and character set are not among
 * them: the server itself takes them back when the routine ends.
 */
export interface HiddenStain {
  name: string;
  statement: string;
  look: string;
}

/** Named locks belong to the server, not to the schema. */
export const lock = unique('handback_test_lock');

export const hiddenStains: HiddenStain[] = [
  { name: 'a variable by SET', statement: "SET @by_set = 'secret'", look: 'SELECT @by_set' },
  { name: 'a variable by :=', statement: "DO @by_assignment := 'secret'", look: 'SELECT @by_assignment' },
  { name: 'a variable by INTO', statement: "SELECT 'secret' INTO @by_into", look: 'SELECT @by_into' },
  {
    name: 'a named lock',
    statement: `DO GET_LOCK('${lock}', 0)`,
    look: `SELECT IS_USED_LOCK('${lock}') = CONNECTION_ID()`,
  },
  { name: 'the time zone', statement: "SET time_zone = '+05:00'", look: 'SELECT @@time_zone' },
  { name: 'a frozen clock', statement: 'SET timestamp = 1000000', look: 'SELECT @@timestamp < 1000001' },
  {
    name: 'the isolation level',
    statement: 'SET SESSION TRANSACTION ISOLATION LEVEL READ UNCOMMITTED',
    look: 'SELECT @@tx_isolation',
  },
];

/** Objects that do `hiddenStains[index]` when they are used; their names say nothing of it. */
export interface Carrier {
  /** A table with a trigger before INSERT. */
  table: string;
  function: string;
  /** A view over the function. */
  view: string;
  procedure: string;
}

const carrier = (): Carrier => ({
  table: unique('guestbook'),
  function: unique('shape_of'),
  view: unique('shapes'),
  procedure: unique('tidy'),
});

export const carriers: Carrier[] = hiddenStains.map(carrier);

/** Seven rows, 1 to 7. */
export const rows = unique('numbers');
/** Never shadowed: a view always means the real table. */
export const realRows = unique('real_numbers');
export const others = unique('others');
/** One row, 1; new ids begin at 1001, so that no count looks like one. */
export const numbered = unique('orders');
export const children = unique('items');
/** Triggers before UPDATE and before DELETE, and an updatable view in front of it. */
export const audited = unique('audited');
export const auditedView = unique('audited_view');
/** A view over a view over a function, and a trigger that calls the function. */
export const outerView = unique('outer_view');
export const calling = unique('calling');
export const role = unique('handback_test_role');

/** What reads the last id although its caller's text does not say so. */
export const lastId = {
  view: unique('newest'),
  function: unique('newest_of'),
  procedure: unique('newest_by'),
  /** A trigger before INSERT writes it to `parent`. */
  table: unique('newest_items'),
};

/** Procedures, by what they leave behind. */
export const procedures = {
  transaction: unique('begin_it'),
  temporaryTable: unique('scratch_it'),
  insert: unique('order_it'),
  prepare: unique('prepare_it'),
  role: unique('become_it'),
};

const carried = hiddenStains.flatMap(({ statement }, index) => {
  const { table, function: fn, view, procedure } = carriers[index] as Carrier;
  return [
    `CREATE TABLE ${table} (n INT)`,
    `CREATE TRIGGER ${table}_trigger BEFORE INSERT ON ${table} FOR EACH ROW ${statement}`,
    `CREATE FUNCTION ${fn}() RETURNS INT BEGIN ${statement}; RETURN 1; END`,
    `CREATE VIEW ${view} AS SELECT ${fn}() AS n`,
    `CREATE PROCEDURE ${procedure}() ${statement}`,
  ];
});

const [first] = carriers as [Carrier];

const CREATE = [
  `CREATE TABLE ${rows} (n INT)`,
  `INSERT INTO ${rows} VALUES (1), (2), (3), (4), (5), (6), (7)`,
  `CREATE VIEW ${realRows} AS SELECT n FROM ${rows}`,
  `CREATE TABLE ${others} (n INT)`,
  `CREATE TABLE ${numbered} (id INT AUTO_INCREMENT PRIMARY KEY, n INT) AUTO_INCREMENT = 1001`,
  `INSERT INTO ${numbered} VALUES (1, 1)`,
  `CREATE TABLE ${children} (parent INT)`,
  ...carried,
  `CREATE TABLE ${audited} (id INT PRIMARY KEY, n INT)`,
  `INSERT INTO ${audited} VALUES (1, 0)`,
  `CREATE TRIGGER ${audited}_u BEFORE UPDATE ON ${audited} FOR EACH ROW SET @by_update = 'secret'`,
  `CREATE TRIGGER ${audited}_d BEFORE DELETE ON ${audited} FOR EACH ROW SET @by_delete = 'secret'`,
  `CREATE VIEW ${auditedView} AS SELECT id, n FROM ${audited}`,
  `CREATE VIEW ${outerView} AS SELECT n FROM ${first.view}`,
  `CREATE TABLE ${calling} (n INT)`,
  `CREATE TRIGGER ${calling}_trigger BEFORE INSERT ON ${calling} FOR EACH ROW SET NEW.n = ${first.function}()`,
  `CREATE VIEW ${lastId.view} AS SELECT LAST_INSERT_ID() AS id`,
  `CREATE FUNCTION ${lastId.function}() RETURNS INT RETURN LAST_INSERT_ID()`,
  `CREATE PROCEDURE ${lastId.procedure}() SELECT LAST_INSERT_ID() AS id`,
  `CREATE TABLE ${lastId.table} (parent INT)`,
  `CREATE TRIGGER ${lastId.table}_t BEFORE INSERT ON ${lastId.table} FOR EACH ROW SET NEW.parent = LAST_INSERT_ID()`,
  `CREATE ROLE ${role}`,
  `CREATE PROCEDURE ${procedures.transaction}() BEGIN START TRANSACTION; UPDATE ${rows} SET n = n; END`,
  `CREATE PROCEDURE ${procedures.temporaryTable}() CREATE TEMPORARY TABLE scratch (n INT)`,
  `CREATE PROCEDURE ${procedures.insert}() INSERT INTO ${numbered} (n) VALUES (1)`,
  `CREATE PROCEDURE ${procedures.prepare}() PREPARE left_behind FROM 'SELECT 1'`,
  `CREATE PROCEDURE ${procedures.role}() SET ROLE ${role}`,
];

const DROP = [
  ...carriers.flatMap(({ table, function: fn, view, procedure }) => [
    `DROP VIEW IF EXISTS ${view}`,
    `DROP TABLE IF EXISTS ${table}`,
    `DROP FUNCTION IF EXISTS ${fn}`,
    `DROP PROCEDURE IF EXISTS ${procedure}`,
  ]),
  ...[realRows, auditedView, outerView, lastId.view].map((name) => `DROP VIEW IF EXISTS ${name}`),
  ...[rows, others, numbered, children, audited, calling, lastId.table].map(
    (name) => `DROP TABLE IF EXISTS ${name}`,
  ),
  `DROP FUNCTION IF EXISTS ${lastId.function}`,
  ...[lastId.procedure, ...Object.values(procedures)].map((name) => `DROP PROCEDURE IF EXISTS ${name}`),
  `DROP ROLE IF EXISTS ${role}`,
];

async function runAll(statements: string[]): Promise<void> {
  const connection = await createConnection(databaseUrl());
  try {
    for (const sql of statements) await connection.query(sql);
  } finally {
    await connection.end();
  }
}

let created: Promise<void> | undefined;

/** Once per run, by whichever case needs them first. */
export function sessionObjects(): Promise<void> {
  created ??= runAll(CREATE);
  return created;
}

export async function dropSessionObjects(): Promise<void> {
  if (!created) return;
  created = undefined;
  await runAll(DROP);
}
