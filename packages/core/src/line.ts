import type { DriverConnection, Statement } from './driver.js';
import { HandbackError } from './errors.js';
import { LinkedList } from './linked-list.js';
import { StreamedStatement } from './row-stream.js';
import { isRollback, type Session } from './session.js';
import { readSql } from './sql.js';
import type { DriverError, TrackedStatement } from './statement.js';
import { endedByStatement, rolledBack } from './transaction.js';

/**
 * The statements of one lease on their way to the server, one at a time. The driver would queue them as well, but
 * blindly: here each is looked at just before it is sent, when the fate of the one before it is known. So what
 * stands behind a deadlock, or behind a KILL, does not run by itself.
 */
export class Line {
  /** Sent, or waiting to be. */
  size = 0;
  /** Those among them that may begin a transaction or change the session. */
  controls = 0;
  readonly #connection: DriverConnection;
  readonly #session: Session;
  readonly #waiting = new LinkedList<Statement>();
  readonly #readings = new Set<StreamedStatement>();
  #busy = false;
  #pumping = false;
  #onProbed: (() => void)[] = [];
  #closed: HandbackError | null = null;

  constructor(connection: DriverConnection, session: Session) {
    this.#connection = connection;
    this.#session = session;
  }

  add(statement: TrackedStatement): void {
    const shape = readSql(statement.text);
    statement.controls = !shape.plain || shape.needsSession;
    this.size++;
    if (statement.controls) this.controls++;
    this.#waiting.push(statement);
    this.#pump();
  }

  /** A statement has been settled, by the server or by a refusal. */
  ended(statement: TrackedStatement, error: DriverError | null, result: unknown): void {
    this.size--;
    if (statement.controls) this.controls--;
    if (!statement.sent) return;
    if (error) this.#session.failed(statement.text, error);
    else this.#session.didRun(statement.text, result);
    if (statement instanceof StreamedStatement) this.#readings.delete(statement);
    this.#busy = false;
    this.#pump();
  }

  /** What has not been sent yet never will be. */
  close(reason: HandbackError): void {
    this.#closed = reason;
    this.#pump();
  }

  /** Whoever reads rows gets `error`; the rest of them is read and dropped. */
  abandonReadings(error: Error): void {
    for (const reading of this.#readings) reading.abandon(error);
  }

  /** Resolves when it is known whether a transaction is open. */
  ascertain(): Promise<void> {
    if (!this.#session.unsure) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onProbed.push(resolve);
      this.#pump();
    });
  }

  #pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    while (!this.#busy) {
      if (this.#mustProbe()) {
        this.#probe();
        continue;
      }
      this.#tellProbed();
      const statement = this.#waiting.first as TrackedStatement | null;
      if (!statement) break;
      this.#waiting.remove(statement);
      const refusal = this.#refusal(statement);
      if (refusal) statement.settle(refusal);
      else this.#send(statement);
    }
    this.#pumping = false;
  }

  #mustProbe(): boolean {
    if (!this.#session.unsure || !this.#connection.isUsable() || this.#closed) return false;
    const next = this.#waiting.first as TrackedStatement | null;
    return this.#onProbed.length > 0 || (next !== null && !isRollback(next.text));
  }

  /** An error packet does not say whether the transaction is still open: an OK packet does. */
  #probe(): void {
    this.#busy = true;
    const done = (error: Error | null, result?: unknown) => {
      this.#session.probed(error, result);
      this.#busy = false;
      this.#pump();
    };
    this.#connection.run({
      prepared: false,
      sql: 'DO 0',
      values: undefined,
      settle: done,
      previous: null,
      next: null,
    });
  }

  #tellProbed(): void {
    const waiting = this.#onProbed;
    if (waiting.length === 0) return;
    this.#onProbed = [];
    for (const resolve of waiting) resolve();
  }

  #refusal(statement: TrackedStatement): HandbackError | null {
    if (this.#closed) return this.#closed;
    if (!this.#connection.isUsable()) return connectionLost(this.#session.inTransaction);
    if (this.#session.abandoned && !isRollback(statement.text)) return this.notOpen();
    return statement.precondition?.() ?? null;
  }

  notOpen(cause?: unknown): HandbackError {
    return this.#session.ended === 'statement' ? endedByStatement(cause) : rolledBack(cause);
  }

  #send(statement: TrackedStatement): void {
    this.#busy = true;
    statement.sent = true;
    this.#session.willRun(statement.text, statement.carriesSql);
    if (statement instanceof StreamedStatement) {
      this.#readings.add(statement);
      statement.reading = this.#connection.stream(statement);
    } else {
      this.#connection.run(statement);
    }
  }
}

export function connectionLost(inTransaction: boolean): HandbackError {
  const outcome = inTransaction ? ' Its open transaction was rolled back by the server.' : '';
  return new HandbackError(
    'CONNECTION_LOST',
    `The connection was lost; the statement was not sent.${outcome}`,
  );
}
