import mysql, { type QueryOptions } from 'mysql2';
import type { Internals } from './mysql2-internals.js';

type SqlMode = { readonly noBackslashEscapes: boolean };

/** The driver's formatter takes the sql_mode; the driver does not pass it. */
const format = mysql.format as (
  sql: string,
  values: unknown,
  stringifyObjects: boolean | undefined,
  timezone: string | undefined,
  sqlMode?: SqlMode,
) => string;

interface NamedPlaceholders {
  _resolveNamedPlaceholders(this: { config: object }, statement: Resolved): void;
}

interface Resolved {
  sql: string;
  values: unknown;
  namedPlaceholders?: boolean | undefined;
}

/** The driver's own way from `:name` to `?`; it is a method of its connections, and needs none. */
export function unnamed(sql: string, values: unknown, namedPlaceholders?: boolean): Resolved {
  const { Connection } = mysql as unknown as { Connection: { prototype: NamedPlaceholders } };
  const statement = { sql, values, namedPlaceholders };
  Connection.prototype._resolveNamedPlaceholders.call({ config: {} }, statement);
  return statement;
}

/**
 * A statement whose values are written for sql_mode NO_BACKSLASH_ESCAPES: quotes doubled, backslashes left. With the driver's own
 * escaping, `\\'` in a value would end its literal there.
 */
export function withoutBackslashes(
  config: Internals['config'],
  statement: unknown,
  values: unknown,
): { readonly sql: QueryOptions; readonly values: [] } {
  const options = (typeof statement === 'string' ? { sql: statement } : statement) as QueryOptions;
  const given = values === undefined ? options.values : values;
  const { stringifyObjects, timezone } = config;
  const asked =
    options.namedPlaceholders === undefined ? config.namedPlaceholders : options.namedPlaceholders;
  const resolved = unnamed(options.sql, given ?? [], Boolean(asked));
  const mode = { noBackslashEscapes: true };
  const sql = format(resolved.sql, resolved.values, stringifyObjects, timezone, mode);
  // A list, so that no names are looked for in the result.
  return { sql: { ...options, sql }, values: [] };
}
