import { acquire, CallbackAcquirer, OneShot } from './acquirers.js';
import type { Timer } from './clock.js';
import type { RawConnection } from './driver.js';
import type { Holder } from './entry.js';
import { HandbackError } from './errors.js';
import { LateRules } from './late-rules.js';
import { type Lease, nested } from './lease.js';
import type { ScopeSettings } from './options.js';
import type { Pool } from './pool.js';
import { type Dialect, Queryable } from './queryable.js';
import { Call, type TrackedStatement } from './statement.js';
import {
  checkTransaction,
  runTransaction,
  sendCommit,
  type TransactionOptions,
  type Work,
} from './transaction.js';
import { Turn } from './turn.js';

/** How a request came to its end: the handler answered it, or the client left before that. */
export type EndCause = 'answered' | 'gone';

/** What a scope is told about the request (or job) that it serves. */
export interface ScopeContext extends Holder {
  readonly pool: Pool;
  readonly settings: ScopeSettings;
  readonly optedOut: boolean;
  /** Called before the first query: watches for the end. Returns how it has ended already, if it has. */
  watch(scope: Scope): EndCause | null;
  /** The end has been seen and decided. */
  unwatch(scope: Scope): void;
}

export type ScopeState = 'unused' | 'waiting' | 'leased' | 'released' | 'ended';

/** Wants the scope's lease: a statement, or a caller that does more with it. */
interface Claim {
  granted(lease: Lease): void;
  refused(error: HandbackError): void;
}

/**
 * One request's (or job's) view of the pool: no connection until the first query, the same one for all that
 * follow, ended exactly once.
 */
export class Scope extends Queryable {
  readonly #context: ScopeContext;
  #lease: Lease | null = null;
  #acquirer: CallbackAcquirer | null = null;
  #claims: Claim[] = [];
  #used = false;
  /** A connection was asked for: `commit()` and its like are no longer no-ops. */
  #hadConnection = false;
  /** A connection was given: the handler has begun its work. */
  #ran = false;
  #releaseWhenGranted = false;
  #endSeen = false;
  #ended = false;
  #answered = false;
  /** `transaction(fn)` calls that have not settled. */
  #functions = 0;
  /** Why statements are refused until `rollback()` (an open transaction was lost) or `release()` (session state was). */
  #broken: HandbackError | null = null;
  #turn: Turn | null = null;
  #drainTimer: Timer | null = null;
  readonly #late = new LateRules();

  constructor(context: ScopeContext) {
    super();
    this.#context = context;
  }

  protected get dialect(): Dialect {
    return this.#context.pool.dialect;
  }

  get state(): ScopeState {
    if (this.#lease) return 'leased';
    if (this.#ended) return 'ended';
    if (this.#acquirer) return 'waiting';
    return this.#hadConnection ? 'released' : 'unused';
  }

  protected submit(statement: TrackedStatement): void {
    const refusal = this.#enter();
    if (refusal) statement.settle(refusal);
    else if (this.#isLate) this.#submitLate(statement);
    else if (this.#lease) this.#lease.submit(statement);
    else
      this.#claim({
        granted: (lease) => lease.submit(statement),
        refused: (error) => statement.settle(error),
      });
  }

  /** START TRANSACTION. @throws {HandbackError} TRANSACTION_NESTED when one is open: it would be committed. */
  async beginTransaction(): Promise<void> {
    this.#enterOrThrow();
    if (this.#functions > 0 || this.#lease?.inTransaction) throw nested();
    await this.#control('START TRANSACTION');
  }

  /** COMMIT; nothing to do while the scope never had a connection. @throws {HandbackError} OUTCOME_UNKNOWN */
  async commit(): Promise<void> {
    if (!this.#hadConnection && !this.#context.optedOut) return;
    this.#enterOrThrow();
    if (this.#functions > 0) throw nested();
    await sendCommit((sql) => this.#control(sql));
  }

  /** ROLLBACK; after `TRANSACTION_ROLLED_BACK` it says that the caller knows, and statements are accepted again. */
  async rollback(): Promise<void> {
    if (this.#broken?.code === 'TRANSACTION_ROLLED_BACK') {
      this.#broken = null;
      return;
    }
    if (!this.#hadConnection && !this.#context.optedOut) return;
    const refusal = this.#enter();
    if (refusal) throw refusal;
    if (this.#functions > 0) throw nested();
    // Without a connection nothing is open: what was has been rolled back when it was given back.
    if (this.#lease || this.#acquirer) await this.#control('ROLLBACK');
  }

  /**
   * BEGIN, `fn`, COMMIT; ROLLBACK when `fn` throws. Inside, use the `tx` that `fn` is given. A second call waits
   * for the first to end, at most `acquireTimeoutMs`.
   *
   * @throws {HandbackError} TRANSACTION_NESTED, TRANSACTION_ROLLED_BACK, OUTCOME_UNKNOWN; what `fn` throws
   */
  async transaction<T>(fn: Work<T>, options: TransactionOptions = {}): Promise<T> {
    checkTransaction(fn, options);
    const refusal = this.#enter();
    if (refusal) throw refusal;
    if (this.#isLate) return this.#lateTransaction(fn, options);
    this.#functions++;
    try {
      return await this.#transactionInTurn(fn, options);
    } finally {
      this.#functions--;
      this.#settle();
    }
  }

  async #transactionInTurn<T>(fn: Work<T>, options: TransactionOptions): Promise<T> {
    this.#turn ??= new Turn(this.#context.pool.clock);
    const endTurn = await this.#turn.take(this.#context.settings.acquireTimeoutMs);
    try {
      const lease = await this.#held();
      if (lease.inTransaction) throw nested();
      return await runTransaction(lease, this.dialect, fn, options);
    } finally {
      endTurn();
    }
  }

  /**
   * The raw mysql2 connection, for what Handback doesn't cover. What happens on it can't be known, so it is
   * closed when the request ends.
   */
  async connection(): Promise<RawConnection> {
    this.#enterOrThrow();
    return (await this.#held()).connection();
  }

  /** Hands the connection back early; the next query acquires again. An open transaction is rolled back. */
  async release(): Promise<void> {
    if (this.#broken?.code === 'CONNECTION_LOST') this.#broken = null;
    if (this.#lease) this.#handBack(this.#context.settings.drainTimeoutMs);
    else if (this.#acquirer) this.#releaseWhenGranted = true;
  }

  /** @internal The end was seen; it is decided a moment later, so that a `commit()` on the next line still counts. */
  ending(cause: EndCause): void {
    if (cause === 'answered') this.#answered = true;
    if (this.#endSeen) {
      this.#settle();
      return;
    }
    this.#endSeen = true;
    if (cause === 'gone') this.#clientLeft();
    this.#context.pool.clock.soon(() => this.end(cause));
  }

  /** @internal From here on work is late; what is in flight is awaited up to `drainTimeoutMs`. */
  end(cause: EndCause): void {
    if (this.#ended) return;
    if (cause === 'answered') this.#answered = true;
    this.#endSeen = true;
    this.#ended = true;
    this.#context.unwatch(this);
    if (this.#lease) this.#startDraining();
    this.#settle();
  }

  #clientLeft(): void {
    const { settings, pool } = this.#context;
    const cancel = settings.afterResponse !== 'allow';
    if (this.#acquirer && (!this.#ran || cancel) && pool.withdraw(this.#acquirer)) {
      this.#refuseClaims(
        new HandbackError('CLIENT_GONE', 'The client left before a connection was free; nothing was sent.'),
      );
    }
    if (settings.afterResponse !== 'cancel') return;
    this.end('gone');
    this.#handBack(0);
  }

  /** Why nothing may be sent now; begins to watch the request when this is its first query. */
  #enter(): HandbackError | null {
    const { optedOut, route } = this.#context;
    if (optedOut) {
      return new HandbackError(
        'ROUTE_OPTED_OUT',
        `${route} is opted out of Handback; use the pool itself, or opt it in.`,
      );
    }
    if (!this.#used) this.#begin();
    if (this.#lease && !this.#lease.usable) this.#dropLost(this.#lease);
    return this.#broken;
  }

  /** For what makes sense only while the request lives. */
  #enterOrThrow(): void {
    const refusal = this.#enter();
    if (refusal) throw refusal;
    if (this.#isLate) throw this.#late.ended('This needs the connection of its request');
  }

  #begin(): void {
    this.#used = true;
    const over = this.#context.watch(this);
    if (over) this.end(over);
  }

  /**
   * Ended, and nothing keeps the connection that the statement could be meant for: no transaction, and nothing
   * under way that may begin one.
   */
  get #isLate(): boolean {
    if (!this.#ended || this.#acquirer) return false;
    const lease = this.#lease;
    return !(lease && (this.#functions > 0 || lease.inTransaction || lease.controlsInFlight > 0));
  }

  #control(sql: string): Promise<unknown> {
    return this.send(new Call(false, sql, undefined));
  }

  /** The connection died under the request. Silently going on with another is right only if nothing was lost with it. */
  #dropLost(lease: Lease): void {
    const { inTransaction, altered, temporaryTables } = lease.session;
    if (inTransaction) this.#broken = rolledBack('because its connection was lost');
    else if (altered || temporaryTables.length > 0) {
      this.#broken = new HandbackError(
        'CONNECTION_LOST',
        'The connection was lost, and with it session state that this request had set; call release() to go on with a new one.',
      );
    }
    this.#lease = null;
    lease.end(0);
  }

  #held(): Promise<Lease> {
    if (this.#lease) return Promise.resolve(this.#lease);
    return new Promise((resolve, reject) => this.#claim({ granted: resolve, refused: reject }));
  }

  #claim(claim: Claim): void {
    const { pool, settings } = this.#context;
    this.#hadConnection = true;
    if (this.#acquirer) {
      this.#claims.push(claim);
      return;
    }
    const lease = pool.tryLend(this.#context);
    if (lease) {
      this.#hold(lease);
      claim.granted(lease);
      return;
    }
    this.#claims.push(claim);
    this.#acquirer = new CallbackAcquirer(this.#context, settings.acquireTimeoutMs, {
      granted: (granted) => this.#granted(granted),
      refused: (error) => this.#refuseClaims(error),
    });
    pool.lend(this.#acquirer);
  }

  #hold(lease: Lease): void {
    this.#lease = lease;
    this.#ran = true;
    lease.onStatementEnded = () => this.#statementEnded();
  }

  #granted(lease: Lease): void {
    const claims = this.#claims;
    this.#acquirer = null;
    this.#claims = [];
    this.#hold(lease);
    for (const claim of claims) claim.granted(lease);
    if (this.#ended) this.#startDraining();
    if (this.#releaseWhenGranted) {
      this.#releaseWhenGranted = false;
      this.#handBack(this.#context.settings.drainTimeoutMs);
    } else {
      this.#settle();
    }
  }

  #refuseClaims(error: Error): void {
    const claims = this.#claims;
    this.#acquirer = null;
    this.#claims = [];
    for (const claim of claims) claim.refused(error as HandbackError);
  }

  #statementEnded(): void {
    if (!this.#ended) return;
    // `await update; await commit()` after the answer: the commit comes in the next turn.
    if (this.#lease?.inTransaction) this.#context.pool.clock.soon(() => this.#settle());
    else this.#settle();
  }

  /** Hands the connection back when the request has ended and nothing is in flight. */
  #settle(): void {
    const lease = this.#lease;
    if (!this.#ended || !lease || this.#functions > 0 || lease.inFlight > 0) return;
    if (!this.#answered && lease.inTransaction) return;
    this.#handBack(this.#context.settings.drainTimeoutMs);
  }

  #startDraining(): void {
    const { pool, settings } = this.#context;
    this.#drainTimer ??= pool.clock.after(settings.drainTimeoutMs, () => {
      if (this.#lease) this.#handBack(0);
    });
  }

  #handBack(drainTimeoutMs: number): void {
    const lease = this.#lease;
    if (!lease) return;
    this.#lease = null;
    this.#drainTimer?.cancel();
    this.#drainTimer = null;
    this.#late.remember(lease.session);
    if (lease.inTransaction)
      this.#broken = rolledBack('because it was still open when its request had ended');
    lease.end(drainTimeoutMs);
  }

  #submitLate(statement: TrackedStatement): void {
    const { settings, pool } = this.#context;
    const refusal = this.#late.refusal(statement.text, settings.afterResponse);
    if (refusal) return statement.settle(refusal);
    this.#countLate(statement.text);
    pool.lend(new OneShot(statement, this.#context, settings.acquireTimeoutMs));
  }

  async #lateTransaction<T>(fn: Work<T>, options: TransactionOptions): Promise<T> {
    const { settings, pool } = this.#context;
    if (settings.afterResponse !== 'allow') throw this.#late.ended('Late work is not allowed here');
    this.#countLate(undefined);
    const lease = await acquire(pool, this.#context, { timeoutMs: settings.acquireTimeoutMs });
    try {
      return await lease.transaction(fn, options);
    } finally {
      lease.release();
    }
  }

  #countLate(sql: string | undefined): void {
    const { counters, events } = this.#context.pool;
    counters.late++;
    if (events.heard('late'))
      events.tell('late', { route: this.#context.route, statement: this.#late.shown(sql) });
  }
}

function rolledBack(why: string): HandbackError {
  return new HandbackError(
    'TRANSACTION_ROLLED_BACK',
    `The transaction was rolled back ${why}. Nothing more is sent until rollback() is called.`,
  );
}
