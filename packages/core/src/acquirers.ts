import { onAbort } from './abort.js';
import type { Entry, Holder } from './entry.js';
import type { HandbackError } from './errors.js';
import type { Lease } from './lease.js';
import type { LeaseHandle } from './lease-handle.js';
import { SHORTEST_STALL_MS } from './lease-limits.js';
import type { Moment } from './moment.js';
import type { Pool } from './pool.js';
import type { Acquirer } from './queue.js';
import { lateReaderStopped } from './refusals.js';
import type { StreamedStatement } from './row-stream.js';
import type { TrackedStatement } from './statement.js';
import type { Work } from './transaction.js';
import type { TransactionOptions } from './transaction-options.js';
import { twiceUnlessBegun } from './transaction-run.js';

abstract class QueuedAcquirer implements Acquirer {
  readonly pool: Pool;
  readonly holder: Holder;
  readonly timeoutMs: number;
  came: Moment | null = null;
  place = 0;
  spot = 0;

  constructor(pool: Pool, holder: Holder, timeoutMs: number) {
    this.pool = pool;
    this.holder = holder;
    this.timeoutMs = timeoutMs;
  }

  /** Not kept in each: the less there is to a waiter, the less the garbage collector has to move. */
  get sheddable(): boolean {
    return false;
  }

  abstract granted(entry: Entry): void;
  abstract refused(error: HandbackError): void;
}

/** One statement on a connection of its own, which goes back with the answer. */
export class OneShot extends QueuedAcquirer {
  readonly #statement: TrackedStatement;
  readonly #askedAt: number;

  constructor(pool: Pool, statement: TrackedStatement, holder: Holder, timeoutMs: number) {
    super(pool, holder, timeoutMs);
    this.#statement = statement;
    this.#askedAt = pool.clock.now();
    statement.onGivenUp = () => pool.withdraw(this);
  }

  granted(entry: Entry): void {
    const lease = this.pool.furnish(entry);
    lease.onStatementEnded = () => lease.release();
    lease.onUnsent = () => this.#again(lease);
    lease.submit(this.#statement);
    // Refused before it was sent: the connection died between hand-out and use.
    if (lease.inFlight === 0) lease.release();
    else this.onSent(lease);
  }

  /** Within what is left of its time. */
  #again(lease: Lease): void {
    const { pool, timeoutMs, holder } = this;
    lease.release();
    const left = timeoutMs === 0 ? 0 : timeoutMs - (pool.clock.now() - this.#askedAt);
    pool.lend(this.renewed(this.#statement, holder, timeoutMs === 0 ? 0 : Math.max(1, left)));
  }

  protected renewed(statement: TrackedStatement, holder: Holder, timeoutMs: number): OneShot {
    return new OneShot(this.pool, statement, holder, timeoutMs);
  }

  protected onSent(_lease: Lease): void {}

  refused(error: HandbackError): void {
    this.#statement.settle(error);
  }
}

/**
 * Rows that are read late: nobody's end will take the connection back when their reader has gone. A reader that
 * takes no row for `drainTimeoutMs` has, but one that is at work on a row gets a second at least.
 */
export class LateReading extends OneShot {
  readonly #statement: StreamedStatement;
  readonly #stallMs: number;

  constructor(
    pool: Pool,
    statement: StreamedStatement,
    holder: Holder,
    timeoutMs: number,
    drainTimeoutMs: number,
  ) {
    super(pool, statement, holder, timeoutMs);
    this.#statement = statement;
    this.#stallMs = Math.max(SHORTEST_STALL_MS, drainTimeoutMs);
  }

  protected override renewed(_: TrackedStatement, holder: Holder, timeoutMs: number): OneShot {
    return new LateReading(this.pool, this.#statement, holder, timeoutMs, this.#stallMs);
  }

  protected override onSent(lease: Lease, rowsBefore = -1): void {
    this.pool.clock.after(this.#stallMs, () => {
      if (lease.released) return;
      const { rows, pausedAt } = this.#statement;
      // Left like this, its rest is read or killed, and the connection goes back.
      if (rows === rowsBefore && pausedAt !== Number.POSITIVE_INFINITY)
        this.#statement.abandon(lateReaderStopped(this.#stallMs));
      else this.onSent(lease, rows);
    });
  }
}

/** An acquire on behalf of somebody who passes what to do. */
export class CallbackAcquirer extends QueuedAcquirer {
  readonly #granted: (lease: Lease) => void;
  readonly refused: (error: HandbackError) => void;

  constructor(
    pool: Pool,
    holder: Holder,
    timeoutMs: number,
    callbacks: { granted: (lease: Lease) => void; refused: (error: HandbackError) => void },
  ) {
    super(pool, holder, timeoutMs);
    this.#granted = callbacks.granted;
    this.refused = callbacks.refused;
  }

  granted(entry: Entry): void {
    this.#granted(this.pool.furnish(entry));
  }
}

/** An acquire by the application: a promise of a handle. */
// As small as can be, and a class by itself: an inherited constructor costs as much as all the rest of it.
class HandleAcquirer implements Acquirer {
  readonly pool: Pool;
  readonly holder: Holder;
  readonly timeoutMs: number;
  came: Moment | null = null;
  place = 0;
  spot = 0;
  readonly resolve: (handle: LeaseHandle | Promise<never>) => void;

  constructor(pool: Pool, holder: Holder, timeoutMs: number, resolve: HandleAcquirer['resolve']) {
    this.pool = pool;
    this.holder = holder;
    this.timeoutMs = timeoutMs;
    this.resolve = resolve;
  }

  get sheddable(): boolean {
    return false;
  }

  granted(entry: Entry): void {
    this.resolve(this.pool.handle(entry));
  }

  /** Resolved with a promise that is rejected, it is too: what could reject it directly would be kept for each that waits. */
  refused(error: unknown): void {
    this.resolve(Promise.reject(error));
  }
}

export interface WaitOptions {
  /** Gives up waiting when it aborts; the promise rejects with its reason. */
  signal?: AbortSignal;
  /** One absolute deadline, in ms. Default: the pool's `acquireTimeoutMs`. */
  timeoutMs?: number;
}

/** @throws {HandbackError} ACQUIRE_TIMEOUT, QUEUE_FULL, OPEN_FAILED, POOL_CLOSED */
export function acquireHandle(pool: Pool, holder: Holder): Promise<LeaseHandle> {
  const entry = pool.tryDispense(holder);
  if (entry) return Promise.resolve(pool.handle(entry));
  const { acquireTimeoutMs } = pool.settings;
  return new Promise((resolve) => {
    pool.join(new HandleAcquirer(pool, holder, acquireTimeoutMs, resolve));
  });
}

/** @throws {HandbackError} as {@link acquireHandle}; the signal's reason */
export function acquireHandleWith(pool: Pool, holder: Holder, options: WaitOptions): Promise<LeaseHandle> {
  const { signal, timeoutMs = pool.settings.acquireTimeoutMs } = options;
  if (signal?.aborted) return Promise.reject(signal.reason);
  return new Promise((resolve) => {
    let unlisten = () => {};
    const settled: HandleAcquirer['resolve'] = (handle) => {
      unlisten();
      resolve(handle);
    };
    const acquirer = new HandleAcquirer(pool, holder, timeoutMs, settled);
    if (signal) {
      unlisten = onAbort(signal, () => {
        if (pool.withdraw(acquirer)) acquirer.refused(signal.reason);
      });
    }
    pool.lend(acquirer);
  });
}

/** @throws {HandbackError} as {@link acquireHandle} */
export function acquire(
  pool: Pool,
  holder: Holder,
  timeoutMs = pool.settings.acquireTimeoutMs,
): Promise<Lease> {
  return new Promise((granted, refused) => {
    pool.lend(new CallbackAcquirer(pool, holder, timeoutMs, { granted, refused }));
  });
}

/** `fn` in a transaction on a lease of its own. */
export function transactionOf<T>(
  pool: Pool,
  holder: Holder,
  fn: Work<T>,
  options: TransactionOptions,
  timeoutMs = pool.settings.acquireTimeoutMs,
): Promise<T> {
  const begun = pool.clock.now();
  const run = async (work: Work<T>) => {
    // A second attempt has what the first has left.
    const left = timeoutMs === 0 ? 0 : Math.max(1, timeoutMs - (pool.clock.now() - begun));
    const lease = await acquire(pool, holder, left);
    try {
      return await lease.transactions.inTurn(work, options);
    } finally {
      lease.release();
    }
  };
  return twiceUnlessBegun(fn, run, () => pool.resent());
}
