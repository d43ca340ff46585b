import { AsyncResource } from 'node:async_hooks';
import { Readable, type ReadableOptions } from 'node:stream';
import type { Reading, RowStatement } from './driver.js';
import { type StatementOptions, TrackedStatement } from './statement.js';

/**
 * The rows of one statement as an object stream with back-pressure. Unlike the driver's own stream it ends in
 * an error when the connection is lost, and when the pool takes the connection away.
 */
export class RowStream extends Readable {
  readonly #statement: StreamedStatement;

  constructor(sql: string | StatementOptions, values: unknown, options: ReadableOptions | undefined) {
    super({ ...options, objectMode: true });
    this.#statement = new StreamedStatement(this, sql, values);
  }

  /** @internal What goes to the server. */
  get statement(): StreamedStatement {
    return this.#statement;
  }

  override _read(): void {
    this.#statement.reading?.resume();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    // The rest of the rows has to be read off the wire before the connection is of use again.
    this.#statement.reading?.resume();
    this.#statement.onAbandoned?.();
    // Nobody wants it any more: it is not sent at all.
    if (!this.#statement.sent) this.#statement.giveUp(error ?? new Error('the stream was destroyed'));
    callback(error);
  }
}

/**
 * What the driver tells comes in the async context of the socket; the events of a stream belong to whoever asked for
 * it, and so does what a reader hangs on them.
 */
export class StreamedStatement extends TrackedStatement implements RowStatement {
  reading: Reading | null = null;
  /** Rows read so far: a stream that makes no progress has lost its reader. */
  rows = 0;
  /** Told when its stream is over, read to the end or not. */
  onAbandoned: (() => void) | null = null;
  /** When its reader left; Infinity = reads on. */
  abandonedAt = Number.POSITIVE_INFINITY;
  readonly #stream: RowStream;
  readonly #caller = new AsyncResource('handback.stream');

  constructor(stream: RowStream, sql: string | StatementOptions, values: unknown) {
    super(false, sql, values);
    this.#stream = stream;
  }

  onFields(fields: unknown): void {
    if (!this.#stream.destroyed) this.#caller.runInAsyncScope(() => this.#stream.emit('fields', fields));
  }

  onRow(row: unknown): boolean {
    this.rows++;
    return this.#stream.destroyed || this.#caller.runInAsyncScope(this.#stream.push, this.#stream, row);
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
