import { codeOf, suspectCodeOf } from './lexer.js';
import { callsOnlyBuiltIns, holdsComment, isPlain, verbOf, withoutOuterComments } from './sql-plain.js';
import { beginsTransaction, commitsFirst, endsTransaction, isTransactionControl } from './sql-transaction.js';
import { BUILT_IN_FOR_THE_SESSION, CHANGING_VERBS, COMPOUND_VERBS, SESSION_VERBS } from './sql-words.js';

/**
 * A conservative reading of SQL text. The rule for cleaning: a statement is *plain* only when nothing in it
 * can change the session; whatever is not provably plain counts as dirty.
 *
 * It is the text that is read: what views, triggers and defaults of the schema do is not in it.
 */
export interface SqlShape {
  /** Proved to leave the session as it was (an open transaction aside: the server reports that). */
  readonly plain: boolean;
  /** Several statements in one: it may have begun a transaction although it failed, and an error carries no status. */
  readonly compound: boolean;
  /** Reads or writes state that lives in the session, so it makes no sense on a connection of its own. */
  readonly needsSession: boolean;
  /** Changes what later statements of the same session mean: SET, USE, LOCK TABLES. */
  readonly changesSession: boolean;
  /** Takes on another role: COM_RESET_CONNECTION keeps it. */
  readonly changesRole: boolean;
  /** May run a procedure, a function or another statement whose text is not its own. */
  readonly runsStoredCode: boolean;
  /** Selects another default schema. */
  readonly selectsSchema: boolean;
  /** The table that it creates for this session only. */
  readonly temporaryTable: string | undefined;
  /** What it may ask of the statements before it. */
  readonly reads: Leftovers;
  /** Inserts, and its answer may not tell the id: RETURNING answers with rows, several statements with the last one's. */
  readonly hidesInsertId: boolean;
  /** Holds `??` or `::`, where `query()` puts a name: the text does not name all that the statement does. */
  readonly identifierPlaceholder: boolean;
  /** Proved to write no row, and so to run no trigger. False when in doubt. */
  readonly onlyReads: boolean;
  /**
   * May change which tables, views, triggers and stored routines there are: what is known of them is stale after
   * it. Of a CALL nothing is known; temporary tables have no triggers and don't count.
   */
  readonly definesRoutines: boolean;
  /** Nothing but BEGIN or START TRANSACTION: safe to send again elsewhere when it was never sent. */
  readonly begins: boolean;
  /** Nothing but COMMIT or ROLLBACK, not one to a savepoint. AND CHAIN begins the next transaction. */
  readonly endsTransaction: boolean;
  /** One query: it may be stopped in the middle of its rows. What its functions have written is undone then. */
  readonly stoppable: boolean;
  /** DDL and its like: what is open is committed before it runs, also when it fails then. */
  readonly commitsFirst: boolean;
}

/** Results of earlier statements that a session keeps. Stored functions and procedures may ask for all of them. */
export interface Leftovers {
  /** LAST_INSERT_ID(), `@@identity`, the last value of a sequence. */
  readonly insertId: boolean;
  /** SHOW WARNINGS, GET DIAGNOSTICS, `@@warning_count`. */
  readonly warnings: boolean;
  /** FOUND_ROWS(), ROW_COUNT(). */
  readonly counts: boolean;
}

const SESSION_STATE =
  /(^|[^@\w])@(?!@)|@@(?:session\.|local\.)?(?:last_insert_id|identity|insert_id|warning_count|error_count|found_rows)\b|\b(?:last_insert_id|row_count|found_rows|get_lock|release_lock|release_all_locks|lastval|previous\s+value)\b|\bsql_calc_found_rows\b|^\s*show\s+(?:count\s*\(\s*\*\s*\)\s+)?(?:warnings|errors)\b/i;
const TEMPORARY_TABLE =
  /^\s*create\s+(?:or\s+replace\s+)?temporary\s+table\s+(?:if\s+not\s+exists\s+)?(?:(?:`[^`]+`|[\w$\u0080-\uffff]+)\s*\.\s*)?(?:`([^`]+)`|([\w$\u0080-\uffff]+))/i;
const DROPS_TEMPORARY_TABLE = /^\s*drop\s+temporary\b/i;
const SECOND_STATEMENT = /;\s*\S/;
const SELECTS_SCHEMA = /(?:^|;)\s*use\s/i;
const CHANGES_ROLE = /\bset\s+(?:default\s+)?role\b/i;
const SET = /\bset\b/i;
const ROLE = /\brole\b/i;

/** SHOW VARIABLES and the tables of that name list the ones below too. */
const LISTS_VARIABLES = /variables/i;
const INSERT_ID = /\b(?:last_insert_id|lastval|currval|previous)\b/i;
const INSERT_ID_VARIABLE = /\b(?:identity|insert_id)\b/i;
const DIAGNOSTICS = /\bdiagnostics\b/i;
// Two words at a time: comments may stand between them.
const SHOW = /\bshow\b/i;
const WARNINGS = /\b(?:warnings|errors)\b/i;
const WARNINGS_VARIABLE = /\b(?:warning_count|error_count)\b/i;
const COUNTS = /\b(?:row_count|found_rows)\b/i;

const CALLS = /\b(?:call|execute)\b/i;
const DEFINING_VERB = /^(?:create|alter|drop|rename|grant|revoke)$/;
const SELECTS = /\b(?:select|do|set)\b/i;

const NAME_PLACEHOLDER = /\?\?|::/;
const WRITES = /\b(?:insert|replace|update|delete)\b/i;
const INSERTS = /\b(?:insert|replace)\b/i;
const RETURNING = /\breturning\b/i;
const DEFINES = /\b(?:create|alter|drop|rename)\b/i;
const DEFINED = /\b(?:triggers?|view|function|procedure|package|tables?|database|schema)\b/i;

function read(sql: string): SqlShape {
  const text = withoutOuterComments(sql);
  const verb = verbOf(text);
  const code = codeOf(text);
  const suspect = suspectCodeOf(text, code);
  const [, quoted, unquoted] = TEMPORARY_TABLE.exec(code) ?? [];
  const temporaryTable = quoted ?? unquoted;
  const plain = isPlain(text, verb);
  const storedCode = runsStoredCode(suspect, verb);
  const compound = !plain && (COMPOUND_VERBS.has(verb) || SECOND_STATEMENT.test(code));
  return {
    plain,
    compound,
    needsSession:
      compound ||
      SESSION_VERBS.has(verb) ||
      temporaryTable !== undefined ||
      DROPS_TEMPORARY_TABLE.test(code) ||
      SESSION_STATE.test(code),
    changesSession: CHANGING_VERBS.has(verb),
    changesRole: changesRole(suspect),
    runsStoredCode: storedCode,
    selectsSchema: SELECTS_SCHEMA.test(code),
    temporaryTable,
    reads: leftoversReadBy(suspect, storedCode),
    hidesInsertId: hidesInsertId(text),
    identifierPlaceholder: NAME_PLACEHOLDER.test(sql),
    onlyReads: plain && writesNothing(text, verb),
    definesRoutines: !plain && definesRoutines(suspect, verb),
    begins: beginsTransaction(text),
    endsTransaction: endsTransaction(text),
    stoppable: !compound && isQuery(text, verb),
    commitsFirst: commitsFirst(text),
  };
}

function changesRole(code: string): boolean {
  return CHANGES_ROLE.test(code) || (holdsComment(code) && SET.test(code) && ROLE.test(code));
}

function leftoversReadBy(code: string, storedCode: boolean): Leftovers {
  if (storedCode) return { insertId: true, warnings: true, counts: true };
  const lists = LISTS_VARIABLES.test(code);
  const names = code.includes('@@');
  return {
    insertId: lists || INSERT_ID.test(code) || (names && INSERT_ID_VARIABLE.test(code)),
    warnings:
      lists ||
      (SHOW.test(code) && WARNINGS.test(code)) ||
      DIAGNOSTICS.test(code) ||
      (names && WARNINGS_VARIABLE.test(code)),
    counts: COUNTS.test(code),
  };
}

function hidesInsertId(text: string): boolean {
  return INSERTS.test(text) && (RETURNING.test(text) || SECOND_STATEMENT.test(text));
}

/** What that asks for is written elsewhere. A table's columns look like the arguments of a function. */
function runsStoredCode(code: string, verb: string): boolean {
  if (CALLS.test(code)) return true;
  if (DEFINING_VERB.test(verb) && !SELECTS.test(code)) return false;
  // One may stand between a function's name and its parenthesis.
  return holdsComment(code) || !callsOnlyBuiltIns(code, verb, BUILT_IN_FOR_THE_SESSION);
}

function writesNothing(text: string, verb: string): boolean {
  return isTransactionControl(text) || isQuery(text, verb);
}

function isQuery(text: string, verb: string): boolean {
  if (verb === 'show' || verb === 'values') return true;
  if (verb === 'select') return !/\binto\b/i.test(text);
  // DESCRIBE and EXPLAIN are one statement: both take a table or another statement.
  return /^(?:with|describe|desc|explain)$/.test(verb) && !WRITES.test(text);
}

function definesRoutines(code: string, verb: string): boolean {
  if (verb === 'execute') return true;
  const start = code.search(DEFINES);
  if (start === -1) return false;
  const temporary = TEMPORARY_TABLE.test(code) || DROPS_TEMPORARY_TABLE.test(code);
  return DEFINED.test(code.slice(start)) && !(temporary && !SECOND_STATEMENT.test(code));
}

/** A statement's text and what was read in it. */
export interface ReadText {
  readonly text: string;
  readonly shape: SqlShape;
}

/** Texts repeat; a prepared application has a few hundred. Long ones carry values and would only fill it. */
const CACHE_ENTRIES = 1_000;
const CACHED_LENGTH = 2_000;
const cache = new Map<string, SqlShape>();

export function readSql(sql: string): SqlShape {
  const known = cache.get(sql);
  if (known) return known;
  const shape = read(sql);
  if (sql.length <= CACHED_LENGTH) {
    if (cache.size >= CACHE_ENTRIES) cache.clear();
    cache.set(sql, shape);
  }
  return shape;
}

/** Whether `sql` names `table` outside string literals. */
export function mentions(sql: string, table: string): boolean {
  const bare = codeOf(sql).toLowerCase();
  return (
    bare.split(/[^\w$\u0080-\uffff]+/).includes(table.toLowerCase()) ||
    bare.includes(`\`${table.toLowerCase()}\``)
  );
}
