import { AsyncResource } from 'node:async_hooks';
import { Readable } from 'node:stream';
import type { Clock } from './clock.js';
import type { Reading, RowStatement } from './driver.js';
import { checkOptions, count, type Rules } from './option-rules.js';
import { type StatementOptions, TrackedStatement } from './statement.js';

/** What `stream()` takes beside statement and values. */
export interface StreamOptions {
  /** Rows that are read ahead of their reader. @default 16 */
  highWaterMark?: number;
  /** As the `signal` of a statement: when it aborts, the statement is killed on the server. */
  signal?: AbortSignal;
  /** Rows are objects; for callers who are used to saying so. */
  objectMode?: true;
}

const RULES: Rules = {
  highWaterMark: count(0),
  signal: { allowed: 'an AbortSignal', accepts: () => true },
  objectMode: { allowed: 'true: rows are objects', accepts: (value) => value === true },
};

/** @throws {HandbackError} INVALID_OPTION */
export function checkStream(options: unknown): void {
  if (options != null) checkOptions(options, RULES, 'the stream options');
}

/**
 * The rows of one statement as an object stream with back-pressure. The statement is sent when the first row is asked
 * for. Unlike the driver's own stream it ends in an error when the connection is lost, and when the pool takes the
 * connection away.
 */
export class RowStream extends Readable {
  readonly #statement: StreamedStatement;
  /** Sends the statement. */
  #begin: (() => void) | null = null;

  constructor(sql: string | StatementOptions, values: unknown, highWaterMark: unknown) {
    // What is none is refused by `checkStream`, as an error of the stream.
    const given = RULES.highWaterMark?.accepts(highWaterMark)
      ? { highWaterMark: highWaterMark as number }
      : {};
    super({ objectMode: true, ...given });
    this.#statement = new StreamedStatement(this, sql, values);
  }

  /** @internal What goes to the server. */
  get statement(): StreamedStatement {
    return this.#statement;
  }

  /** @internal A stream that nobody reads takes no connection, and stands in nobody's way. */
  onFirstRead(begin: () => void): void {
    this.#begin = begin;
  }

  override _read(): void {
    const begin = this.#begin;
    this.#begin = null;
    if (begin) this.#statement.asCaller(begin);
    else this.#statement.resume();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#begin = null;
    // The rest of the rows has to be read off the wire before the connection is of use again.
    this.#statement.resume();
    this.#statement.onAbandoned?.();
    // Nobody wants it any more: it is not sent at all.
    if (!this.#statement.sent) this.#statement.giveUp(error ?? new Error('the stream was destroyed'));
    callback(error);
  }
}

const NEVER = Number.POSITIVE_INFINITY;

/**
 * What the driver tells comes in the async context of the socket; the events of a stream belong to whoever asked for
 * it, and so does what a reader hangs on them.
 */
export class StreamedStatement extends TrackedStatement implements RowStatement {
  reading: Reading | null = null;
  /** Rows read so far. */
  rows = 0;
  /** Frames of the call, where they were kept for a report. */
  calledFrom: string | undefined;
  /** Told when its stream is over, read to the end or not. */
  onAbandoned: (() => void) | null = null;
  /** When its reader left; Infinity = reads on. */
  abandonedAt = NEVER;
  /** Since when its reader has had enough for now; Infinity = it wants rows. */
  pausedAt = NEVER;
  /** Since when it waits for the server: its first row, or the next; Infinity = its reader is the one who waits. */
  awaitedSince = NEVER;
  /** Told when its reader has had enough, or wants more. */
  onFlow: (() => void) | null = null;
  readonly #stream: RowStream;
  #clock: Clock | null = null;
  readonly #caller = new AsyncResource('handback.stream');

  constructor(stream: RowStream, sql: string | StatementOptions, values: unknown) {
    super(false, sql, values);
    this.#stream = stream;
  }

  /** Runs `fn` in the async context in which the stream was asked for. */
  asCaller(fn: () => void): void {
    this.#caller.runInAsyncScope(fn);
  }

  /** It goes to the server now. */
  begins(clock: Clock): void {
    this.#clock = clock;
    this.awaitedSince = clock.now();
  }

  get isAbandoned(): boolean {
    return this.abandonedAt !== NEVER;
  }

  onFields(fields: unknown): void {
    if (!this.#stream.destroyed) this.#caller.runInAsyncScope(() => this.#stream.emit('fields', fields));
  }

  onRow(row: unknown): boolean {
    this.rows++;
    const goesOn =
      this.#stream.destroyed || this.#caller.runInAsyncScope(this.#stream.push, this.#stream, row);
    const now = this.#clock?.now() ?? 0;
    this.awaitedSince = goesOn ? now : NEVER;
    this.pausedAt = goesOn ? NEVER : now;
    if (!goesOn) this.onFlow?.();
    return goesOn;
  }

  /** Its reader wants rows. */
  resume(): void {
    if (this.pausedAt !== NEVER) {
      this.pausedAt = NEVER;
      this.awaitedSince = this.#clock?.now() ?? 0;
      this.onFlow?.();
    }
    this.reading?.resume();
  }

  /** The connection is needed back: the reader gets `error`, the remaining rows are read and dropped. */
  abandon(error: Error): void {
    this.#caller.runInAsyncScope(() => this.#stream.destroy(error));
  }

  protected succeed(): void {
    if (!this.#stream.destroyed) this.#caller.runInAsyncScope(() => this.#stream.push(null));
  }

  protected fail(error: Error | null): void {
    // A signal may abort with `null`, and a stream that is destroyed without an error has come to its end.
    this.abandon(error ?? new DOMException('This operation was aborted', 'AbortError'));
  }
}
