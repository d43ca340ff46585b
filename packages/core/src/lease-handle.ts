import type { RawConnection } from './driver.js';
import type { Lease } from './lease.js';
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
export class LeaseHandle extends Queryable implements Disposable, AsyncDisposable {
  readonly #lease: Lease;

  /** @internal */
  constructor(lease: Lease) {
    super();
    this.#lease = lease;
    forgotten.register(this, lease, lease);
  }

  protected get dialect(): Dialect {
    return this.#lease.dialect;
  }

  protected submit(statement: TrackedStatement): void {
    this.#lease.submit(statement);
  }

  get released(): boolean {
    return this.#lease.released;
  }

  /** The server's id of the session (`CONNECTION_ID()`). */
  get threadId(): number | undefined {
    return this.#lease.threadId;
  }

  /** Whether a transaction is open, as far as the server has told. */
  get inTransaction(): boolean {
    return this.#lease.inTransaction;
  }

  /** @internal Whether the connection can still be spoken to. */
  get usable(): boolean {
    return this.#lease.usable;
  }

  /** Statements sent, or waiting to be, and not yet answered. */
  get inFlight(): number {
    return this.#lease.inFlight;
  }

  /** START TRANSACTION. @throws {HandbackError} TRANSACTION_NESTED when one is open: it would be committed. */
  beginTransaction(): Promise<void> {
    return this.#lease.beginTransaction();
  }

  /** COMMIT. @throws {HandbackError} OUTCOME_UNKNOWN when the connection was lost before the answer. */
  commit(): Promise<void> {
    return this.#lease.commit();
  }

  rollback(): Promise<void> {
    return this.#lease.rollback();
  }

  /** BEGIN, `fn`, COMMIT; ROLLBACK when `fn` throws. Waits for another `transaction(fn)` of this lease to end. */
  async transaction<T>(fn: Work<T>, options: TransactionOptions = {}): Promise<T> {
    try {
      return await this.#lease.transaction(fn, options);
    } finally {
      this.#stillHere();
    }
  }

  /** Called at the end of what must not be forgotten meanwhile: it names this object. */
  #stillHere(): boolean {
    return this.#lease.released;
  }

  /** The raw mysql2 connection. What happens on it can't be known, so it is closed when the lease ends. */
  connection(): RawConnection {
    return this.#lease.connection();
  }

  /**
   * Gives the connection back. A statement that still runs is awaited up to the pool's `drainTimeoutMs`, then
   * killed; an open transaction is rolled back. A second call does nothing.
   */
  release(): void {
    forgotten.unregister(this.#lease);
    this.#lease.release();
  }

  [Symbol.dispose](): void {
    this.release();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.release();
  }
}
