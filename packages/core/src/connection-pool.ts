import { isSignal } from './abort.js';
import { acquireHandle, acquireHandleWith, OneShot, transactionOf, type WaitOptions } from './acquirers.js';
import { Asker } from './asker.js';
import { CallSite } from './call-site.js';
import { Current, currentOwner, isInUse, runIn } from './current-db.js';
import type { ServerFacts } from './driver.js';
import type { Holder } from './entry.js';
import type { HolderReport } from './errors.js';
import type { PoolEvents } from './events.js';
import { Job, type JobOptions, lookLike } from './job.js';
import type { LeaseHandle } from './lease-handle.js';
import { checkOptions, deadline, type Rules } from './option-rules.js';
import type { ShownOptions } from './options.js';
import type { Owner } from './owner.js';
import type { Pool } from './pool.js';
import { type Dialect, Queryable } from './queryable.js';
import { shownOptions } from './read-options.js';
import type { ConnectionReport } from './report.js';
import { Scope } from './scope.js';
import type { TrackedStatement } from './statement.js';
import type { PoolStats } from './stats.js';
import type { Work } from './transaction.js';
import { checkTransaction, type TransactionOptions } from './transaction-options.js';
import { warmed } from './warming.js';

export interface CloseOptions {
  /** How long leases may go on before their sockets are cut, in ms. @default 10000 */
  timeoutMs?: number;
}

const CLOSE_TIMEOUT_MS = 10_000;

/** @throws {HandbackError} INVALID_OPTION */
export function closeTimeoutOf(options: CloseOptions = {}): number {
  checkOptions(options, { timeoutMs: deadline }, 'the options of close()');
  return options.timeoutMs ?? CLOSE_TIMEOUT_MS;
}

export interface AcquireOptions extends WaitOptions, OwnerOptions {}

export interface OwnerOptions {
  /** The scope on whose behalf the connection is taken, so that the pool knows who holds two; see `onDoubleAcquire`. */
  scope?: Scope;
}

const OWNER_RULES: Rules = {
  scope: { allowed: 'the scope of a request or job', accepts: (value) => value instanceof Scope },
};

const ACQUIRE_RULES: Rules = {
  ...OWNER_RULES,
  timeoutMs: deadline,
  signal: { allowed: 'an AbortSignal', accepts: (value) => value === null || isSignal(value) },
};

/** One for all of whose owner nothing is known. */
const ONE_SHOT = new Asker('pool', true);
const ACQUIRE = new Asker('pool.acquire');
const TRY_ACQUIRE = new Asker('pool.tryAcquire');

/** Leases, one-shot statements, and jobs, over one pool of connections. Made by `createPool`. */
export class ConnectionPool extends Queryable implements AsyncDisposable {
  readonly #pool: Pool;
  /** What `currentDb()` knows the scopes of its jobs by. */
  readonly #names = new Set<string>();

  /** @internal */
  constructor(pool: Pool) {
    super();
    this.#pool = pool;
    const { context, name } = pool.settings;
    if (context) this.#know(name === 'default' ? 'db' : name);
  }

  /** @internal `currentDb(as)` finds the scopes of its jobs. */
  static nameJobs(pool: ConnectionPool, as: string): void {
    pool.#know(as);
  }

  #know(as: string): void {
    this.#names.add(as);
    this.#pool.knowOwners();
  }

  /** @internal The flow below, for the scopes of requests. */
  static flowOf(pool: ConnectionPool): Pool {
    return pool.#pool;
  }

  protected get dialect(): Dialect {
    return this.#pool.dialect;
  }

  get name(): string {
    return this.#pool.settings.name;
  }

  /**
   * Its options as they hold now, given or default: to be told to whoever looks at the server from outside. What may have
   * a secret in it (`uri`, `connection`, `onConnect`) is not among them.
   */
  get options(): ShownOptions {
    // The plugin's option `context` covers the pool's jobs, also of a pool that was made without it.
    return { ...shownOptions(this.#pool.settings), context: this.#names.size > 0 };
  }

  /** What happens in the pool, as it happens. Listeners can't disturb it. */
  get events(): PoolEvents {
    return this.#pool.events;
  }

  /** Each statement on a connection of its own, given back with the answer. */
  protected submit(statement: TrackedStatement): void {
    const holder = this.#asking(ONE_SHOT);
    this.#pool.lend(new OneShot(this.#pool, statement, holder, this.#pool.settings.acquireTimeoutMs));
  }

  /**
   * A connection until `release()`.
   *
   * @throws {HandbackError} ACQUIRE_TIMEOUT, QUEUE_FULL, OPEN_FAILED, POOL_CLOSED
   */
  acquire(options?: AcquireOptions): Promise<LeaseHandle> {
    if (options !== undefined) return this.#acquireWith(options);
    const pool = this.#pool;
    const sampled = pool.stacks.next();
    return acquireHandle(
      pool,
      sampled || ownersAreKnown(pool) ? this.#asking(ACQUIRE, undefined, sampled) : ACQUIRE,
    );
  }

  async #acquireWith(options: AcquireOptions): Promise<LeaseHandle> {
    checkOptions(options, ACQUIRE_RULES, 'the options of acquire()');
    const { scope, ...waiting } = options;
    return await acquireHandleWith(this.#pool, this.#asking(ACQUIRE, scope), waiting);
  }

  /**
   * A connection if one is ready now and nobody waits for it; else undefined. What it costs is what it is for: unless it is
   * known who asks (`context`, `scope`) no stack is captured, so that a report of one that leaks names no place.
   */
  tryAcquire(options?: OwnerOptions): LeaseHandle | undefined {
    const pool = this.#pool;
    if (options !== undefined || ownersAreKnown(pool)) return this.#tryAcquireWith(options);
    const entry = pool.tryDispense(TRY_ACQUIRE, false);
    return entry === null ? undefined : pool.handle(entry);
  }

  #tryAcquireWith(options: OwnerOptions = {}): LeaseHandle | undefined {
    checkOptions(options, OWNER_RULES, 'the options of tryAcquire()');
    const holder = this.#holder(TRY_ACQUIRE, options.scope);
    const entry = this.#pool.tryDispense(holder, false);
    if (!entry) return undefined;
    this.#pool.asked(holder);
    return this.#pool.handle(entry);
  }

  /** BEGIN, `fn`, COMMIT on a connection of its own; ROLLBACK when `fn` throws. */
  async transaction<T>(fn: Work<T>, options: TransactionOptions = {}): Promise<T> {
    checkTransaction(fn, options);
    const holder = new Asker('pool.transaction');
    if (this.#pool.stacks.next()) holder.site = new CallSite();
    const around = currentOwner();
    if (!around && this.#names.size === 0) return transactionOf(this.#pool, holder, fn, options);
    let over = false;
    const current = new Current(
      () => around?.route ?? holder.route,
      () => over,
      around,
    );
    if (!around) holder.owner = current;
    const owned = around ? heldBy(current, holder) : holder;
    this.#pool.knowOwners();
    this.#pool.asked(owned);
    const work: Work<T> = (tx) => runIn(current, () => fn(tx));
    return transactionOf(this.#pool, owned, work, options).finally(() => {
      over = true;
    });
  }

  /**
   * Runs a job with a scope of its own: a connection on its first query, handed back when the job has settled,
   * whatever way. Statements that it did not await are drained; a transaction that it left open is rolled back.
   *
   * @throws {HandbackError} INVALID_OPTION; what `fn` throws
   */
  async run<T>(fn: (db: Scope) => Promise<T> | T, options?: JobOptions): Promise<T> {
    // Awaited, so that a stack leads through to the caller.
    return await new Job(this.#pool, this.#names, fn, options).run(fn);
  }

  /**
   * The function that runs `fn` as {@link run} does, with its own `this` and arguments after the scope.
   *
   * @throws {HandbackError} INVALID_OPTION
   */
  wrap<This, A extends unknown[], T>(
    fn: (this: This, db: Scope, ...args: A) => Promise<T> | T,
    options?: JobOptions,
  ): (this: This, ...args: A) => Promise<T> {
    const job = new Job(this.#pool, this.#names, fn, options);
    function wrapped(this: This, ...args: A): Promise<T> {
      return job.run((db) => fn.call(this, db, ...args));
    }
    lookLike(wrapped, fn, options?.name);
    return wrapped;
  }

  /** Who asks for a connection now. */
  #asking(asker: Asker, scope?: Scope, sampled = !asker.comesBack && this.#pool.stacks.next()): Holder {
    const known = this.#holder(asker, scope);
    const asking = sampled && known === asker ? asker.own : known;
    if (sampled) asking.site = new CallSite();
    this.#pool.asked(asking);
    return asking;
  }

  /** Who it is on whose behalf the pool is asked, if that can be known. */
  #holder(asker: Asker, scope?: Scope): Holder {
    const owner = scope ? Scope.lifeOf(scope).ownedBy() : currentOwner();
    // Where owners are known, more than that is noted about each holder.
    if (!owner) return this.#pool.knowsOwners ? asker.own : asker;
    this.#pool.knowOwners();
    return heldBy(owner, asker);
  }

  /** A snapshot of gauges and counters. */
  stats(): PoolStats {
    return this.#pool.stats();
  }

  /** Who holds connections now, the oldest first. */
  holders(): HolderReport[] {
    return this.#pool.holders();
  }

  /** Its connections now, each with its state and the server's thread id: to find them among the server's threads. */
  connections(): ConnectionReport[] {
    return this.#pool.connections();
  }

  /** What the server said of itself (version, limits, timeouts); undefined before the first connection. */
  get server(): ServerFacts | undefined {
    return this.#pool.server;
  }

  /**
   * Changes `max` and `minIdle` at run time. Above a smaller `max` idle connections go at once, those in use when they
   * come back. `maxIdle` goes along with `max` unless it was given; it is never above `max`.
   *
   * @throws {HandbackError} INVALID_OPTION
   */
  resize(sizes: { max?: number; minIdle?: number }): void {
    this.#pool.resize(sizes);
  }

  /**
   * Stops using every connection that is open now: idle ones are closed at once, those in use when they come back. New
   * ones are opened as they are needed, so there is no storm. For rotated credentials, or a failover.
   *
   * @returns how many connections that affects
   */
  evictAll(): number {
    return this.#pool.evictAll();
  }

  /**
   * Waits until `minIdle` connections, at least one, are open: a wrong password shows at start-up.
   *
   * @throws {HandbackError} OPEN_FAILED with the driver's error as its cause; ACQUIRE_TIMEOUT
   */
  async warm(): Promise<void> {
    if (this.#pool.settings.minIdle > 0) return warmed(this.#pool);
    const lease = await this.acquire();
    lease.release();
  }

  /**
   * No new leases; waits for those that are out, at most `timeoutMs`, then cuts them off. Resolves when every
   * connection is closed. A second call waits for the first.
   */
  async close(options?: CloseOptions): Promise<void> {
    await this.#pool.close(closeTimeoutOf(options));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** Else of nobody who asks it is known on whose behalf, and it need not be looked for. */
function ownersAreKnown(pool: Pool): boolean {
  return pool.knowsOwners || isInUse();
}

/** In reports it goes by the name of its owner too. */
function heldBy(owner: Owner, { route, ...holder }: Holder): Holder {
  return {
    ...holder,
    owner,
    get route() {
      return `${owner.route} (${route})`;
    },
    get method() {
      return owner.method;
    },
    get requestId() {
      return owner.requestId;
    },
  };
}
