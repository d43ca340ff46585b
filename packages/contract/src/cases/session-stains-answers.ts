import { children, lastId, numbered, procedures, rows } from './session-objects.js';
import type { Moment, Stain } from './session-stains.js';

// What the server remembers of the last statement, whoever sent it.

const FIRST: Moment[] = ['first'];
const ORDER = `INSERT INTO ${numbered} (n) VALUES (1)`;
const LAST_ID = ['SELECT LAST_INSERT_ID()'];

const idsLeft: Stain[] = [
  { name: 'the id of an INSERT', dirty: [ORDER], look: LAST_ID },
  {
    name: 'the id of an INSERT in a transaction',
    dirty: ['START TRANSACTION', ORDER, 'COMMIT'],
    look: LAST_ID,
  },
  { name: 'the id of an INSERT before other statements', dirty: [ORDER, 'SELECT 1'], look: LAST_ID },
  {
    name: 'the id of an INSERT ... SELECT',
    dirty: [`INSERT INTO ${numbered} (n) SELECT n FROM ${rows}`],
    look: LAST_ID,
  },
  {
    name: 'the id of a REPLACE',
    dirty: [`REPLACE INTO ${numbered} (n) VALUES (1)`],
    look: LAST_ID,
  },
  {
    name: 'the id of an INSERT in a procedure',
    dirty: [`CALL ${procedures.insert}()`],
    look: LAST_ID,
  },
  {
    name: 'the argument of LAST_INSERT_ID()',
    dirty: ['SELECT LAST_INSERT_ID(1234)'],
    look: LAST_ID,
  },
  {
    name: 'the sequence by UPDATE ... LAST_INSERT_ID()',
    dirty: [ORDER, `UPDATE ${numbered} SET n = LAST_INSERT_ID(n + 1233) ORDER BY id LIMIT 1`],
    look: LAST_ID,
  },
];

const idsRead: Stain[] = [
  {
    name: 'the last id, read by @@last_insert_id and @@identity',
    dirty: [ORDER],
    look: ['SELECT @@last_insert_id, @@session.identity'],
  },
  {
    name: 'the last id, read behind comments',
    dirty: [ORDER],
    look: ['/* newest */ SELECT last_insert_id /* of all */ ( /* ! */ )'],
  },
  {
    name: 'the last id, read in a versioned comment',
    dirty: [ORDER],
    look: ['SELECT 0 /*!50000 + LAST_INSERT_ID() */'],
  },
  {
    name: "the last id, written as somebody's parent",
    dirty: [ORDER],
    look: [
      `INSERT INTO ${children} VALUES (LAST_INSERT_ID())`,
      `SELECT parent FROM ${children}`,
      `DELETE FROM ${children}`,
    ],
  },
  {
    name: 'the last id, read by EXECUTE IMMEDIATE',
    dirty: [ORDER],
    look: ["EXECUTE IMMEDIATE 'SELECT LAST_INSERT_ID()'"],
    textOnly: true,
  },
  { name: 'the last id, read in a view', dirty: [ORDER], look: [`SELECT id FROM ${lastId.view}`] },
  { name: 'the last id, read in a function', dirty: [ORDER], look: [`SELECT ${lastId.function}()`] },
  { name: 'the last id, read in a procedure', dirty: [ORDER], look: [`CALL ${lastId.procedure}()`] },
  {
    name: 'the last id, read in a trigger',
    dirty: [ORDER],
    look: [
      `INSERT INTO ${lastId.table} VALUES (0)`,
      `SELECT parent FROM ${lastId.table}`,
      `DELETE FROM ${lastId.table}`,
    ],
  },
];

const WARNING = ["SELECT 'secret' + 1"];

const remembered: Stain[] = [
  ...['SHOW WARNINGS', 'SHOW WARNINGS LIMIT 1', 'SHOW COUNT(*) WARNINGS', 'SELECT @@warning_count'].map(
    (look) => ({ name: `a warning, by ${look}`, dirty: WARNING, look: [look], moments: FIRST }),
  ),
  {
    name: 'a warning, by GET DIAGNOSTICS',
    dirty: WARNING,
    look: ['GET DIAGNOSTICS CONDITION 1 @text = MESSAGE_TEXT', 'SELECT @text'],
    moments: FIRST,
  },
  ...['SHOW ERRORS', 'SHOW COUNT(*) ERRORS', 'SELECT @@error_count'].map(
    (look): Stain => ({
      name: `an error, by ${look}`,
      dirty: ["SELECT 'secret' FROM nowhere"],
      look: [look],
      moments: FIRST,
      fails: true,
    }),
  ),
  {
    name: 'the warning of an INSERT IGNORE',
    dirty: [`INSERT IGNORE INTO ${numbered} VALUES (1, 1)`],
    look: ['SHOW WARNINGS'],
    moments: FIRST,
  },
  {
    name: 'ROW_COUNT()',
    dirty: [`UPDATE ${rows} SET n = n`],
    look: ['SELECT ROW_COUNT()'],
    moments: FIRST,
    anythingElse: true,
  },
  {
    name: 'FOUND_ROWS()',
    dirty: [`SELECT n FROM ${rows}`],
    look: ['SELECT FOUND_ROWS()'],
    moments: FIRST,
    anythingElse: true,
  },
  {
    name: 'FOUND_ROWS() after SQL_CALC_FOUND_ROWS',
    dirty: [`SELECT SQL_CALC_FOUND_ROWS n FROM ${rows} LIMIT 2`],
    look: ['SELECT FOUND_ROWS()'],
    moments: FIRST,
    anythingElse: true,
  },
];

export const answerStains: Stain[] = [...idsLeft, ...idsRead, ...remembered];
