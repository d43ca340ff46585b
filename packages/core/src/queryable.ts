import type { Readable } from 'node:stream';
import type { ExecuteValues, FieldPacket, QueryOptions, QueryResult, QueryValues } from 'mysql2';
import { isSignal } from './abort.js';
import type { Formatter } from './driver.js';
import { invalid } from './option-rules.js';
import { carriesSql, checkParams, type StrictParams } from './params.js';
import { checkStream, RowStream, type StreamOptions } from './row-stream.js';
import { textOf } from './session.js';
import { Call, type StatementOptions, type TrackedStatement } from './statement.js';

/** What every way of sending statements shares: the formatter and the rule for parameters. */
export interface Dialect {
  readonly formatter: Formatter;
  readonly strictParams: StrictParams;
}

function withSignal(sql: string | StatementOptions, signal: AbortSignal): StatementOptions {
  return typeof sql === 'string' ? { sql, signal } : { ...sql, signal };
}

function valuesOf(sql: string | QueryOptions): unknown {
  return typeof sql === 'string' ? undefined : sql.values;
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

/**
 * The calls of a `mysql2/promise` connection that send or format statements. Where a statement goes is up to
 * `submit`.
 */
export abstract class Queryable {
  protected abstract readonly dialect: Dialect;

  /** Sends the statement now, queues it, or settles it with an error. Never throws. */
  protected abstract submit(statement: TrackedStatement): void;

  /**
   * Runs one statement in the text protocol. In place of the text: `{ sql, values, timeout, signal, … }`.
   *
   * @throws {HandbackError} INVALID_OPTION for a `timeout` or `signal` that is none. UNSAFE_PARAMETER for an array or object after a comparison operator (option
   * `strictParams`). QUERY_TIMEOUT when it ran longer than `timeout`, or than `queryTimeoutMs`. The signal's reason
   * when it was aborted: what was running is killed. The driver's errors arrive unchanged, but for `sql`, which is shown without values.
   */
  query<T extends QueryResult>(
    sql: string | StatementOptions,
    values?: QueryValues,
    callback?: never,
  ): Promise<[T, FieldPacket[]]> {
    try {
      refuseCallback(callback);
      this.#check(sql, values);
      const call = new Call(false, sql, values);
      call.carriesSql = carriesSql(values ?? valuesOf(sql));
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
      this.#checkCall(sql, values);
      return this.send(new Call(true, sql, values)) as Promise<[T, FieldPacket[]]>;
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
      this.#check(signal ? withSignal(sql, signal) : sql, values);
      const { statement } = stream;
      statement.carriesSql = carriesSql(values ?? valuesOf(sql));
      if (statement.heedSignal()) stream.onFirstRead(() => this.submit(statement));
    } catch (error) {
      stream.destroy(error as Error);
    }
    return stream;
  }

  /** `sql` with its placeholders replaced by escaped values, as `query()` would send it. */
  format(sql: string, values?: unknown): string {
    return this.dialect.formatter.format(sql, values);
  }

  /** `value` as an SQL literal. */
  escape(value: unknown): string {
    return this.dialect.formatter.escape(value);
  }

  /** `identifier` in backticks. */
  escapeId(identifier: string | string[]): string {
    return this.dialect.formatter.escapeId(identifier);
  }

  /** @throws {TypeError} for what is no statement, or comes with a callback, which nobody would call */
  #checkCall(sql: unknown, values: unknown): void {
    const text = typeof sql === 'object' && sql !== null ? (sql as QueryOptions).sql : sql;
    if (typeof text !== 'string')
      throw new TypeError('The statement must be a string, or an object whose sql is one.');
    refuseCallback(values);
    if (typeof sql === 'object') checkStatementOptions(sql as StatementOptions);
  }

  #check(sql: string | StatementOptions, values: unknown): void {
    this.#checkCall(sql, values);
    const { formatter, strictParams } = this.dialect;
    const named =
      (typeof sql === 'string' ? undefined : sql.namedPlaceholders) ?? formatter.namedPlaceholders;
    checkParams(textOf({ sql }), values ?? valuesOf(sql), strictParams, named);
  }

  /** @internal */
  protected send(call: Call): Promise<unknown> {
    if (call.heedSignal()) this.submit(call);
    return call.promise;
  }
}
