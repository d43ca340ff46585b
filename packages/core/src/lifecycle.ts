import { CallSite } from './call-site.js';
import { type Claim, Claims, type ClaimsHooks, StatementClaim } from './claims.js';
import type { Timer } from './clock.js';
import type { Ending } from './endings.js';
import { LateRules } from './late-rules.js';
import type { Lease } from './lease.js';
import { Losses } from './losses.js';
import { type Owner, ScopeOwner } from './owner.js';
import { isSheddable } from './policy.js';
import { clientGone, routeOptedOut } from './refusals.js';
import { RequestEnd } from './request-end.js';
import type { RetryLimit } from './retries.js';
import type { EndCause, EndListener, ScopeContext } from './scope-context.js';
import type { TrackedStatement } from './statement.js';
import { Tenure } from './tenure.js';

export type ScopeState = 'unused' | 'waiting' | 'leased' | 'released' | 'ended';

/**
 * When a scope takes a connection and when it gives it back: never before the first query; as soon as the
 * request has ended and nothing is in flight; at the latest `drainTimeoutMs` after the end.
 */
export class Lifecycle implements RetryLimit, EndListener, Ending, ClaimsHooks {
  readonly context: ScopeContext;
  readonly late = new LateRules();
  readonly losses = new Losses();
  /** How it ends, or has. */
  readonly over: RequestEnd;
  lease: Lease | null = null;
  /** A connection was asked for: `commit()` and its like are no longer no-ops. */
  asked = false;
  /** `transaction(fn)` calls that have not settled. */
  functions = 0;
  onChange: (() => void) | null = null;
  /** Those who wait for a connection. */
  #claims: Claims | null = null;
  #used = false;
  #optedOut = false;
  /** A connection was given: the handler has begun its work. */
  #ran = false;
  #releaseWhenGranted = false;
  /** How its end was seen first. */
  #cause: EndCause = 'answered';
  #drainTimer: Timer | null = null;

  constructor(context: ScopeContext) {
    this.context = context;
    this.over = new RequestEnd(context);
  }

  /** On whose behalf this scope asks; made here where nobody has said it. */
  ownedBy(): Owner {
    const { context } = this;
    context.owner ??= new ScopeOwner(this);
    return context.owner;
  }

  /** The end has been seen and decided. */
  get hasEnded(): boolean {
    return this.over.decided;
  }

  get state(): ScopeState {
    if (this.lease) return 'leased';
    if (this.hasEnded) return 'ended';
    if (this.waiting) return 'waiting';
    return this.asked ? 'released' : 'unused';
  }

  get waiting(): boolean {
    return this.#claims !== null;
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
    const { lease } = this;
    if (lease && (!lease.usable || lease.isAbandonable)) this.#dropLost(lease);
    return this.losses.broken ?? (statement ? this.losses.missing(statement) : null);
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
    if (!this.hasEnded || this.waiting) return false;
    const { lease } = this;
    return !(lease && (this.functions > 0 || lease.mayBeInTransaction));
  }

  /** What has waited for its turn until now would be late work, which is not allowed here. */
  get isTooLate(): boolean {
    if (this.context.settings.afterResponse === 'allow') return false;
    return this.isLate || (this.over.left && !this.lease);
  }

  /** It has ended, and what has yet to begin does not begin any more. */
  get refusesRetries(): boolean {
    return this.hasEnded && this.context.settings.afterResponse !== 'allow';
  }

  #dropLost(lease: Lease): void {
    this.losses.died(lease);
    this.lease = null;
    lease.end(0);
  }

  /** The statement is sent on the connection of the scope, as soon as there is one. */
  claimFor(statement: TrackedStatement): void {
    const lease = this.#takeNow();
    if (lease) return lease.submit(statement);
    const claim = new StatementClaim(statement, this.context);
    statement.onGivenUp = () => this.unclaim(claim);
    this.#wait(claim, statement.waitedMs);
  }

  /** @returns whether the claim was still waiting */
  unclaim(claim: Claim): boolean {
    return this.#claims?.remove(claim) ?? false;
  }

  /** The connection of the scope: one acquire, shared by all who ask meanwhile. */
  claim(claim: Claim): void {
    const lease = this.#takeNow();
    if (lease) claim.granted(lease);
    else this.#wait(claim, 0);
  }

  /** Its connection, or one that is ready now, if nobody waits for one already. */
  #takeNow(): Lease | null {
    this.asked = true;
    if (this.lease || this.waiting) return this.lease;
    const { pool } = this.context;
    if (pool.stacks.next()) this.context.site = new CallSite();
    // Of another connection, which the scope had before.
    else if (this.context.site) this.context.site = undefined;
    pool.asked(this.context);
    const lease = pool.tryLend(this.context);
    // Whoever heard of it may have used the scope meanwhile: one connection is enough.
    if (lease && (this.lease || this.waiting)) lease.release();
    else if (lease) this.#hold(lease);
    return this.lease;
  }

  /** `waitedMs` of its time are gone already. */
  #wait(claim: Claim, waitedMs: number): void {
    if (this.#claims) return this.#claims.join(claim);
    const { pool, settings } = this.context;
    // Who waits is counted for the owner, so there must be one.
    this.ownedBy();
    const { acquireTimeoutMs } = settings;
    const timeoutMs = acquireTimeoutMs === 0 ? 0 : Math.max(1, acquireTimeoutMs - waitedMs);
    const sheddable = this.#hasDoneNothing && isSheddable(timeoutMs, pool.settings);
    this.#claims = new Claims(this.context, { timeoutMs, sheddable }, claim, this);
    pool.join(this.#claims);
  }

  /** A request whose refusal would cost it nothing but its wait, and could still be its answer. */
  get #hasDoneNothing(): boolean {
    return this.context.isRequest === true && !this.#ran && !this.hasEnded;
  }

  refused(): void {
    this.#claims = null;
    this.#releaseWhenGranted = false;
  }

  #hold(lease: Lease): void {
    this.lease = lease;
    this.#ran = true;
    lease.onStatementEnded = () => this.#statementEnded();
    lease.onUnsent = (statement) => this.#resend(statement, lease);
    lease.ownedBy(new Tenure(this, lease));
    if (this.hasEnded) this.#startDraining();
  }

  /** Its connection was dead before it could be sent, and it means the same on any other: nothing was lost. */
  #resend(statement: TrackedStatement, lease: Lease): void {
    if (this.lease === lease) {
      this.lease = null;
      lease.end(0);
    }
    this.losses.resent(lease);
    this.claimFor(statement);
  }

  granted(lease: Lease, claims: readonly Claim[]): void {
    this.#claims = null;
    this.#hold(lease);
    for (const claim of claims) claim.granted(lease);
    if (this.#releaseWhenGranted) this.handBack();
    else this.settle();
  }

  /** A `transaction(fn)` has failed, so its caller knows that a connection was lost in it: it may begin anew. */
  told(lease: Lease): void {
    if (this.hasEnded) return;
    if (this.lease === lease && !lease.usable) this.#dropLost(lease);
    this.losses.transactionAcknowledged();
  }

  /** Gives the connection back before the end; the next query takes one again. */
  release(): void {
    this.losses.stateAcknowledged();
    if (this.waiting) this.#releaseWhenGranted = true;
    else this.handBack();
  }

  /** Nobody has used it for a while. */
  handBackUnused(): void {
    if (this.hasEnded) return;
    this.losses.handedBackUnused();
    this.handBack();
  }

  /** Aborts when the client leaves before it is answered. */
  get signal(): AbortSignal {
    return this.over.signal(() => {
      const over = this.context.watchClient?.(this);
      if (over === 'gone') this.end(over);
    });
  }

  /** The end was seen; it is decided a moment later, so that a `commit()` on the next line still counts. */
  ending(cause: EndCause): void {
    if (!this.over.see(cause)) return this.settle();
    if (this.over.left) this.#clientLeft();
    this.#cause = cause;
    this.context.pool.endings.add(this);
  }

  /** @internal The moment has passed. */
  decide(): void {
    this.end(this.#cause);
  }

  /** From here on work is late; what is in flight is awaited up to `drainTimeoutMs`. */
  end(cause: EndCause): void {
    if (this.hasEnded) return;
    this.over.see(cause);
    this.over.decided = true;
    this.context.unwatch(this);
    this.onChange?.();
    this.settle();
    if (this.lease) this.#startDraining();
  }

  #clientLeft(): void {
    const { afterResponse } = this.context.settings;
    if (!this.#ran || afterResponse !== 'allow') this.#claims?.refuseAll(clientGone());
    if (afterResponse === 'cancel') {
      this.end('gone');
      this.handBack(0);
    }
    this.over.departed();
  }

  #statementEnded(): void {
    if (!this.hasEnded) return;
    // `await update; await commit()` after the answer: the commit comes in the next turn.
    if (this.lease?.mayBeInTransaction) this.context.pool.clock.soon(() => this.settle());
    else this.settle();
  }

  /** Hands the connection back when the request has ended and nothing is in flight. */
  settle(): void {
    const { lease } = this;
    if (!this.hasEnded || !lease || this.functions > 0 || lease.inFlight > 0) return;
    // The client left before the answer, and the handler is still at work on its transaction.
    if (!this.over.answered && lease.inTransaction) return;
    this.handBack();
  }

  #startDraining(): void {
    const { pool, settings } = this.context;
    this.#drainTimer ??= pool.clock.after(settings.drainTimeoutMs, () => {
      // It may find no connection: that of a statement which has yet to be sent again gets a time of its own.
      this.#drainTimer = null;
      this.handBack(0);
    });
  }

  handBack(drainTimeoutMs = this.context.settings.drainTimeoutMs): void {
    const { lease } = this;
    if (!lease) return;
    this.lease = null;
    this.#releaseWhenGranted = false;
    this.#drainTimer?.cancel();
    this.#drainTimer = null;
    this.late.remember(lease.session);
    this.losses.handedBack(lease);
    lease.end(drainTimeoutMs);
  }
}
