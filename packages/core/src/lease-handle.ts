import type { RawConnection } from './driver.js';
import type { Entry, Young } from './entry.js';
import { Lease } from './lease.js';
import type { LeaseHost } from './lease-host.js';
import { type Dialect, Queryable } from './queryable.js';
import type { TrackedStatement } from './statement.js';
import type { Work } from './transaction.js';
import type { TransactionOptions } from './transaction-options.js';

/** Nobody can release a lease any more whose handle nobody has. */
const forgotten = new FinalizationRegistry<Lease>((lease) => lease.forgotten());

/**
 * One acquire to release. It dies on release: what is called on it later rejects `LEASE_RELEASED`, and can never touch
 * whoever holds the connection then.
 *
 * A lease that is dropped without a release comes back when the garbage collector finds it, with a warning.
 */
// Most leases are given back soon, and many unused. So a handle begins as no more than this, known to its entry; what a
// lease in full costs is paid when it is used, and what it takes to find it forgotten when it is no longer young.
export class LeaseHandle extends Queryable implements Young, Disposable, AsyncDisposable {
  readonly #host: LeaseHost;
  readonly #entry: Entry;
  #lease: Lease | null = null;

  /** @internal */
  constructor(host: LeaseHost, entry: Entry) {
    super();
    this.#host = host;
    this.#entry = entry;
  }

  /** Its entry knows it, and nobody is told if it is forgotten. */
  private get isYoung(): boolean {
    return this.#entry.young === this;
  }

  /** The lease in full. */
  private get full(): Lease {
    this.#lease ??= this.isYoung ? this.#host.furnish(this.#entry) : Lease.over(this.#host, this.#entry);
    return this.#lease;
  }

  /** @internal */
  grow(): void {
    const lease = this.full;
    this.#entry.young = null;
    forgotten.register(this, lease, lease);
  }

  protected get dialect(): Dialect {
    return this.#host.dialect;
  }

  protected submit(statement: TrackedStatement): void {
    this.full.submit(statement);
  }

  get released(): boolean {
    return this.#lease ? this.#lease.released : !this.isYoung;
  }

  /** The server's id of the session (`CONNECTION_ID()`). */
  get threadId(): number | undefined {
    return this.#entry.threadId;
  }

  /** Whether a transaction is open, as far as the server has told. */
  get inTransaction(): boolean {
    return this.#lease?.inTransaction === true;
  }

  /** @internal Whether the connection can still be spoken to. */
  get usable(): boolean {
    return !this.released && this.#entry.connection?.isUsable() === true;
  }

  /** Statements sent, or waiting to be, and not yet answered. */
  get inFlight(): number {
    return this.#lease ? this.#lease.inFlight : 0;
  }

  /** START TRANSACTION. @throws {HandbackError} TRANSACTION_NESTED when one is open: it would be committed. */
  beginTransaction(): Promise<void> {
    return this.full.transactions.begin();
  }

  /** COMMIT. @throws {HandbackError} OUTCOME_UNKNOWN when the connection was lost before the answer. */
  commit(): Promise<void> {
    return this.full.transactions.commit();
  }

  rollback(): Promise<void> {
    return this.full.transactions.rollback();
  }

  /** BEGIN, `fn`, COMMIT; ROLLBACK when `fn` throws. Waits for another `transaction(fn)` of this lease to end. */
  async transaction<T>(fn: Work<T>, options: TransactionOptions = {}): Promise<T> {
    try {
      return await this.full.transactions.inTurn(fn, options);
    } finally {
      this.stillHere();
    }
  }

  /** Called at the end of what must not be forgotten meanwhile: it names this object. */
  private stillHere(): boolean {
    return this.released;
  }

  /** The raw mysql2 connection. What happens on it can't be known, so it is closed when the lease ends. */
  connection(): RawConnection {
    return this.full.connection();
  }

  /**
   * Gives the connection back. A statement that still runs is awaited up to the pool's `drainTimeoutMs`, then
   * killed; an open transaction is rolled back. A second call does nothing.
   */
  release(): void {
    const lease = this.#lease;
    if (lease === null) {
      if (this.isYoung) this.#host.takeBackUnused(this.#entry);
      return;
    }
    if (!this.isYoung) forgotten.unregister(lease);
    lease.release();
  }

  [Symbol.dispose](): void {
    this.release();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.release();
  }
}

// A promise that is given a handle looks for this: found here, it is not looked for in all that a handle inherits from.
Object.defineProperty(LeaseHandle.prototype, 'then', { value: undefined });
