import type { QueryOptions } from 'mysql2';
import { rejectForCaller } from './async-stack.js';
import type { RowStatement, Statement } from './driver.js';
import { HandbackError } from './errors.js';
import { maskValues } from './mask.js';
import { textOf } from './session.js';

/** Told when a statement is over, before its promise settles. */
export interface StatementKeeper {
  ended(statement: TrackedStatement, error: DriverError | null, result: unknown): void;
  /** The pool has killed what runs here: its error is not the statement's own fault. */
  readonly killed: boolean;
}

export type DriverError = Error & { errno?: number; code?: string; fatal?: boolean; sql?: string };

/** ER_QUERY_INTERRUPTED: what a statement gets that was killed. */
const INTERRUPTED = 1317;

export abstract class TrackedStatement implements Statement {
  readonly prepared: boolean;
  readonly sql: string | QueryOptions;
  readonly values: unknown;
  keeper: StatementKeeper | null = null;
  readonly text: string;
  /** It may begin a transaction or change the session. */
  controls = false;
  /** It has gone to the server, so that its error may be the server's. */
  sent = false;
  /** A value of it is SQL itself (`mysql.raw()`), which its text does not show. */
  carriesSql = false;
  /** Looked at just before it is sent: why it must not be. */
  precondition: (() => HandbackError | null) | null = null;
  previous: Statement | null = null;
  next: Statement | null = null;
  #settled = false;

  constructor(prepared: boolean, sql: string | QueryOptions, values: unknown) {
    this.prepared = prepared;
    this.sql = sql;
    this.values = values;
    this.text = textOf(this);
  }

  settle(error: DriverError | null, result?: unknown, fields?: unknown): void {
    if (this.#settled) return;
    this.#settled = true;
    const { keeper } = this;
    keeper?.ended(this, error, result);
    if (error === null) return this.succeed(result, fields);
    const shown = withoutValues(error, this.text);
    this.fail(keeper?.killed && error.errno === INTERRUPTED ? cancelled(shown) : shown);
  }

  protected abstract succeed(result: unknown, fields: unknown): void;
  protected abstract fail(error: Error): void;
}

function cancelled(cause: Error): HandbackError {
  return new HandbackError('QUERY_CANCELLED', 'The statement was cancelled because its request had ended.', {
    cause,
  });
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

  constructor(prepared: boolean, sql: string | QueryOptions, values: unknown) {
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

/** A statement whose rows are read one by one; see row-stream.ts. */
export type RowCall = TrackedStatement & RowStatement;
