import { isTraced } from './channels.js';
import type { RawConnection } from './driver.js';
import type { Entry, Holder } from './entry.js';
import type { ErrorClass } from './error-classes.js';
import { LeaseDeadlines } from './lease-deadlines.js';
import type { LeaseHost, LeaseOwner } from './lease-host.js';
import { type LeaseLimits, NO_LIMITS } from './lease-limits.js';
import { LeaseTransactions } from './lease-transactions.js';
import { Line, type LineHooks } from './line.js';
import { connectionLost, leaseReleased } from './refusals.js';
import { StreamedStatement } from './row-stream.js';
import { type DriverError, type StatementKeeper, type TrackedStatement, wasNeverSent } from './statement.js';
import { tracedFrom } from './statement-trace.js';

const NOBODY: Holder = { route: '(none)' };

/**
 * One acquire to release, in full: what is sent on it, and what becomes of that. It dies on release: what is called on it
 * later rejects `LEASE_RELEASED`, and can never touch whoever holds the connection then.
 */
export class Lease implements StatementKeeper, LineHooks {
  readonly holder: Holder;
  readonly since: number;
  killed = false;
  /** Told whenever a statement has ended, while the lease is held. */
  onStatementEnded: (() => void) | null = null;
  /** Takes statements that could not be sent here and may run elsewhere. */
  onUnsent: ((statement: TrackedStatement) => void) | null = null;
  readonly #host: LeaseHost;
  readonly #entry: Entry;
  readonly #line: Line;
  /** What falls due on it, and when. */
  readonly deadlines: LeaseDeadlines;
  #transactions: LeaseTransactions | null = null;
  #released = false;
  #takenAway = false;

  constructor(host: LeaseHost, entry: Entry, holder: Holder, limits: LeaseLimits) {
    this.#host = host;
    this.#entry = entry;
    this.holder = holder;
    this.since = entry.heldSince;
    if (!entry.connection) throw new Error(`Connection ${entry.id} was handed out before it was open`);
    this.#line = new Line(entry.connection, entry.session, host.clock, entry.provenAt, this);
    this.deadlines = new LeaseDeadlines(this, host, entry, this.#line, limits);
  }

  /** One that was over before it was anything: it says so. */
  static over(host: LeaseHost, entry: Entry): Lease {
    const lease = new Lease(host, entry, NOBODY, NO_LIMITS);
    lease.#released = true;
    return lease;
  }

  onSent(statement: TrackedStatement): void {
    this.deadlines.sent(statement);
  }

  onWaiting(): void {
    this.deadlines.expect();
  }

  onFailed(of: ErrorClass): void {
    this.#host.failed(this.#entry, of);
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

  /** What is known of the session; for the scope that holds this lease. */
  get session(): Entry['session'] {
    return this.#entry.session;
  }

  /** Whether the connection can still be spoken to. */
  get usable(): boolean {
    return !this.#released && this.#entry.connection?.isUsable() === true;
  }

  /** Statements sent, or waiting to be, and not yet answered. */
  get inFlight(): number {
    return this.#line.size;
  }

  /** A transaction is open, or may be: an error left it open, or something that may begin one is under way. */
  get mayBeInTransaction(): boolean {
    return this.mayHaveBegun || this.#line.controls > 0;
  }

  /** The same, of what was sent: on a lost connection the rest begins nothing. */
  get mayHaveBegun(): boolean {
    const { inTransaction, unsure, abandoned } = this.#entry.session;
    return inTransaction || unsure || abandoned || this.#line.running?.controls === true;
  }

  /** Statements sent on it so far. */
  get statements(): number {
    return this.#line.statements;
  }

  /** When the server last answered here. */
  get provenAt(): number {
    return this.#line.provenAt;
  }

  /** A statement of it has generated an insert id, for which its owner may still ask. */
  get hasUnreadInsertId(): boolean {
    return this.#entry.session.leftovers.unread;
  }

  /** Nothing runs, and nothing would be lost if another connection took its place. */
  get isExchangeable(): boolean {
    return this.usable && this.#line.size === 0 && this.#entry.session.hasNothingToLose;
  }

  /** The server is the wrong one for what comes next, and nothing would be lost elsewhere. */
  get isAbandonable(): boolean {
    return this.#entry.session.unusable !== null && this.isExchangeable;
  }

  /** It has run as many statements, or lived as long, as it may. */
  isWorn(maxUses: number, now: number): boolean {
    const { session, expiresAt } = this.#entry;
    return (maxUses > 0 && session.uses >= maxUses) || now >= expiresAt;
  }

  submit(statement: TrackedStatement): void {
    const refusal = this.#released ? leaseReleased(this.#takenAway) : this.#transactions?.refusal(statement);
    if (refusal) return statement.settle(refusal);
    statement.keeper = this;
    if (this.#host.marks) this.#host.mark(statement, this.holder);
    if (statement.trace || isTraced('query')) this.#addTraced(statement);
    else this.#line.add(statement);
  }

  /** Our own that begin and end transactions come by here alone. */
  #addTraced(statement: TrackedStatement): void {
    const add = () => this.#line.add(statement);
    if (statement.trace === null) tracedFrom(this.#host.dialect, statement, add, this.#entry);
    else {
      statement.trace.on(this.#entry);
      add();
    }
  }

  /** What it does for transactions; most leases run none. */
  get transactions(): LeaseTransactions {
    this.#transactions ??= new LeaseTransactions(this, this.#host, this.#entry, this.#line);
    return this.#transactions;
  }

  ended(statement: TrackedStatement, error: DriverError | null, result: unknown): void {
    // Of one that was given up it was noted then, as its caller has seen it.
    if (statement.sent && !statement.givenUp) this.note(statement, error, result);
    this.#line.ended(statement, error, result);
    this.#transactions?.look(error);
    if (this.#released) {
      if (this.#line.size === 0) this.#host.drained(this.#entry, this);
    } else {
      this.#quieter();
    }
  }

  /** Something less is under way. */
  #quieter(): void {
    this.onStatementEnded?.();
    this.deadlines.quieter();
  }

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

  /** Into the log of its holder, if that keeps one. */
  note(statement: TrackedStatement, error: Error | null, result?: unknown): void {
    const { log } = this.holder;
    if (!log) return;
    const rowsRead = statement instanceof StreamedStatement ? statement.rows : undefined;
    log.add(statement.text, this.#host.clock.now() - this.#line.runningSince, error, result, rowsRead);
  }

  /** From here on its owner is told when it is unused. */
  ownedBy(owner: LeaseOwner): void {
    this.deadlines.ownedBy(owner);
  }

  /** Its holder had it for too long: it is over for them, and the connection is closed. */
  takeAway(): void {
    this.#entry.heldTooLong = true;
    this.#takenAway = true;
    this.end(0);
  }

  /** A KILL is under way: nothing is sent until it is acknowledged. */
  hold(): void {
    this.#line.hold();
  }

  unhold(): void {
    this.#line.unhold();
    if (this.#released && this.#line.size === 0) this.#host.drained(this.#entry, this);
    else if (!this.#released) this.#quieter();
  }

  /** Whether the server still works on this statement. */
  isRunning(statement: TrackedStatement): boolean {
    return this.#line.running === statement;
  }

  /** What has not been sent never will be: the running statement is about to be killed. */
  refuseWaiting(): void {
    this.#line.close(leaseReleased(this.#takenAway));
  }

  /** The connection is taken away: whoever reads rows gets `error`. */
  abandonReadings(error: Error): void {
    this.#line.abandonReadings(error);
  }

  /** The raw mysql2 connection. What happens on it can't be known, so it is closed when the lease ends. */
  connection(): RawConnection {
    if (this.#released) throw leaseReleased(this.#takenAway);
    const { connection, session } = this.#entry;
    if (!connection?.isUsable()) throw connectionLost();
    session.exposed = true;
    return connection.expose();
  }

  release(): void {
    this.end(undefined);
  }

  /** Whoever could release it has dropped it: when nothing runs on it any more, it comes back by itself. */
  forgotten(): void {
    if (this.#released) return;
    this.#host.forgotten(this.#entry);
    this.onStatementEnded = () => {
      if (this.#line.size === 0) this.release();
    };
    this.onStatementEnded();
  }

  /** `release` with another drain deadline than the pool's. */
  end(drainTimeoutMs: number | undefined): void {
    if (this.#released) return;
    this.#released = true;
    this.onStatementEnded = null;
    // On a dead connection what still waits can go to another.
    if (this.#entry.connection?.isUsable()) this.onUnsent = null;
    this.#transactions?.lookAgain();
    this.#transactions?.look(null);
    this.#host.takeBack(this.#entry, this, drainTimeoutMs);
  }

  /** Its pool closes: what has yet to begin on it does not begin. */
  poolCloses(): void {
    this.#transactions?.lookAgain();
  }
}
