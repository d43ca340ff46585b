import { AsyncResource } from 'node:async_hooks';
import type { QueryOptions } from 'mysql2';
import { onAbort } from './abort.js';
import { rejectForCaller } from './async-stack.js';
import type { RowStatement, Statement, StatementTag } from './driver.js';
import { isNotWritten } from './error-classes.js';
import { HandbackError } from './errors.js';
import { maskValues } from './mask.js';
import { cancelled } from './refusals.js';
import { textOf } from './session.js';
import { snapshot } from './snapshot.js';
import { type ReadText, readSql, type SqlShape } from './sql.js';
import type { StatementTrace } from './statement-trace.js';

/** Told when a statement is over, before its promise settles. */
export interface StatementKeeper {
  ended(statement: TrackedStatement, error: DriverError | null, result: unknown): void;
  /** Whether a statement that was not sent goes to another connection instead of failing. */
  resends(statement: TrackedStatement, error: DriverError): boolean;
  /** The pool has killed what runs here: its error is not the statement's own fault. */
  readonly killed: boolean;
}

/** What `query`, `execute` and `stream` take in place of a text: mysql2's own, and a signal. */
export type StatementOptions = QueryOptions & {
  /** mysql2's `timeout` by the name that durations have here: the statement is killed on the server, in ms. 0 = no limit. */
  timeoutMs?: number;
  /** Gives up when it aborts: a waiting statement is not sent, a running one is killed on the server. */
  signal?: AbortSignal;
};

export type DriverError = Error & { errno?: number; code?: string; fatal?: boolean; sql?: string };

/** The driver wrote to a socket that had ended, or refused to write at all; or we did. */
export function wasNeverSent(error: DriverError | HandbackError): boolean {
  if (error instanceof HandbackError) return error.code === 'CONNECTION_LOST';
  return error.code === 'EPIPE' || (error.fatal === true && isNotWritten(error));
}

/** ER_QUERY_INTERRUPTED: what a statement gets that was killed. */
const INTERRUPTED = 1317;

export abstract class TrackedStatement implements Statement, ReadText {
  readonly prepared: boolean;
  readonly sql: string | QueryOptions;
  readonly values: unknown;
  keeper: StatementKeeper | null = null;
  readonly text: string;
  #shape: SqlShape | null = null;
  /** Its own limit, in ms, instead of the pool's or route's: mysql2's option `timeout`; 0 = none. */
  readonly timeoutMs: number | undefined;
  readonly signal: AbortSignal | undefined;
  /** It has been sent to another connection once already. */
  resent = false;
  /** Part of a transaction that belongs to its connection: on another one it would be nobody's. */
  bound = false;
  /** Told when its caller no longer waits for it. */
  onGivenUp: (() => void) | null = null;
  /** It may begin a transaction or change the session. */
  controls = false;
  /** Ours, and the end of what streams before it belong to: one whose reader takes no rows is destroyed for it. */
  outranksStreams = false;
  /** Ours, and used up by the START TRANSACTION that follows it. */
  setsNextTransaction = false;
  /** It has gone to the server, so that its error may be the server's. */
  sent = false;
  /** How long it has waited for a connection until now: one that is sent again has what is left of its time. */
  waitedMs = 0;
  /** A value of it is SQL itself (`mysql.raw()`), which its text does not show. */
  carriesSql = false;
  /** With the option `tag`: what the server is told of its origin. */
  tag: StatementTag | null = null;
  /** Looked at just before it is sent: why it must not be. */
  precondition: (() => HandbackError | null) | null = null;
  previous: Statement | null = null;
  next: Statement | null = null;
  /** Told how it ends, where somebody traces queries. */
  trace: StatementTrace | null = null;
  #unlisten: (() => void) | null = null;
  #settled = false;
  #givenUp = false;

  constructor(prepared: boolean, sql: string | StatementOptions, values: unknown) {
    this.prepared = prepared;
    this.values = snapshot(values);
    if (typeof sql === 'string') {
      this.sql = sql;
    } else {
      // The driver's own timeout leaves the statement running.
      const { timeoutMs, timeout = timeoutMs, signal, ...rest } = sql;
      if (rest.values !== undefined) rest.values = snapshot(rest.values) as typeof rest.values;
      this.sql = inThisContext(rest);
      this.timeoutMs = timeout;
      this.signal = signal;
    }
    this.text = textOf(this);
  }

  /** Its values, wherever they were given. */
  get given(): unknown {
    return this.values ?? (typeof this.sql === 'string' ? undefined : this.sql.values);
  }

  /** Read when it is first asked for: of a long text it is not remembered elsewhere. */
  get shape(): SqlShape {
    this.#shape ??= readSql(this.text);
    return this.#shape;
  }

  /** Its caller has had an answer; what the server still says is only noted. */
  get givenUp(): boolean {
    return this.#givenUp;
  }

  settle(error: DriverError | null, result?: unknown, fields?: unknown): void {
    const { keeper } = this;
    if (this.#settled || (error && !this.#givenUp && keeper?.resends(this, error))) return;
    this.#settled = true;
    this.#unlisten?.();
    keeper?.ended(this, error, result);
    if (this.#givenUp) return;
    if (error === null) {
      this.trace?.ended(null);
      return this.succeed(result, fields);
    }
    const masked = withoutValues(error, this.text);
    const shown = keeper?.killed && error.errno === INTERRUPTED ? cancelled(masked) : masked;
    this.trace?.ended(shown);
    this.fail(shown);
  }

  /** Answers the caller now. */
  giveUp(error: Error): void {
    if (this.#settled || this.#givenUp) return;
    this.#givenUp = true;
    this.#unlisten?.();
    this.trace?.ended(error ?? new Error('given up'));
    this.fail(error);
    this.onGivenUp?.();
  }

  /** @returns false if it has aborted already: the caller has had its reason */
  heedSignal(): boolean {
    const { signal } = this;
    if (!signal) return true;
    if (signal.aborted) this.giveUp(signal.reason);
    else this.#unlisten = onAbort(signal, () => this.giveUp(signal.reason));
    return !signal.aborted;
  }

  protected abstract succeed(result: unknown, fields: unknown): void;
  protected abstract fail(error: Error): void;
}

/** The driver would call it in the async context of the socket. */
function inThisContext(options: QueryOptions): QueryOptions {
  const { typeCast } = options;
  return typeof typeCast === 'function' ? { ...options, typeCast: AsyncResource.bind(typeCast) } : options;
}

/** The driver puts the bound values into `err.sql`, where loggers find them. */
function withoutValues(error: DriverError, sql: string): DriverError {
  if ('sql' in error) error.sql = maskValues(sql);
  return error;
}

/** A statement with one answer. */
export class Call extends TrackedStatement {
  readonly promise: Promise<unknown>;
  #resolve!: (value: unknown) => void;

  constructor(prepared: boolean, sql: string | StatementOptions, values: unknown) {
    super(prepared, sql, values);
    this.promise = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  protected succeed(result: unknown, fields: unknown): void {
    this.#resolve([result, fields]);
  }

  protected fail(error: Error): void {
    this.#resolve(rejectForCaller(error));
  }
}

/** Rows as the driver gives them by default, whatever the connection's options say (`rowsAsArray`, `typeCast`, …). */
export const PLAIN_ROWS = { rowsAsArray: false, nestTables: false, typeCast: true } as const;

/** A statement of our own, whose rows we read. */
export function question(sql: string): Call {
  return new Call(false, { sql, ...PLAIN_ROWS }, undefined);
}

/** A statement whose rows are read one by one; see row-stream.ts. */
export type RowCall = TrackedStatement & RowStatement;
