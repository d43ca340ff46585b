import { answerOf } from './answer.js';
import type { Clock } from './clock.js';
import type { DriverConnection, Statement } from './driver.js';
import { type ErrorClass, hangsUp } from './error-classes.js';
import type { HandbackError } from './errors.js';
import { LinkedList } from './linked-list.js';
import {
  connectionLost,
  endedByStatement,
  nested,
  notWanted,
  rolledBack,
  rolledBackWith,
} from './refusals.js';
import { StreamedStatement } from './row-stream.js';
import { isRollback, type Session } from './session.js';
import type { DriverError, TrackedStatement } from './statement.js';

/** After this long without a sign of life the end of the socket may lie unread, should the process have been busy. */
const QUIET_MS = 50;

const NOBODY: (() => void)[] = [];

export interface LineHooks {
  onSent(statement: TrackedStatement): void;
  /** Something waits for the answer to a statement of our own, or for the end of a stream. */
  onWaiting(): void;
  onFailed(of: ErrorClass): void;
}

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
  /** Sent so far. */
  statements = 0;
  /** The one the server works on, and since when. */
  running: TrackedStatement | null = null;
  runningSince = 0;
  /** For how long statements have run, in ms, the running one left out. */
  usedMs = 0;
  /** Since when a statement of our own has been under way; null = none is. */
  errandSince: number | null = null;
  /** When the server last answered, here or to an earlier holder. */
  provenAt: number;
  readonly #connection: DriverConnection;
  readonly #session: Session;
  readonly #clock: Clock;
  readonly #hooks: LineHooks;
  readonly #waiting = new LinkedList<Statement>();
  /** Streams whose rows are being read; null = there was none. */
  #readings: Set<StreamedStatement> | null = null;
  #busy = false;
  #held = false;
  #pumping = false;
  #onProbed: (() => void)[] = NOBODY;
  #closed: HandbackError | null = null;
  /** What others left behind could not be cleared. */
  #unclear = false;
  #waitingSince = 0;
  /** The running statement could be sent on any other connection as well. */
  #replaceable = false;

  constructor(
    connection: DriverConnection,
    session: Session,
    clock: Clock,
    provenAt: number,
    hooks: LineHooks,
  ) {
    this.#connection = connection;
    this.#session = session;
    this.#clock = clock;
    this.#hooks = hooks;
    this.provenAt = provenAt;
  }

  add(statement: TrackedStatement): void {
    const { shape } = statement;
    statement.controls = !shape.plain || shape.needsSession;
    this.size++;
    if (statement.controls) this.controls++;
    // Read once for all that follows at once: it costs more than the rest.
    const now = this.#clock.now();
    if (!this.next) this.#waitingSince = now;
    this.#waiting.push(statement);
    this.#pump(now);
    if (this.errandSince !== null || this.running instanceof StreamedStatement) this.#hooks.onWaiting();
  }

  /** Since when somebody has been waiting for the running statement to end; null = nobody is. */
  get waitingSince(): number | null {
    return this.running && this.next ? this.#waitingSince : null;
  }

  /** Somebody who waits is the end of what the running stream belongs to. */
  get streamIsOutranked(): boolean {
    return [...(this.#waiting as Iterable<TrackedStatement>)].some((each) => each.outranksStreams);
  }

  /** Those who wait get `error`; what comes later waits again. */
  refuseWaiting(error: HandbackError): void {
    for (const statement of this.#waiting as Iterable<TrackedStatement>) {
      this.#waiting.remove(statement);
      statement.settle(error);
    }
  }

  /** Whose turn is next. */
  get next(): TrackedStatement | null {
    return this.#waiting.first as TrackedStatement | null;
  }

  /** A statement has been settled, by the server or by a refusal. */
  ended(statement: TrackedStatement, error: DriverError | null, result: unknown): void {
    this.#leave(statement);
    if (!statement.sent) return;
    const now = this.#clock.now();
    this.provenAt = now;
    this.usedMs += now - this.runningSince;
    if (error) this.#failed(statement, error);
    else this.#session.didRun(statement, answerOf(result, this.#connection.status));
    if (statement instanceof StreamedStatement) this.#readings?.delete(statement);
    this.#idle(now);
  }

  #failed(statement: TrackedStatement, error: DriverError): void {
    this.#hooks.onFailed(this.#session.failed(statement, error));
    if (hangsUp(error)) this.#connection.destroy(error);
  }

  #leave(statement: TrackedStatement): void {
    this.size--;
    if (statement.controls) this.controls--;
  }

  #idle(now?: number): void {
    this.#busy = false;
    this.running = null;
    this.#pump(now);
  }

  /**
   * Lets go of a statement that the server has certainly not got.
   *
   * @returns false if it could mean something else on another connection
   */
  surrender(statement: TrackedStatement): boolean {
    const { needsSession, begins } = statement.shape;
    const before = this.statements - (statement.sent ? 1 : 0);
    const movable = statement.sent ? this.#replaceable : this.#session.hasNothingToLose;
    if (!movable || statement.precondition || (needsSession && !begins && before > 0)) return false;
    this.#leave(statement);
    if (statement.sent) this.statements--;
    return true;
  }

  /** After a surrender, when the statement has found its place elsewhere: those behind it keep their order. */
  proceed(): void {
    this.#idle();
  }

  /** What has not been sent yet never will be. */
  close(reason: HandbackError): void {
    this.#closed = reason;
    this.#pump();
  }

  /** A KILL is under way: nothing is sent until it has been acknowledged, lest it hit something else. */
  hold(): void {
    this.#held = true;
    this.size++;
  }

  unhold(): void {
    if (!this.#held) return;
    this.#held = false;
    this.size--;
    this.#pump();
  }

  /** Whoever reads rows gets `error`; the rest of them is read and dropped. */
  abandonReadings(error: Error): void {
    for (const reading of this.#readings ?? []) reading.abandon(error);
  }

  /** Resolves when it is known whether a transaction is open. */
  ascertain(): Promise<void> {
    if (!this.#session.unsure) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onProbed = [...this.#onProbed, resolve];
      this.#pump();
    });
  }

  /** Sends what may be sent. */
  #pump(now = this.#clock.now()): void {
    if (this.#pumping) return;
    this.#pumping = true;
    while (!this.#busy && !(this.#held && this.#connection.isUsable())) {
      if (this.#mustProbe()) {
        this.#probe();
        continue;
      }
      this.#tellProbed();
      const statement = this.next;
      if (!statement) break;
      if (this.#mustWait(statement, now)) continue;
      this.#waiting.remove(statement);
      const refusal = this.#refusal(statement);
      if (refusal) statement.settle(refusal);
      else this.#send(statement, now);
    }
    this.#pumping = false;
  }

  /** Whether something has to be done before this one can be sent; it has been begun. */
  #mustWait(statement: TrackedStatement, now: number): boolean {
    if (statement.givenUp || this.#closed || !this.#connection.isUsable()) return false;
    if (now - this.provenAt >= QUIET_MS) {
      this.#look();
      return true;
    }
    const clearing = this.#session.clearBefore(statement);
    if (clearing === null) return false;
    this.#clear(clearing);
    return true;
  }

  /** One turn of the event loop reads the end of a socket, the next tells of it. */
  #look(): void {
    this.#busy = true;
    this.#clock.soon(() =>
      this.#clock.soon(() => {
        this.provenAt = this.#clock.now();
        this.#idle();
      }),
    );
  }

  /** What other leases' statements left behind is not for this one to see. */
  #clear(clearing: string): void {
    this.#errand(clearing, (error) => {
      if (error) {
        this.#unclear = true;
        this.#session.unusable ??= 'what earlier statements left behind could not be cleared';
      }
      this.#session.leftovers.cleared(clearing);
    });
  }

  #mustProbe(): boolean {
    if (!this.#session.unsure || !this.#connection.isUsable() || this.#closed) return false;
    const { next } = this;
    return this.#onProbed.length > 0 || (next !== null && !isRollback(next.text));
  }

  /** An error packet does not say whether the transaction is still open: an OK packet does. */
  #probe(): void {
    this.#errand('DO 0', (error, result) =>
      this.#session.probed(error, answerOf(result, this.#connection.status)),
    );
  }

  /** A statement of our own. */
  #errand(sql: string, done: (error: Error | null, result: unknown) => void): void {
    this.#busy = true;
    this.errandSince = this.#clock.now();
    this.#connection.status?.forget();
    const settle = (error: Error | null, result?: unknown) => {
      this.errandSince = null;
      done(error, result);
      this.#idle();
    };
    this.#hooks.onWaiting();
    this.#connection.run({ prepared: false, sql, values: undefined, settle, previous: null, next: null });
  }

  #tellProbed(): void {
    const waiting = this.#onProbed;
    if (waiting.length === 0) return;
    this.#onProbed = NOBODY;
    for (const resolve of waiting) resolve();
  }

  #refusal(statement: TrackedStatement): HandbackError | null {
    if (this.#closed) return this.#closed;
    if (statement.givenUp) return notWanted();
    if (!this.#connection.isUsable() || this.#unclear) return this.#lost();
    if (this.#session.abandoned && !isRollback(statement.text)) return this.notOpen();
    if (statement.shape.begins && this.#session.beginWouldCommit) return nested();
    return statement.precondition?.() ?? null;
  }

  #lost(): HandbackError {
    if (this.#session.inTransaction) return rolledBackWith('because its connection was lost');
    return connectionLost();
  }

  notOpen(cause: unknown = this.#session.endedBy): HandbackError {
    return this.#session.ended === 'statement' ? endedByStatement(cause) : rolledBack(cause);
  }

  #send(statement: TrackedStatement, now: number): void {
    this.#busy = true;
    statement.sent = true;
    this.running = statement;
    this.runningSince = now;
    this.statements++;
    this.#replaceable = this.#session.hasNothingToLose;
    const formatted = this.#connection.formatsItself && !statement.prepared;
    this.#session.willRun(statement, statement.carriesSql || formatted);
    if (this.#connection.status === null)
      this.#session.changes.stain('the driver does not show the status of the session');
    this.#connection.status?.forget();
    this.#hooks.onSent(statement);
    if (statement instanceof StreamedStatement) {
      this.#readings ??= new Set();
      this.#readings.add(statement);
      statement.reading = this.#connection.stream(statement);
    } else {
      this.#connection.run(statement);
    }
  }
}
