import type { Clock } from './clock.js';
import { Closer } from './closer.js';
import { Control } from './control.js';
import { Drainer } from './drainer.js';
import type { Driver } from './driver.js';
import type { Entry, Holder } from './entry.js';
import { HandbackError, type HolderReport } from './errors.js';
import { PoolEvents } from './events.js';
import { Evictor } from './evictor.js';
import { Ghosts } from './ghosts.js';
import { Lease, type LeaseHost } from './lease.js';
import { Opener } from './opener.js';
import type { PoolSettings } from './options.js';
import { mayKeep, mayStayIdle, mayUse } from './policy.js';
import type { Dialect } from './queryable.js';
import { type Acquirer, Queue } from './queue.js';
import { Reporter } from './reporter.js';
import { Resetter } from './resetter.js';
import { Slots } from './slots.js';
import type { EvictReason, State } from './states.js';
import { Counters, type PoolStats, snapshot } from './stats.js';
import { Supply } from './supply.js';

/** The flow of connections: the one door out is `#dispense`, the one door in `takeBack`. */
export class Pool implements LeaseHost {
  readonly settings: PoolSettings;
  readonly events = new PoolEvents();
  readonly counters = new Counters();
  readonly dialect: Dialect;
  readonly clock: Clock;
  readonly #slots = new Slots();
  readonly #queue: Queue;
  readonly #control: Control;
  readonly #drainer: Drainer;
  readonly #ghosts: Ghosts;
  readonly #closer: Closer;
  readonly #supply: Supply;
  readonly #reporter: Reporter;
  readonly #evictor: Evictor;
  readonly #resetter: Resetter;
  #closing: Promise<void> | null = null;
  #onEmpty: (() => void) | null = null;

  constructor(settings: PoolSettings, driver: Driver, clock: Clock) {
    this.settings = settings;
    this.clock = clock;
    this.dialect = {
      formatter: driver.formatter(settings.source.known),
      strictParams: settings.strictParams,
    };
    const opener = new Opener(driver, clock, settings);
    const parts = { settings, clock, events: this.events, slots: this.#slots };
    this.#control = new Control(opener, clock);
    this.#ghosts = new Ghosts(clock, this.#control, (entry) => this.#closer.laid(entry));
    this.#closer = new Closer(clock, this.#slots, this.#ghosts, () => this.#closed());
    this.#reporter = new Reporter(parts);
    this.#queue = new Queue(
      { settings, clock, counters: this.counters, reporter: this.#reporter },
      {
        dispense: (holder, since) => this.#dispense(holder, since),
        onWaiting: () => this.#supply.attend(),
        crowd: () => this.#crowd(),
        lastConnectError: () => this.#supply.lastError,
        unreachable: () => this.#supply.lastError !== null && this.#inUse === 0,
      },
    );
    this.#drainer = new Drainer(clock, this.#control, this.events, {
      onQuiet: (entry) => this.#sortOut(entry),
      onStuck: (entry, error) => this.#evict(entry, 'undrained', error.message, error),
    });
    this.#supply = new Supply(
      { ...parts, closer: this.#closer, opener },
      {
        pending: () => this.#queue.size,
        onOpened: (entry) => this.#opened(entry),
        onFailed: (hopeless) =>
          hopeless ? this.#queue.refuseAll('OPEN_FAILED') : this.#queue.refuseUnqueued(),
        onLost: (entry, error) => this.#lost(entry, error),
      },
    );
    this.#resetter = new Resetter(parts, {
      onClean: (entry) => {
        this.counters.reset++;
        this.#makeIdle(entry);
      },
      onFailed: (entry, detail, cause) => this.#evict(entry, 'reset-failed', detail, cause),
    });
    this.#evictor = new Evictor(clock, settings, () => this.#sweep());
    this.#supply.openMore();
  }

  get acquireTimeoutMs(): number {
    return this.settings.acquireTimeoutMs;
  }

  stats(): PoolStats {
    return snapshot(this.#slots, this.counters, this.settings.max, this.#queue.size);
  }

  holders(): HolderReport[] {
    return this.#reporter.holders();
  }

  /** Gives `acquirer` a connection: now, if one is ready, else when it is its turn. */
  lend(acquirer: Acquirer): void {
    this.#queue.lend(acquirer);
  }

  /** A connection that is ready now, if it is nobody else's turn. */
  tryLend(holder: Holder): Lease | null {
    return this.#queue.tryLend(holder);
  }

  /** Takes a waiter out of the queue. @returns false if it was not waiting */
  withdraw(acquirer: Acquirer): boolean {
    return this.#queue.withdraw(acquirer);
  }

  /** The only door out: what is handed over has just been found usable. */
  #dispense(holder: Holder, since: number): Lease | null {
    const { idle } = this.#slots;
    while (!this.#closing) {
      const entry = this.settings.reuse === 'lifo' ? idle.last : idle.first;
      if (!entry) return null;
      const now = this.clock.now();
      const verdict = mayUse(entry, now);
      if (!verdict.keep) {
        this.#evict(entry, verdict.reason, verdict.detail);
        continue;
      }
      const lease = new Lease(this, entry, holder, now);
      entry.holding = lease;
      this.#slots.move(entry, 'leased');
      this.counters.acquired++;
      if (this.events.heard('acquire')) {
        this.events.tell('acquire', { connection: entry.id, route: holder.route, waitedMs: now - since });
      }
      return lease;
    }
    return null;
  }

  /** The only door in. */
  takeBack(entry: Entry, lease: Lease, drainTimeoutMs: number | undefined): void {
    this.counters.released++;
    // Otherwise the pool was closed over its head.
    if (entry.state !== 'leased') return;
    const { connection } = entry;
    if (connection?.isUsable() && (lease.inFlight > 0 || connection.isBusy())) {
      this.#slots.move(entry, 'draining');
      this.#drainer.drain(entry, lease, drainTimeoutMs ?? this.settings.drainTimeoutMs);
    } else {
      this.#sortOut(entry);
    }
  }

  drained(entry: Entry, lease: Lease): void {
    this.#drainer.drained(entry, lease);
  }

  /** A quiet entry has come back: straight to the others, through a reset, or out. */
  #sortOut(entry: Entry): void {
    this.#drainer.forget(entry);
    // A COMMIT without an answer may have been carried out: its caller was told OUTCOME_UNKNOWN.
    if (entry.session.inTransaction && !entry.session.commitUnanswered) {
      this.counters.rolledBack++;
      this.#reporter.openTransaction(entry);
    }
    const verdict = mayKeep(entry, {
      now: this.clock.now(),
      closing: this.#closing !== null,
      surplus: this.#queue.size === 0 && this.#slots.counts.idle >= this.settings.maxIdle,
    });
    this.#reporter.released(entry, verdict.act === 'keep');
    entry.holding = null;
    if (verdict.act === 'evict') return this.#evict(entry, verdict.reason, verdict.detail);
    if (verdict.act === 'reset') return this.#resetter.reset(entry, verdict.why);
    this.counters.cleanReleases++;
    this.#makeIdle(entry);
  }

  #opened(entry: Entry): void {
    this.#evictor.start();
    this.#makeIdle(entry);
  }

  #makeIdle(entry: Entry): void {
    if (this.#closing) return this.#evict(entry, 'pool-closed', 'the pool is closing');
    entry.idleSince = this.clock.now();
    this.#slots.move(entry, 'idle');
    this.#queue.serve();
    this.#supply.openMore();
  }

  /** Stops using an entry: with a goodbye when it is quiet, else by cutting its socket with `cause`. */
  #evict(entry: Entry, reason: EvictReason, detail: string, cause?: Error): void {
    this.counters.evicted[reason]++;
    this.#drainer.forget(entry);
    entry.holding = null;
    if (reason === 'broken' && entry.session.uses === 0) this.#supply.stillborn(detail);
    if (this.events.heard('evict')) this.events.tell('evict', { connection: entry.id, reason, detail });
    this.#closer.close(entry, cause);
  }

  /** The connection is gone, whatever it was doing. A leased one is sorted out when it comes back. */
  #lost(entry: Entry, error: Error): void {
    entry.session.unusable ??= error.message;
    if (entry.state === 'idle') this.#evict(entry, 'broken', error.message);
    else if (entry.state === 'resetting') this.#evict(entry, 'reset-failed', error.message);
    else if (entry.state === 'draining') this.#sortOut(entry);
    else this.#closer.finish(entry);
  }

  #closed(): void {
    if (this.#slots.size === 0) this.#onEmpty?.();
    this.#supply.openMore();
  }

  #sweep(): void {
    const now = this.clock.now();
    for (const entry of this.#slots.idle) {
      const verdict = mayStayIdle(entry, now, this.settings, this.#slots.counts.idle - this.settings.minIdle);
      if (!verdict.keep) this.#evict(entry, verdict.reason, verdict.detail);
    }
    this.#supply.openMore();
  }

  #crowd() {
    const { hopeless, backingOff } = this.#supply;
    const { size, counts } = this.#slots;
    const busy = counts.leased + counts.draining + counts.ghost;
    return { closing: this.#closing !== null, hopeless, backingOff, live: size - counts.closing, busy };
  }

  /** Connections that may come back to serve somebody else. */
  get #inUse(): number {
    const { leased, draining, resetting } = this.#slots.counts;
    return leased + draining + resetting;
  }

  /** See the public pool's `close`. */
  close(timeoutMs: number): Promise<void> {
    this.#closing ??= this.#shutDown(timeoutMs);
    return this.#closing;
  }

  async #shutDown(timeoutMs: number): Promise<void> {
    // `#closing` must be set before anything below calls back.
    await null;
    this.#evictor.stop();
    this.#queue.refuseAll('POOL_CLOSED');
    this.#supply.stop(poolClosed('The pool was closed while the connection was being opened.'));
    for (const entry of this.#slots.idle) this.#evict(entry, 'pool-closed', 'the pool is closing');
    await this.#emptied(timeoutMs);
    this.#ghosts.giveUp();
    for (const entry of this.#slots.all) {
      if (!HELD.has(entry.state)) continue;
      const cause = poolClosed(
        'The pool was closed, and its deadline passed, while this connection was in use.',
      );
      this.#evict(entry, 'pool-closed', 'it was still held when the pool was closed', cause);
    }
    // For the goodbyes, and for the KILL of what still runs.
    await this.#emptied(this.settings.connectTimeoutMs + LAST_WORDS_MS);
    this.#control.close();
  }

  #emptied(timeoutMs: number): Promise<void> {
    if (this.#slots.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = this.clock.after(timeoutMs, resolve, true);
      this.#onEmpty = () => {
        timer.cancel();
        resolve();
      };
    });
  }
}

/** In somebody's hands, or not yet clean. */
const HELD: ReadonlySet<State> = new Set<State>(['leased', 'draining', 'resetting']);
const LAST_WORDS_MS = 2_000;

function poolClosed(message: string): HandbackError {
  return new HandbackError('POOL_CLOSED', message);
}
