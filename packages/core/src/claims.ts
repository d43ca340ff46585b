import type { Entry } from './entry.js';
import type { HandbackError } from './errors.js';
import type { Lease } from './lease.js';
import type { Moment } from './moment.js';
import type { Acquirer } from './queue.js';
import type { ScopeContext } from './scope-context.js';
import type { TrackedStatement } from './statement.js';

/** Wants the scope's lease: a statement, or a caller that does more with it. */
export interface Claim {
  granted(lease: Lease): void;
  refused(error: HandbackError): void;
}

/** A statement that waits for the scope's lease. */
export class StatementClaim implements Claim {
  readonly #statement: TrackedStatement;
  readonly #context: ScopeContext;
  readonly #since: number;

  constructor(statement: TrackedStatement, context: ScopeContext) {
    this.#statement = statement;
    this.#context = context;
    this.#since = context.pool.clock.now();
  }

  granted(lease: Lease): void {
    this.#statement.waitedMs += this.#context.pool.clock.now() - this.#since;
    lease.submit(this.#statement);
  }

  refused(error: HandbackError): void {
    this.#statement.settle(error);
  }
}

export interface ClaimsHooks {
  /** Called with the lease and those who waited for it. */
  granted(lease: Lease, claims: readonly Claim[]): void;
  /** Nobody waits any more; those who did are told afterwards. */
  refused(): void;
}

export type ClaimLimits = Pick<Acquirer, 'timeoutMs' | 'sheddable'>;

/** One acquire, shared by all who want the scope's lease while it waits. Over when it is granted, refused or withdrawn. */
export class Claims implements Acquirer {
  readonly holder: ScopeContext;
  readonly timeoutMs: number;
  came: Moment | null = null;
  place = 0;
  spot = 0;
  readonly sheddable: boolean;
  readonly #hooks: ClaimsHooks;
  #claims: Claim[];

  /** `timeoutMs` as in the option `acquireTimeoutMs`; `sheddable`: nothing is lost with it if it is refused. */
  constructor(context: ScopeContext, limits: ClaimLimits, first: Claim, hooks: ClaimsHooks) {
    this.holder = context;
    this.timeoutMs = limits.timeoutMs;
    this.sheddable = limits.sheddable;
    this.#claims = [first];
    this.#hooks = hooks;
  }

  /** Joins those who wait. */
  join(claim: Claim): void {
    this.#claims.push(claim);
  }

  /** Whoever is the last to give up takes the scope out of the queue. @returns whether it still waited */
  remove(claim: Claim): boolean {
    const waited = this.#claims.includes(claim);
    this.#claims = this.#claims.filter((each) => each !== claim);
    if (this.#claims.length === 0 && this.#withdraw()) this.#hooks.refused();
    return waited;
  }

  /** Takes the scope out of the queue, if it is still there. */
  refuseAll(error: HandbackError): void {
    if (this.#withdraw()) this.refused(error);
  }

  #withdraw(): boolean {
    return this.holder.pool.withdraw(this);
  }

  granted(entry: Entry): void {
    this.#hooks.granted(this.holder.pool.furnish(entry), this.#end());
  }

  refused(error: HandbackError): void {
    const claims = this.#end();
    this.#hooks.refused();
    for (const claim of claims) claim.refused(error);
  }

  #end(): readonly Claim[] {
    const claims = this.#claims;
    this.#claims = [];
    return claims;
  }
}
