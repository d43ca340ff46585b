import { CallbackAcquirer } from './acquirers.js';
import type { Timer } from './clock.js';
import type { Holder } from './entry.js';
import type { HandbackError } from './errors.js';
import { LateRules } from './late-rules.js';
import type { Lease } from './lease.js';
import type { ScopeSettings } from './options.js';
import { Owner } from './owner.js';
import type { Pool } from './pool.js';
import type { QueryLog } from './query-log.js';
import { clientGone, resultsLost, rolledBackWith, routeOptedOut, stateLost } from './refusals.js';
import type { RetryLimit } from './retries.js';
import type { TrackedStatement } from './statement.js';

/** How a request came to its end: the handler answered it, or the client left before that. */
export type EndCause = 'answered' | 'gone';

/** What a scope is told about the request (or job) that it serves. Read when it is needed, no earlier. */
export interface ScopeContext extends Holder {
  readonly pool: Pool;
  readonly settings: ScopeSettings;
  readonly optedOut: boolean;
  readonly log: QueryLog | null;
  /** The first byte of the answer has left, or is about to. */
  readonly answerBegun?: boolean;
  /**
   * A transaction begins that the answer decides: it must not leave before. Returns what takes back the headers that were
   * set since, for when it fails.
   */
  hold?(transaction: Decided): () => void;
  /** Called before the first query: watches for the end. Returns how it has ended already, if it has. */
  watch(life: Lifecycle): EndCause | null;
  /** The end has been seen and decided. */
  unwatch(life: Lifecycle): void;
}

/** What is decided by how the request is answered. */
export interface Decided {
  readonly isDecided: boolean;
  decide(succeeded: boolean): Promise<void>;
}

export type ScopeState = 'unused' | 'waiting' | 'leased' | 'released' | 'ended';

/** Wants the scope's lease: a statement, or a caller that does more with it. */
export interface Claim {
  granted(lease: Lease): void;
  refused(error: HandbackError): void;
}

/**
 * When a scope takes a connection and when it gives it back: never before the first query; as soon as the
 * request has ended and nothing is in flight; at the latest `drainTimeoutMs` after the end.
 */
export class Lifecycle implements RetryLimit {
  readonly context: ScopeContext;
  readonly late = new LateRules();
  lease: Lease | null = null;
  /** A connection was asked for: `commit()` and its like are no longer no-ops. */
  asked = false;
  /** `transaction(fn)` calls that have not settled. */
  functions = 0;
  onChange: (() => void) | null = null;
  /** Why statements are refused until `rollback()` (an open transaction was lost) or `release()` (session state was). */
  broken: HandbackError | null = null;
  /** The lost connection that `broken` is about. */
  #brokenBy: Lease | null = null;
  #acquirer: CallbackAcquirer | null = null;
  #claims: Claim[] = [];
  #used = false;
  #optedOut = false;
  /** A connection was lost on which statements had run, and none has run on another since. */
  #lostResults = false;
  /** A connection was given: the handler has begun its work. */
  #ran = false;
  #releaseWhenGranted = false;
  #endSeen = false;
  #ended = false;
  #answered = false;
  #drainTimer: Timer | null = null;

  constructor(context: ScopeContext) {
    this.context = context;
  }

  /** On whose behalf this scope asks; made here where nobody has said it. */
  ownedBy(): Owner {
    const { context } = this;
    context.owner ??= new Owner(
      () => context.route,
      () => this.#ended,
    );
    return context.owner;
  }

  /** The end has been seen and decided. */
  get hasEnded(): boolean {
    return this.#ended;
  }

  get state(): ScopeState {
    if (this.lease) return 'leased';
    if (this.#ended) return 'ended';
    if (this.#acquirer) return 'waiting';
    return this.asked ? 'released' : 'unused';
  }

  /**
   * Why nothing may be sent now; begins to watch the request when this is its first query. `statement` is what would be
   * sent, if it is one.
   */
  enter(statement?: TrackedStatement): Error | null {
    if (!this.#used) {
      try {
        this.#begin();
      } catch (error) {
        // Of the application's `skip`, or a bad route option: the query is where it shows.
        return error as Error;
      }
    }
    if (this.#optedOut) return routeOptedOut(this.context.route);
    if (this.lease && !this.lease.usable) this.#dropLost(this.lease);
    return this.broken ?? (statement ? this.#missing(statement) : null);
  }

  /** What an earlier statement left on a connection that is lost, another one can't know. */
  #missing({ shape: { reads } }: TrackedStatement): Error | null {
    if (!this.#lostResults) return null;
    if (reads.insertId || reads.warnings || reads.counts) return resultsLost();
    this.#lostResults = false;
    return null;
  }

  isOptedOut(): boolean {
    return this.context.optedOut;
  }

  #begin(): void {
    this.#optedOut = this.context.optedOut;
    if (this.#optedOut) return;
    const over = this.context.watch(this);
    this.#used = true;
    if (over) this.end(over);
  }

  /**
   * Ended, and nothing keeps the connection that a statement could be meant for: no transaction, and nothing
   * under way that may begin one.
   */
  get isLate(): boolean {
    if (!this.#ended || this.#acquirer) return false;
    const { lease } = this;
    return !(lease && (this.functions > 0 || lease.mayBeInTransaction));
  }

  /** It has ended, and what has yet to begin does not begin any more. */
  get refusesRetries(): boolean {
    return this.#ended && this.context.settings.afterResponse !== 'allow';
  }

  get waiting(): boolean {
    return this.#acquirer !== null;
  }

  /** The connection died under the request. Silently going on with another is right only if nothing was lost with it. */
  #dropLost(lease: Lease): void {
    const { commitUnanswered, altered, temporaryTables } = lease.session;
    if (commitUnanswered) this.broken = lease.notOpen();
    else if (lease.mayHaveBegun) {
      this.broken = rolledBackWith('because its connection was lost');
    } else if (altered || temporaryTables.length > 0) this.broken = stateLost();
    this.#brokenBy = this.broken ? lease : null;
    this.#lostResults = lease.statements > 0;
    this.lease = null;
    lease.end(0);
  }

  /** The statement is sent on the connection of the scope, as soon as there is one. */
  claimFor(statement: TrackedStatement): void {
    const claim: Claim = {
      granted: (lease) => lease.submit(statement),
      refused: (error) => statement.settle(error),
    };
    statement.onGivenUp = () => this.unclaim(claim);
    this.claim(claim);
  }

  /** Whoever is the last to give up takes the scope out of the queue. @returns whether the claim was still waiting */
  unclaim(claim: Claim): boolean {
    const waited = this.#claims.includes(claim);
    this.#claims = this.#claims.filter((each) => each !== claim);
    const acquirer = this.#acquirer;
    if (!acquirer || this.#claims.length > 0 || !this.context.pool.withdraw(acquirer)) return waited;
    this.#acquirer = null;
    this.#releaseWhenGranted = false;
    return waited;
  }

  /** The connection of the scope: one acquire, shared by all who ask meanwhile. */
  claim(claim: Claim): void {
    const { pool, settings } = this.context;
    this.asked = true;
    if (this.lease) return claim.granted(this.lease);
    if (this.#acquirer) {
      this.#claims.push(claim);
      return;
    }
    pool.asked(this.context);
    const lease = pool.tryLend(this.context);
    if (lease) {
      this.#hold(lease);
      return claim.granted(lease);
    }
    this.#claims.push(claim);
    // Who waits is counted for the owner, so there must be one.
    this.ownedBy();
    this.#acquirer = new CallbackAcquirer(this.context, settings.acquireTimeoutMs, {
      granted: (granted) => this.#granted(granted),
      refused: (error) => this.#refuseClaims(error),
    });
    pool.lend(this.#acquirer);
  }

  #hold(lease: Lease): void {
    this.lease = lease;
    this.#ran = true;
    lease.onStatementEnded = () => this.#statementEnded();
    lease.onUnsent = (statement) => this.#resend(statement, lease);
    if (this.#ended) this.#startDraining();
  }

  /** Its connection was dead before it could be sent, and it means the same on any other: nothing was lost. */
  #resend(statement: TrackedStatement, lease: Lease): void {
    if (this.lease === lease) {
      this.lease = null;
      lease.end(0);
    }
    if (this.#brokenBy === lease) this.broken = null;
    // From here on its own results are the last ones.
    this.#lostResults = false;
    this.claimFor(statement);
  }

  #granted(lease: Lease): void {
    const claims = this.#claims;
    this.#acquirer = null;
    this.#claims = [];
    this.#hold(lease);
    for (const claim of claims) claim.granted(lease);
    if (this.#releaseWhenGranted) this.handBack();
    else this.settle();
  }

  #refuseClaims(error: HandbackError): void {
    const claims = this.#claims;
    this.#acquirer = null;
    this.#claims = [];
    this.#releaseWhenGranted = false;
    for (const claim of claims) claim.refused(error);
  }

  /** A `transaction(fn)` has failed, so its caller knows that a connection was lost in it: it may begin anew. */
  told(lease: Lease): void {
    if (this.#ended) return;
    if (this.lease === lease && !lease.usable) this.#dropLost(lease);
    if (this.isTransactionLost) this.broken = null;
  }

  /** What `rollback()` acknowledges. */
  get isTransactionLost(): boolean {
    return this.broken?.code === 'TRANSACTION_ROLLED_BACK' || this.broken?.code === 'OUTCOME_UNKNOWN';
  }

  /** Gives the connection back before the end; the next query takes one again. */
  release(): void {
    if (this.broken?.code === 'CONNECTION_LOST') this.broken = null;
    if (this.#acquirer) this.#releaseWhenGranted = true;
    else this.handBack();
  }

  /** The end was seen; it is decided a moment later, so that a `commit()` on the next line still counts. */
  ending(cause: EndCause): void {
    if (cause === 'answered') this.#answered = true;
    if (this.#endSeen) return this.settle();
    this.#endSeen = true;
    if (cause === 'gone') this.#clientLeft();
    this.context.pool.clock.soon(() => this.end(cause));
  }

  /** From here on work is late; what is in flight is awaited up to `drainTimeoutMs`. */
  end(cause: EndCause): void {
    if (this.#ended) return;
    if (cause === 'answered') this.#answered = true;
    this.#endSeen = true;
    this.#ended = true;
    this.context.unwatch(this);
    this.onChange?.();
    if (this.lease) this.#startDraining();
    this.settle();
  }

  #clientLeft(): void {
    const { settings, pool } = this.context;
    const stays = this.#ran && settings.afterResponse === 'allow';
    if (this.#acquirer && !stays && pool.withdraw(this.#acquirer)) this.#refuseClaims(clientGone());
    if (settings.afterResponse !== 'cancel') return;
    this.end('gone');
    this.handBack(0);
  }

  #statementEnded(): void {
    if (!this.#ended) return;
    // `await update; await commit()` after the answer: the commit comes in the next turn.
    if (this.lease?.mayBeInTransaction) this.context.pool.clock.soon(() => this.settle());
    else this.settle();
  }

  /** Hands the connection back when the request has ended and nothing is in flight. */
  settle(): void {
    const { lease } = this;
    if (!this.#ended || !lease || this.functions > 0 || lease.inFlight > 0) return;
    // The client left before the answer, and the handler is still at work on its transaction.
    if (!this.#answered && lease.inTransaction) return;
    this.handBack();
  }

  #startDraining(): void {
    const { pool, settings } = this.context;
    this.#drainTimer ??= pool.clock.after(settings.drainTimeoutMs, () => this.handBack(0));
  }

  handBack(drainTimeoutMs = this.context.settings.drainTimeoutMs): void {
    const { lease } = this;
    if (!lease) return;
    this.lease = null;
    this.#releaseWhenGranted = false;
    this.#drainTimer?.cancel();
    this.#drainTimer = null;
    this.late.remember(lease.session);
    // A BEGIN under way counts: its caller would go on in autocommit.
    if (lease.mayBeInTransaction) {
      this.broken = rolledBackWith('because it was still open when its connection was given back');
      this.#brokenBy = null;
    }
    lease.end(drainTimeoutMs);
  }
}
