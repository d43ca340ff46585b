import type { RawConnection, Sent } from '../driver.js';
import { quotedParts } from '../lexer.js';
import { type Internals, internals } from './mysql2-internals.js';
import { makeRoom } from './mysql2-statements.js';

export type Done = (error: Error | null, result?: unknown, fields?: unknown) => void;

/** ER_MAX_PREPARED_STMT_COUNT_REACHED: the server has no room for one more, of all of its clients. */
const NO_ROOM = 1461;

export function hasNoRoom(error: Error): boolean {
  return (error as { errno?: number }).errno === NO_ROOM;
}

export function query(raw: RawConnection, { sql, values }: Pick<Sent, 'sql' | 'values'>, done: Done): void {
  if (values === undefined) raw.query(sql as string, done);
  else raw.query(sql as string, values as [], done);
}

/** Knows how the values of a statement would be written into its text. */
export interface Escaping {
  /** What the driver escapes is read as it was meant. */
  escapesSafely(statement: Sent): boolean;
}

/**
 * Where the server has no room for another prepared statement it takes the place of those of this connection, or else,
 * where that means the same, goes as a text.
 */
export function execute(raw: RawConnection, statement: Sent, escaping: Escaping, done: Done): void {
  const known = internals(raw);
  makeRoom(raw);
  raw.execute(statement.sql as string, statement.values as [], (error, result, fields) => {
    if (!error || !hasNoRoom(error) || wasPrepared(statement, known)) return done(error, result, fields);
    if (known._statements.size > 0) {
      known._statements.clear();
      execute(raw, statement, escaping, done);
    } else if (meansTheSameAsText(statement, known) && escaping.escapesSafely(statement)) {
      query(raw, statement, done);
    } else {
      done(error);
    }
  });
}

interface Parts {
  readonly text: string;
  readonly values: readonly unknown[];
}

/** null = the driver replaces named placeholders in the text, which it then knows by another key. */
function partsOf({ sql, values }: Sent): Parts | null {
  const { sql: text, values: own } = typeof sql === 'string' ? { sql, values: undefined } : sql;
  // Of both the driver takes its options' own.
  if (own && values) return null;
  const given: unknown = values ?? own;
  if (Array.isArray(given)) return { text, values: given };
  return given === undefined && !text.includes(':') ? { text, values: [] } : null;
}

/**
 * It fails where it runs: by a PREPARE in a procedure, which may have done something before. One that could not be prepared
 * has certainly done nothing.
 */
function wasPrepared(statement: Sent, { _statements }: Internals): boolean {
  const text = partsOf(statement)?.text;
  if (text === undefined) return true;
  // The driver's keys end in the text; before it are options that decide how rows are read.
  for (const key of _statements.keys()) if (key.endsWith(text)) return true;
  return false;
}

/** There is one statement, each `?` is a placeholder and no part of a literal or comment, and each value is one literal. */
function meansTheSameAsText(statement: Sent, { config }: Internals): boolean {
  const parts = partsOf(statement);
  if (config.multipleStatements || config.queryFormat != null || !parts) return false;
  const { text, values } = parts;
  return text.split('?').length - 1 === values.length && !hidesPlaceholder(text) && values.every(isLiteral);
}

function hidesPlaceholder(text: string): boolean {
  if (text.includes('??')) return true;
  for (const { start, end } of quotedParts(text)) if (text.slice(start, end).includes('?')) return true;
  return false;
}

function isLiteral(value: unknown): boolean {
  if (typeof value === 'object') return value === null || value instanceof Date || Buffer.isBuffer(value);
  if (typeof value === 'number') return Number.isFinite(value);
  return ['string', 'bigint', 'boolean'].includes(typeof value);
}
