import type { RawConnection } from './driver.js';
import type { Entry, Holder, Holding } from './entry.js';
import type { HandbackError } from './errors.js';
import { LeaseDeadlines } from './lease-deadlines.js';
import type { LeaseHost, LeaseOwner } from './lease-host.js';
import type { LeaseLimits } from './lease-limits.js';
import { LeaseTransactions } from './lease-transactions.js';
import { Line } from './line.js';
import { type Dialect, Queryable } from './queryable.js';
import { connectionLost, leaseReleased } from './refusals.js';
import { StreamedStatement } from './row-stream.js';
import { type DriverError, type StatementKeeper, type TrackedStatement, wasNeverSent } from './statement.js';
import type { Work } from './transaction.js';
import type { TransactionOptions } from './transaction-options.js';

/**
 * One acquire to release. It dies on release: what is called on it later rejects `LEASE_RELEASED`, and can
 * never touch whoever holds the connection then.
 */
export class Lease extends Queryable implements StatementKeeper, Holding {
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
  readonly #deadlines: LeaseDeadlines;
  #transactions: LeaseTransactions | null = null;
  #released = false;
  #takenAway = false;

  /** @internal */
  constructor(host: LeaseHost, entry: Entry, holder: Holder, since: number, limits: LeaseLimits) {
    super();
    this.#host = host;
    this.#entry = entry;
    this.holder = holder;
    this.since = since;
    if (!entry.connection) throw new Error(`Connection ${entry.id} was handed out before it was open`);
    this.#line = new Line(entry.connection, entry.session, host.clock, entry.provenAt, {
      onSent: (statement) => this.#deadlines.sent(statement),
      onWaiting: () => this.#deadlines.expect(),
      onFailed: (of) => host.failed(entry, of),
    });
    this.#deadlines = new LeaseDeadlines(this, host, entry, this.#line, limits);
    this.#deadlines.expect();
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

  /** @internal The server is the wrong one for what comes next, and nothing would be lost elsewhere. */
  get isAbandonable(): boolean {
    return this.#entry.session.unusable !== null && this.isExchangeable;
  }

  /** @internal It has run as many statements, or lived as long, as it may. */
  isWorn(maxUses: number, now: number): boolean {
    const { session, expiresAt } = this.#entry;
    return (maxUses > 0 && session.uses >= maxUses) || now >= expiresAt;
  }

  submit(statement: TrackedStatement): void {
    const refusal = this.#released ? leaseReleased(this.#takenAway) : this.#transactions?.refusal(statement);
    if (refusal) return statement.settle(refusal);
    statement.keeper = this;
    this.#line.add(statement);
  }

  /** @internal Why a transaction that should be open is not. */
  notOpen(): HandbackError {
    return this.transactions.notOpen();
  }

  /** @internal What it does for transactions; most leases run none. */
  get transactions(): LeaseTransactions {
    this.#transactions ??= new LeaseTransactions(this, this.#host, this.#entry, this.#line);
    return this.#transactions;
  }

  /** @internal */
  ended(statement: TrackedStatement, error: DriverError | null, result: unknown): void {
    // Of one that was given up it was noted then, as its caller has seen it.
    if (statement.sent && !statement.givenUp) this.note(statement, error, result);
    this.#line.ended(statement, error, result);
    if (this.#released) {
      if (this.#line.size === 0) this.#host.drained(this.#entry, this);
    } else {
      this.#quieter();
    }
  }

  /** Something less is under way. */
  #quieter(): void {
    this.onStatementEnded?.();
    this.#deadlines.quieter();
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

  /** @internal Into the log of its holder, if that keeps one. */
  note(statement: TrackedStatement, error: Error | null, result?: unknown): void {
    const { log } = this.holder;
    if (!log) return;
    const rowsRead = statement instanceof StreamedStatement ? statement.rows : undefined;
    log.add(statement.text, this.#host.clock.now() - this.#line.runningSince, error, result, rowsRead);
  }

  /** @internal */
  get dueAt(): number {
    return this.#released ? Number.POSITIVE_INFINITY : this.#deadlines.dueAt;
  }

  /** @internal */
  get isStalled(): boolean {
    return !this.#released && this.#deadlines.isStalled;
  }

  /** @internal */
  due(now: number): void {
    if (!this.#released) this.#deadlines.due(now);
  }

  /** @internal From here on its owner is told when it is unused. */
  ownedBy(owner: LeaseOwner): void {
    this.#deadlines.ownedBy(owner);
  }

  /** @internal Why it has not come back; undefined = nobody but its holder knows. */
  get whyHeld(): string | undefined {
    return this.#deadlines.whyHeld;
  }

  /** @internal It was reported as a leak. */
  get reported(): boolean {
    return this.#deadlines.reported;
  }

  /** @internal Its holder had it for too long: it is over for them, and the connection is closed. */
  takeAway(): void {
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
    else if (!this.#released) this.#quieter();
  }

  /** @internal How long what is in flight may go on when its holder gives it `ms`. */
  drainWithin(ms: number): number {
    return this.#deadlines.drainWithin(ms);
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

  /** START TRANSACTION. @throws {HandbackError} TRANSACTION_NESTED when one is open: it would be committed. */
  beginTransaction(): Promise<void> {
    return this.transactions.begin();
  }

  /** COMMIT. @throws {HandbackError} OUTCOME_UNKNOWN when the connection was lost before the answer. */
  commit(): Promise<void> {
    return this.transactions.commit();
  }

  rollback(): Promise<void> {
    return this.transactions.rollback();
  }

  /** BEGIN, `fn`, COMMIT; ROLLBACK when `fn` throws. Waits for another `transaction(fn)` of this lease to end. */
  transaction<T>(fn: Work<T>, options: TransactionOptions = {}): Promise<T> {
    return this.transactions.inTurn(fn, options);
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
    this.#transactions?.lookAgain();
    this.#host.takeBack(this.#entry, this, drainTimeoutMs);
  }

  /** @internal Its pool closes: what has yet to begin on it does not begin. */
  poolCloses(): void {
    this.#transactions?.lookAgain();
  }

  [Symbol.dispose](): void {
    this.release();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.release();
  }
}
