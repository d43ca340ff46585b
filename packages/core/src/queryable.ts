import type { Readable } from 'node:stream';
import type { ExecuteValues, FieldPacket, QueryOptions, QueryResult, QueryValues } from 'mysql2';
import { isSignal } from './abort.js';
import { isTraced } from './channels.js';
import type { Formatter } from './driver.js';
import { invalid } from './option-rules.js';
import {
  carriesSql,
  checkExecuted,
  checkLiteral,
  checkNames,
  checkParams,
  isPlainList,
  type StrictParams,
} from './params.js';
import { checkStream, RowStream, type StreamOptions } from './row-stream.js';
import { Call, type StatementOptions, type TrackedStatement } from './statement.js';
import { tracedFrom } from './statement-trace.js';

/** What every way of sending statements shares: the formatter and the rule for parameters. */
export interface Dialect {
  /** The pool's name. */
  readonly pool: string;
  /** What is known of the server. */
  readonly system: 'mysql' | 'mariadb' | undefined;
  readonly database: string | undefined;
  readonly formatter: Formatter;
  readonly strictParams: StrictParams;
}

function withSignal(sql: string | StatementOptions, signal: AbortSignal): StatementOptions {
  return typeof sql === 'string' ? { sql, signal } : { ...sql, signal };
}

function isNamed(given: unknown): given is object {
  return typeof given === 'object' && given !== null && !Array.isArray(given);
}

/** @throws {HandbackError} INVALID_OPTION */
function checkStatementOptions({ timeout, timeoutMs, signal }: StatementOptions): void {
  for (const [name, value] of Object.entries({ timeout, timeoutMs })) {
    if (value != null && !(typeof value === 'number' && value >= 0))
      throw invalid(name, 'milliseconds: a number of at least 0, 0 = off', value);
  }
  if (signal != null && !isSignal(signal)) throw invalid('signal', 'an AbortSignal', signal);
}

/** @throws {TypeError} nobody would call it */
function refuseCallback(value: unknown): void {
  if (typeof value === 'function')
    throw new TypeError('Callbacks are not taken: the call returns a promise.');
}

/** @throws {TypeError} for what is no statement, or comes with a callback, which nobody would call */
function checkCall(sql: unknown, values: unknown): void {
  const text = typeof sql === 'object' && sql !== null ? (sql as QueryOptions).sql : sql;
  if (typeof text !== 'string')
    throw new TypeError('The statement must be a string, or an object whose sql is one.');
  refuseCallback(values);
  if (typeof sql === 'object') checkStatementOptions(sql as StatementOptions);
}

/** Those that will be sent, whatever becomes of the caller's meanwhile. */
function checkValues(statement: TrackedStatement, dialect: Dialect): void {
  const { given } = statement;
  if (given === undefined || given === null || isPlainList(given)) return;
  if (dialect.strictParams !== 'off') checkGiven(statement, dialect);
  statement.carriesSql = carriesSql(given);
}

function checkGiven(statement: TrackedStatement, { strictParams, formatter }: Dialect): void {
  const { text, given } = statement;
  const named = takesNames(statement, formatter);
  // Of a list no names are taken. Where it is not known whether names are, it is checked both ways.
  if (named !== true || Array.isArray(given)) checkParams(text, given, strictParams);
  if (named !== false && isNamed(given)) {
    const unnamed = formatter.unnamed(text, given);
    checkParams(unnamed.sql, unnamed.values, strictParams);
    if (named) checkNames(unnamed.sql, unnamed.values, false);
  }
}

function checkPrepared(call: Call, { strictParams, formatter }: Dialect): void {
  const { text, given } = call;
  if (isPlainList(given)) return;
  checkExecuted(given, strictParams);
  if (strictParams === 'off' || !isNamed(given) || !takesNames(call, formatter)) return;
  const unnamed = formatter.unnamed(text, given);
  checkNames(unnamed.sql, unnamed.values, true);
}

/** Whether `:name` is a placeholder; undefined = it is not known. */
function takesNames({ sql }: TrackedStatement, formatter: Formatter): boolean | undefined {
  const asked = typeof sql === 'string' ? undefined : sql.namedPlaceholders;
  return asked === undefined ? formatter.namedPlaceholders : asked;
}

/**
 * The calls of a `mysql2/promise` connection that send or format statements. Where a statement goes is up to
 * `submit`.
 */
// Without private methods: each would be one more field of every lease.
export abstract class Queryable {
  protected abstract readonly dialect: Dialect;

  /** Sends the statement now, queues it, or settles it with an error. Never throws. */
  protected abstract submit(statement: TrackedStatement): void;

  /**
   * Runs one statement in the text protocol. In place of the text: `{ sql, values, timeout, signal, … }`.
   *
   * @throws {HandbackError} INVALID_OPTION for a `timeout` or `signal` that is none. UNSAFE_PARAMETER for an array or object where a single value
   * belongs (option `strictParams`). QUERY_TIMEOUT when it ran longer than `timeout`, or than `queryTimeoutMs`. The signal's reason
   * when it was aborted: what was running is killed. The driver's errors arrive unchanged, but for `sql`, which is shown without values.
   */
  query<T extends QueryResult>(
    sql: string | StatementOptions,
    values?: QueryValues,
    callback?: never,
  ): Promise<[T, FieldPacket[]]> {
    try {
      refuseCallback(callback);
      checkCall(sql, values);
      const call = new Call(false, sql, values);
      checkValues(call, this.dialect);
      return this.send(call) as Promise<[T, FieldPacket[]]>;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Runs one prepared statement; it stays prepared on its connection. Objects are sent as JSON. */
  execute<T extends QueryResult>(
    sql: string | StatementOptions,
    values?: ExecuteValues,
    callback?: never,
  ): Promise<[T, FieldPacket[]]> {
    try {
      refuseCallback(callback);
      checkCall(sql, values);
      const call = new Call(true, sql, values);
      checkPrepared(call, this.dialect);
      return this.send(call) as Promise<[T, FieldPacket[]]>;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * The rows of one statement, one by one, with back-pressure: an async iterable and a Node stream in object
   * mode. It is sent when the first row is asked for. From then on the connection is busy until the rows have been read
   * or the stream is destroyed: inside a loop over it, query elsewhere (the pool).
   *
   * The stream's errors: as those of {@link query}; STREAM_OPEN if another stream of the connection stands in the way.
   */
  stream(sql: string | StatementOptions, values?: QueryValues, options?: StreamOptions): Readable {
    const { signal, highWaterMark } = options ?? {};
    const stream = new RowStream(signal ? withSignal(sql, signal) : sql, values, highWaterMark);
    try {
      checkStream(options);
      checkCall(signal ? withSignal(sql, signal) : sql, values);
      const { statement } = stream;
      checkValues(statement, this.dialect);
      if (statement.heedSignal()) stream.onFirstRead(() => this.begin(statement));
    } catch (error) {
      stream.refuse(error as Error);
    }
    return stream;
  }

  /**
   * `sql` with its placeholders replaced by escaped values, as `query()` would send it.
   *
   * @throws {HandbackError} UNSAFE_PARAMETER
   */
  format(sql: string, values?: unknown): string {
    const { formatter, strictParams } = this.dialect;
    checkParams(sql, values, strictParams);
    return formatter.format(sql, values);
  }

  /** `value` as an SQL literal, an array as several. @throws {HandbackError} UNSAFE_PARAMETER */
  escape(value: unknown): string {
    const { formatter, strictParams } = this.dialect;
    checkLiteral(value, strictParams);
    return formatter.escape(value);
  }

  /** `identifier` in backticks. */
  escapeId(identifier: string | string[]): string {
    return this.dialect.formatter.escapeId(identifier);
  }

  /** @internal */
  protected send(call: Call): Promise<unknown> {
    if (call.heedSignal()) this.begin(call);
    return call.promise;
  }

  protected begin(statement: TrackedStatement): void {
    if (isTraced('query')) tracedFrom(this.dialect, statement, () => this.submit(statement));
    else this.submit(statement);
  }
}
