import { CallbackAcquirer } from './acquirers.js';
import type { HandbackError } from './errors.js';
import type { Lease } from './lease.js';
import { isSheddable } from './policy.js';
import type { ScopeContext } from './scope-context.js';

/** Wants the scope's lease: a statement, or a caller that does more with it. */
export interface Claim {
  granted(lease: Lease): void;
  refused(error: HandbackError): void;
}

/** One acquire, shared by all who want the scope's lease while it waits. */
export class Claims {
  readonly #context: ScopeContext;
  /** Called with the lease and those who waited for it. */
  readonly #onGranted: (lease: Lease, claims: readonly Claim[]) => void;
  readonly #onRefused: () => void;
  #acquirer: CallbackAcquirer | null = null;
  #claims: Claim[] = [];

  constructor(
    context: ScopeContext,
    onGranted: (lease: Lease, claims: readonly Claim[]) => void,
    onRefused: () => void,
  ) {
    this.#context = context;
    this.#onGranted = onGranted;
    this.#onRefused = onRefused;
  }

  /** Somebody waits. */
  get waiting(): boolean {
    return this.#acquirer !== null;
  }

  /** Joins those who wait. */
  join(claim: Claim): void {
    this.#claims.push(claim);
  }

  /** Begins to wait. `timeoutMs` as in the option `acquireTimeoutMs`; `first` = nothing is lost with it if it is refused. */
  wait(claim: Claim, timeoutMs: number, first: boolean): void {
    const { pool } = this.#context;
    this.#claims.push(claim);
    this.#acquirer = new CallbackAcquirer(this.#context, timeoutMs, {
      granted: (lease) => this.#onGranted(lease, this.#end()),
      refused: (error) => this.#refuse(error),
    });
    this.#acquirer.sheddable = first && isSheddable(timeoutMs, pool.settings);
    pool.lend(this.#acquirer);
  }

  /** Whoever is the last to give up takes the scope out of the queue. @returns whether it still waited */
  remove(claim: Claim): boolean {
    const waited = this.#claims.includes(claim);
    this.#claims = this.#claims.filter((each) => each !== claim);
    if (this.#claims.length === 0 && this.#withdraw()) {
      this.#end();
      this.#onRefused();
    }
    return waited;
  }

  /** Takes the scope out of the queue, if it is still there. */
  refuseAll(error: HandbackError): void {
    if (this.#withdraw()) this.#refuse(error);
  }

  #withdraw(): boolean {
    return this.#acquirer !== null && this.#context.pool.withdraw(this.#acquirer);
  }

  #refuse(error: HandbackError): void {
    const claims = this.#end();
    this.#onRefused();
    for (const claim of claims) claim.refused(error);
  }

  #end(): readonly Claim[] {
    const claims = this.#claims;
    this.#acquirer = null;
    this.#claims = [];
    return claims;
  }
}
