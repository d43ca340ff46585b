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
import { Pending, type Waiter } from './pending.js';
import { type Crowd, mayKeep, mayStayIdle, mayUse, mayWait, type Refusal } from './policy.js';
import type { Dialect } from './queryable.js';
import { Reporter } from './reporter.js';
import { Resetter } from './resetter.js';
import { Slots } from './slots.js';
import type { EvictReason, State } from './states.js';
import { Counters, type PoolStats, snapshot } from './stats.js';
import { Supply } from './supply.js';

/** An acquire. Exactly one of `granted` and `refused` is called, unless it is withdrawn. */
export interface Acquirer extends Waiter<Acquirer> {
  granted(lease: Lease): void;
  refused(error: HandbackError): void;
}

/** The flow of connections: the one door out is `#dispense`, the one door in `takeBack`. */
export class Pool implements LeaseHost {
  readonly settings: PoolSettings;
  readonly events = new PoolEvents();
  readonly counters = new Counters();
  readonly dialect: Dialect;
  readonly clock: Clock;
  readonly #slots = new Slots();
  readonly #pending: Pending<Acquirer>;
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
    this.#pending = new Pending(clock, (acquirer) => this.#expired(acquirer));
    this.#control = new Control(opener, clock);
    this.#ghosts = new Ghosts(clock, this.#control, (entry) => this.#closer.laid(entry));
    this.#closer = new Closer(clock, this.#slots, this.#ghosts, () => this.#closed());
    this.#reporter = new Reporter(parts);
    this.#drainer = new Drainer(clock, this.#control, this.events, {
      onQuiet: (entry) => this.#sortOut(entry),
      onStuck: (entry, error) => this.#evict(entry, 'undrained', error.message, error),
    });
    this.#supply = new Supply(
      { ...parts, closer: this.#closer, opener },
      {
        pending: () => this.#pending.size,
        onOpened: (entry) => this.#opened(entry),
        onHopeless: () => this.#refuseAll('OPEN_FAILED'),
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
    return snapshot(this.#slots, this.counters, this.settings.max, this.#pending.size);
  }

  holders(): HolderReport[] {
    return this.#reporter.holders();
  }

  /** Gives `acquirer` a connection: now, if one is ready, else when it is its turn. */
  lend(acquirer: Acquirer): void {
    const lease = this.tryLend(acquirer.holder);
    if (lease) return acquirer.granted(lease);
    const now = this.clock.now();
    acquirer.since = now;
    const refusal = mayWait(acquirer.timeoutMs, this.#crowd(), this.settings);
    if (refusal) return this.#refuse(acquirer, refusal);
    const { timeoutMs } = acquirer;
    this.#pending.add(acquirer, now, timeoutMs === 0 ? Number.POSITIVE_INFINITY : timeoutMs);
    this.#supply.attend();
  }

  /** A connection that is ready now, if it is nobody else's turn. */
  tryLend(holder: Holder): Lease | null {
    if (this.#closing || this.#pending.size > 0) return null;
    return this.#dispense(holder, this.clock.now());
  }

  /** Takes a waiter out of the queue. @returns false if it was not waiting */
  withdraw(acquirer: Acquirer): boolean {
    return this.#pending.remove(acquirer);
  }

  /** The only door out: what is handed over has just been found usable. */
  #dispense(holder: Holder, since: number): Lease | null {
    const { idle } = this.#slots;
    for (;;) {
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
  }

  #serve(): void {
    for (let first = this.#pending.first; first; first = this.#pending.first) {
      const lease = this.#dispense(first.holder, first.since);
      if (!lease) break;
      this.#pending.remove(first);
      first.granted(lease);
    }
    this.#supply.openMore();
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
    if (entry.session.inTransaction) {
      this.counters.rolledBack++;
      this.#reporter.openTransaction(entry);
    }
    const verdict = mayKeep(entry, {
      now: this.clock.now(),
      closing: this.#closing !== null,
      surplus: this.#pending.size === 0 && this.#slots.counts.idle >= this.settings.maxIdle,
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
    this.#serve();
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

  #crowd(): Crowd {
    return {
      closing: this.#closing !== null,
      hopeless: this.#supply.hopeless,
      size: this.#slots.size,
      opening: this.#slots.counts.opening,
      pending: this.#pending.size,
    };
  }

  #expired(acquirer: Acquirer): void {
    const { leased, draining, resetting } = this.#slots.counts;
    const unreachable = this.#supply.lastError !== null && leased + draining + resetting === 0;
    this.#refuse(acquirer, unreachable ? 'OPEN_FAILED' : 'ACQUIRE_TIMEOUT');
  }

  #refuse(acquirer: Acquirer, code: Refusal): void {
    if (code === 'ACQUIRE_TIMEOUT') this.counters.timedOut++;
    if (code === 'QUEUE_FULL') this.counters.shed++;
    const error = this.#reporter.refusal(code, {
      route: acquirer.holder.route,
      waitedMs: this.clock.now() - acquirer.since,
      pending: this.#pending.size,
      lastConnectError: this.#supply.lastError,
    });
    acquirer.refused(error);
  }

  #refuseAll(code: Refusal): void {
    for (let first = this.#pending.first; first; first = this.#pending.first) {
      this.#pending.remove(first);
      this.#refuse(first, code);
    }
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
    this.#refuseAll('POOL_CLOSED');
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
      const timer = this.clock.after(timeoutMs, resolve);
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
