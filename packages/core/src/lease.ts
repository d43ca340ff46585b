import { sendCommit } from './commit.js';
import type { RawConnection } from './driver.js';
import type { Entry, Holder, Holding } from './entry.js';
import type { HandbackError } from './errors.js';
import type { LeaseHost } from './lease-host.js';
import { LeaseClock, type LeaseLimits } from './lease-limits.js';
import { Line } from './line.js';
import { type Dialect, Queryable } from './queryable.js';
import {
  commitUnanswered,
  connectionLost,
  leaseReleased,
  nested,
  queryTimedOut,
  rolledBack,
} from './refusals.js';
import { StreamedStatement } from './row-stream.js';
import {
  Call,
  type DriverError,
  type StatementKeeper,
  type TrackedStatement,
  wasNeverSent,
} from './statement.js';
import {
  checkTransaction,
  runTransaction,
  type TransactionHost,
  type TransactionOptions,
  undoBegin,
  type Work,
} from './transaction.js';
import { Turn } from './turn.js';

/**
 * One acquire to release. It dies on release: what is called on it later rejects `LEASE_RELEASED`, and can
 * never touch whoever holds the connection then.
 */
export class Lease extends Queryable implements StatementKeeper, Holding, TransactionHost {
  readonly holder: Holder;
  readonly since: number;
  killed = false;
  /** @internal Told whenever a statement has ended, while the lease is held. */
  onStatementEnded: (() => void) | null = null;
  /** @internal Takes statements that could not be sent here and may run elsewhere. */
  onUnsent: ((statement: TrackedStatement) => void) | null = null;
  readonly #host: LeaseHost;
  readonly #entry: Entry;
  readonly #line: Line;
  readonly #limits: LeaseClock;
  #released = false;
  #takenAway = false;
  #beginning = false;
  #turn: Turn | null = null;

  /** @internal */
  constructor(host: LeaseHost, entry: Entry, holder: Holder, since: number, limits: LeaseLimits) {
    super();
    this.#host = host;
    this.#entry = entry;
    this.holder = holder;
    this.since = since;
    if (!entry.connection) throw new Error(`Connection ${entry.id} was handed out before it was open`);
    this.#line = new Line(entry.connection, entry.session, host.clock, entry.provenAt, {
      onSent: (statement) => this.#sent(statement),
      onErrand: () => host.expectDue(this.#limits.statementDueAt),
      onFailed: (of) => host.failed(entry, of),
    });
    this.#limits = new LeaseClock(limits, this.#line, since);
    host.expectDue(this.dueAt);
  }

  /** @internal */
  get dialect(): Dialect {
    return this.#host.dialect;
  }

  get released(): boolean {
    return this.#released;
  }

  /** The server's id of the session (`CONNECTION_ID()`). */
  get threadId(): number | undefined {
    return this.#entry.threadId;
  }

  /** Whether a transaction is open, as far as the server has told. */
  get inTransaction(): boolean {
    return !this.#released && this.#entry.session.inTransaction;
  }

  /** @internal */
  get nextTransactionSet(): boolean {
    return this.#entry.session.nextTransactionSet;
  }

  /** @internal What is known of the session; for the scope that holds this lease. */
  get session(): Entry['session'] {
    return this.#entry.session;
  }

  /** @internal Whether the connection can still be spoken to. */
  get usable(): boolean {
    return !this.#released && this.#entry.connection?.isUsable() === true;
  }

  /** Statements sent, or waiting to be, and not yet answered. */
  get inFlight(): number {
    return this.#line.size;
  }

  /** @internal A transaction is open, or may be: an error left it open, or something that may begin one is under way. */
  get mayBeInTransaction(): boolean {
    return this.mayHaveBegun || this.#line.controls > 0;
  }

  /** @internal The same, of what was sent: on a lost connection the rest begins nothing. */
  get mayHaveBegun(): boolean {
    const { inTransaction, unsure, abandoned } = this.#entry.session;
    return inTransaction || unsure || abandoned || this.#line.running?.controls === true;
  }

  /** @internal Statements sent on it so far. */
  get statements(): number {
    return this.#line.statements;
  }

  /** @internal When the server last answered here. */
  get provenAt(): number {
    return this.#line.provenAt;
  }

  /** @internal A statement of it has generated an insert id, for which its owner may still ask. */
  get hasUnreadInsertId(): boolean {
    return this.#entry.session.leftovers.unread;
  }

  /** @internal Nothing runs, and nothing would be lost if another connection took its place. */
  get isExchangeable(): boolean {
    return this.usable && this.#line.size === 0 && this.#entry.session.hasNothingToLose;
  }

  /** @internal It has run as many statements, or lived as long, as it may. */
  isWorn(maxUses: number, now: number): boolean {
    const { session, expiresAt } = this.#entry;
    return (maxUses > 0 && session.uses >= maxUses) || now >= expiresAt;
  }

  submit(statement: TrackedStatement): void {
    if (this.#released) return statement.settle(leaseReleased(this.#takenAway));
    statement.keeper = this;
    this.#line.add(statement);
  }

  submitInside(statement: TrackedStatement): void {
    statement.bound = true;
    this.submit(statement);
  }

  ascertain(): Promise<void> {
    // The session may be somebody else's by now: nothing is asked on it, and nothing read from it.
    return this.#released ? Promise.resolve() : this.#line.ascertain();
  }

  notOpen(cause?: unknown): HandbackError {
    if (this.#released) return rolledBack(cause);
    return this.#entry.session.commitUnanswered ? commitUnanswered(cause) : this.#line.notOpen(cause);
  }

  /** @internal */
  ended(statement: TrackedStatement, error: DriverError | null, result: unknown): void {
    // Of one that was given up it was noted then, as its caller has seen it.
    if (statement.sent && !statement.givenUp) this.#note(statement, error, result);
    this.#line.ended(statement, error, result);
    if (this.#released) {
      if (this.#line.size === 0) this.#host.drained(this.#entry, this);
    } else {
      this.onStatementEnded?.();
    }
  }

  /** @internal */
  resends(statement: TrackedStatement, error: DriverError): boolean {
    const { onUnsent } = this;
    if (!onUnsent || statement.bound || statement.resent || !wasNeverSent(error)) return false;
    // A listener of its own may have thrown what looks like an error of the socket.
    if (statement instanceof StreamedStatement && statement.rows > 0) return false;
    if (!this.#line.surrender(statement)) return false;
    const { sent } = statement;
    statement.resent = true;
    statement.sent = false;
    statement.keeper = null;
    statement.onGivenUp = null;
    this.#host.resent();
    onUnsent(statement);
    if (sent) this.#line.proceed();
    return true;
  }

  #note(statement: TrackedStatement, error: Error | null, result?: unknown): void {
    const { log } = this.holder;
    if (!log) return;
    const rowsRead = statement instanceof StreamedStatement ? statement.rows : undefined;
    log.add(statement.text, this.#host.clock.now() - this.#line.runningSince, error, result, rowsRead);
  }

  #sent(statement: TrackedStatement): void {
    statement.onGivenUp = () => {
      if (this.#line.running !== statement) return;
      this.#note(statement, abortError(statement.signal));
      this.#host.cancel(this.#entry, this, statement, 'signal');
    };
    if (statement instanceof StreamedStatement) {
      statement.onAbandoned = () => {
        statement.abandonedAt = this.#host.clock.now();
        this.#host.expectDue(this.#limits.statementDueAt);
      };
    }
    this.#host.expectDue(this.#limits.statementDueAt);
  }

  /** @internal */
  get dueAt(): number {
    return this.#released ? Number.POSITIVE_INFINITY : this.#limits.dueAt;
  }

  /** @internal */
  due(now: number): void {
    if (this.#released) return;
    if (this.#limits.isReportDue(now)) {
      this.#limits.reported = true;
      this.#host.leaked(this.#entry, this);
    }
    if (this.#limits.isOver(now)) return this.#takeAway();
    if (now < this.#limits.statementDueAt) return;
    const { running } = this.#line;
    if (running) this.#timeOut(running);
    else this.#host.silent(this.#entry);
  }

  #timeOut(statement: TrackedStatement): void {
    statement.onGivenUp = null;
    const error = queryTimedOut(this.#limits.limitOf(statement));
    this.#note(statement, error);
    this.#host.cancel(this.#entry, this, statement, 'timeout');
    statement.giveUp(error);
  }

  /** @internal It was reported as a leak. */
  get reported(): boolean {
    return this.#limits.reported;
  }

  /** Its holder had it for too long: it is over for them, and the connection is closed. */
  #takeAway(): void {
    this.#entry.heldTooLong = true;
    this.#takenAway = true;
    this.end(0);
  }

  /** @internal A KILL is under way: nothing is sent until it is acknowledged. */
  hold(): void {
    this.#line.hold();
  }

  /** @internal */
  unhold(): void {
    this.#line.unhold();
    if (this.#released && this.#line.size === 0) this.#host.drained(this.#entry, this);
    else if (!this.#released) this.onStatementEnded?.();
  }

  /** @internal Whether the server still works on this statement. */
  isRunning(statement: TrackedStatement): boolean {
    return this.#line.running === statement;
  }

  /** @internal What has not been sent never will be: the running statement is about to be killed. */
  refuseWaiting(): void {
    this.#line.close(leaseReleased(this.#takenAway));
  }

  /** @internal The connection is taken away: whoever reads rows gets `error`. */
  abandonReadings(error: Error): void {
    this.#line.abandonReadings(error);
  }

  /** @internal A BEGIN is under way. */
  get isBeginning(): boolean {
    return this.#beginning;
  }

  /** START TRANSACTION. @throws {HandbackError} TRANSACTION_NESTED when one is open: it would be committed. */
  async beginTransaction(): Promise<void> {
    if (this.#beginning || this.inTransaction) throw nested();
    this.#beginning = true;
    try {
      await this.#control('START TRANSACTION');
    } catch (error) {
      undoBegin(error, () => this.rollback());
      throw error;
    } finally {
      this.#beginning = false;
    }
  }

  /** COMMIT. @throws {HandbackError} OUTCOME_UNKNOWN when the connection was lost before the answer. */
  async commit(): Promise<void> {
    await sendCommit((sql) => this.#control(sql));
  }

  /** ROLLBACK; of a transaction that was lost with its connection there is nothing left to undo. */
  async rollback(): Promise<void> {
    if (this.#released || this.usable) await this.#control('ROLLBACK');
    else this.#entry.session.wasRolledBack();
  }

  /** BEGIN, `fn`, COMMIT; ROLLBACK when `fn` throws. Waits for another `transaction(fn)` of this lease to end. */
  async transaction<T>(fn: Work<T>, options: TransactionOptions = {}): Promise<T> {
    checkTransaction(fn, options);
    this.#turn ??= new Turn(this.#host.clock);
    const end = await this.#turn.take(this.#host.acquireTimeoutMs);
    try {
      if (this.inTransaction) throw nested();
      return await runTransaction(this, this.dialect, fn, options);
    } finally {
      end();
    }
  }

  /** The raw mysql2 connection. What happens on it can't be known, so it is closed when the lease ends. */
  connection(): RawConnection {
    if (this.#released) throw leaseReleased(this.#takenAway);
    const { connection, session } = this.#entry;
    if (!connection?.isUsable()) throw connectionLost();
    session.exposed = true;
    return connection.expose();
  }

  /**
   * Gives the connection back. A statement that still runs is awaited up to the pool's `drainTimeoutMs`, then
   * killed; an open transaction is rolled back. A second call does nothing.
   */
  release(): void {
    this.end(undefined);
  }

  /** @internal Whoever could release it has dropped it: when nothing runs on it any more, it comes back by itself. */
  forgotten(): void {
    if (this.#released) return;
    this.#host.forgotten(this.#entry);
    this.onStatementEnded = () => {
      if (this.#line.size === 0) this.release();
    };
    this.onStatementEnded();
  }

  /** @internal `release` with another drain deadline than the pool's. */
  end(drainTimeoutMs: number | undefined): void {
    if (this.#released) return;
    this.#released = true;
    this.onStatementEnded = null;
    // On a dead connection what still waits can go to another.
    if (this.#entry.connection?.isUsable()) this.onUnsent = null;
    this.#host.takeBack(this.#entry, this, drainTimeoutMs);
  }

  [Symbol.dispose](): void {
    this.release();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.release();
  }

  #control(sql: string): Promise<unknown> {
    return this.send(new Call(false, sql, undefined));
  }
}

/** A reason may be anything; what the log shows is its name. */
function abortError(signal: AbortSignal | undefined): Error {
  const reason: unknown = signal?.reason;
  return reason instanceof Error ? reason : Object.assign(new Error('aborted'), { name: 'AbortError' });
}
