import { Canceller } from './canceller.js';
import type { Clock } from './clock.js';
import { Closer } from './closer.js';
import { Control } from './control.js';
import { Drainer } from './drainer.js';
import type { Driver, ServerFacts } from './driver.js';
import type { Entry, Holder } from './entry.js';
import type { ErrorClass } from './error-classes.js';
import type { HolderReport } from './errors.js';
import { PoolEvents } from './events.js';
import { Evictor } from './evictor.js';
import { Ghosts } from './ghosts.js';
import { Initializer } from './initializer.js';
import { Knowledge } from './knowledge.js';
import { type CancelReason, Lease, type LeaseHost } from './lease.js';
import { limitsOf } from './lease-limits.js';
import { Opener } from './opener.js';
import { type PoolSettings, resized } from './options.js';
import { howToValidate, mayKeep, mayStayIdle, mayUse } from './policy.js';
import type { Dialect } from './queryable.js';
import { type Acquirer, Queue } from './queue.js';
import { Renewal } from './renewal.js';
import { Reporter } from './reporter.js';
import { Resetter } from './resetter.js';
import { HELD, Shutdown } from './shutdown.js';
import { Slots } from './slots.js';
import type { TrackedStatement } from './statement.js';
import type { EvictReason, State } from './states.js';
import { Counters, type PoolStats, snapshot } from './stats.js';
import { Supply } from './supply.js';
import { PoolTrust } from './trust.js';
import { Validator } from './validator.js';
import { Watch } from './watch.js';

/** The flow of connections: the one door out is `#dispense`, the one door in `takeBack`. */
export class Pool implements LeaseHost {
  readonly settings: PoolSettings;
  readonly events = new PoolEvents();
  readonly counters = new Counters();
  readonly dialect: Dialect;
  readonly clock: Clock;
  readonly #slots = new Slots();
  readonly #knowledge: Knowledge;
  readonly #trust: PoolTrust;
  readonly #watch: Watch;
  readonly #canceller: Canceller;
  readonly #validator: Validator;
  readonly #renewal: Renewal;
  readonly #queue: Queue;
  readonly #control: Control;
  readonly #drainer: Drainer;
  readonly #ghosts: Ghosts;
  readonly #closer: Closer;
  readonly #supply: Supply;
  readonly #reporter: Reporter;
  readonly #evictor: Evictor;
  readonly #resetter: Resetter;
  readonly #shutdown: Shutdown;

  constructor(settings: PoolSettings, driver: Driver, clock: Clock) {
    this.settings = settings;
    this.clock = clock;
    this.dialect = {
      formatter: driver.formatter(settings.source.known),
      strictParams: settings.strictParams,
    };
    const opener = new Opener(driver, clock, settings);
    this.#knowledge = new Knowledge(clock);
    this.#trust = new PoolTrust(clock);
    this.#watch = new Watch(clock, this.#slots);
    const parts = { settings, clock, events: this.events, slots: this.#slots, knowledge: this.#knowledge };
    const initializer = new Initializer({
      driver,
      dialect: this.dialect,
      onConnect: settings.onConnect,
      knowledge: this.#knowledge,
      onSurveyed: (survey) => this.#reporter.surveyed(survey),
    });
    this.#control = new Control(opener, clock);
    this.#canceller = new Canceller(clock, this.#control, this.events, (entry, cause) =>
      this.#evict(entry, 'undrained', cause.message, cause),
    );
    this.#ghosts = new Ghosts(clock, this.#control, (entry) => this.#closer.laid(entry));
    this.#closer = new Closer(clock, this.#slots, this.#ghosts, () => this.#closed());
    this.#reporter = new Reporter(parts);
    this.#renewal = new Renewal(
      { ...parts, trust: this.#trust },
      {
        evict: (entry, reason, detail, cause) => this.#evict(entry, reason, detail, cause),
        onEvicted: () => this.#supply.openMore(),
      },
    );
    this.#validator = new Validator(parts, {
      onAlive: (entry) => this.#validated(entry),
      onDead: (entry, detail, cause) => this.#renewal.foundDead(entry, detail, cause),
    });
    this.#queue = new Queue(
      { settings, clock, counters: this.counters, reporter: this.#reporter },
      {
        dispense: (holder, since, mustBeProven) => this.#dispense(holder, since, mustBeProven),
        onWaiting: () => this.#attend(),
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
      { ...parts, closer: this.#closer, opener, initializer, reporter: this.#reporter, trust: this.#trust },
      {
        pending: () => this.#queue.size,
        onOpened: (entry) => this.#opened(entry),
        onFailed: (hopeless) =>
          hopeless ? this.#queue.refuseAll('OPEN_FAILED') : this.#queue.refuseUnqueued(),
        onLost: (entry, error) => this.#lost(entry, error),
      },
    );
    this.#resetter = new Resetter(
      { ...parts, initializer },
      {
        onClean: (entry) => {
          this.counters.reset++;
          entry.provenAt = clock.now();
          this.#makeIdle(entry);
        },
        onFailed: (entry, detail, cause) => this.#evict(entry, 'reset-failed', detail, cause),
      },
    );
    this.#evictor = new Evictor(
      clock,
      () => [settings.idleTimeoutMs, settings.maxLifetimeMs, this.#knowledge.idleLimitMs],
      () => this.#sweep(),
    );
    this.#shutdown = new Shutdown(parts, {
      stop: (reason) => {
        this.#evictor.stop();
        this.#queue.refuseAll('POOL_CLOSED');
        this.#supply.stop(reason);
      },
      evict: (entry, detail, cause) => this.#evict(entry, 'pool-closed', detail, cause),
      giveUp: () => this.#ghosts.giveUp(),
      finish: () => {
        this.#watch.stop();
        this.#control.close();
      },
    });
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

  /** A connection that is ready now, if it is nobody else's turn; `mustBeProven` = one that need not be asked first. */
  tryLend(holder: Holder, mustBeProven = true): Lease | null {
    return this.#queue.tryLend(holder, mustBeProven);
  }

  /** Takes a waiter out of the queue. @returns false if it was not waiting */
  withdraw(acquirer: Acquirer): boolean {
    return this.#queue.withdraw(acquirer);
  }

  get #nextIdle(): Entry | null {
    const { idle } = this.#slots;
    return this.settings.reuse === 'lifo' ? idle.last : idle.first;
  }

  /** Somebody has begun to wait: idle connections are asked whether they live, and new ones opened. */
  #attend(): void {
    this.#validateSome();
    this.#supply.attend();
  }

  /** As many as there are waiters. */
  #validateSome(): void {
    const now = this.clock.now();
    while (this.#slots.counts.validating < this.#queue.size && !this.#shutdown.begun) {
      const entry = this.#nextIdle;
      if (!entry) return;
      const verdict = mayUse(entry, now, this.#trust);
      if (!verdict.keep) this.#evict(entry, verdict.reason, verdict.detail);
      else this.#validator.validate(entry, howToValidate(entry, now, this.settings, this.#trust) ?? 'look');
    }
  }

  #validated(entry: Entry): void {
    this.counters.validated++;
    if (this.#shutdown.begun) return this.#evict(entry, 'pool-closed', 'the pool is closing');
    this.#slots.move(entry, 'idle');
    this.#serve();
  }

  failed(entry: Entry, of: ErrorClass): void {
    this.#renewal.failed(of, entry.session.unusable ?? of);
  }

  /** See the public pool's `evictAll`. @returns how many connections are affected */
  evictAll(): number {
    return this.#renewal.renew('evictAll() was called');
  }

  /** See the public pool's `resize`. @throws {HandbackError} INVALID_OPTION */
  resize(given: unknown): void {
    Object.assign(this.settings, resized(this.settings, given));
    const { idle, counts } = this.#slots;
    for (const entry of idle) {
      if (this.#isOverMax) this.#evict(entry, 'resized', 'max was made smaller');
      else if (counts.idle > this.settings.maxIdle) this.#evict(entry, 'maxIdle', 'max was made smaller');
    }
    this.#serve();
  }

  get #isOverMax(): boolean {
    return this.#slots.size - this.#slots.counts.closing > this.settings.max;
  }

  expectDue(at: number): void {
    this.#watch.expect(at);
  }

  cancel(entry: Entry, lease: Lease, statement: TrackedStatement, reason: CancelReason): void {
    if (reason === 'timeout') this.counters.queryTimedOut++;
    this.#canceller.cancel(entry, lease, statement, reason);
  }

  leaked(entry: Entry, lease: Lease): void {
    this.counters.leaked++;
    this.#reporter.leaked(lease, entry);
  }

  resent(): void {
    this.counters.retried++;
  }

  /** What the server said of itself; undefined before the first connection. */
  get server(): ServerFacts | undefined {
    return this.#knowledge.facts ?? undefined;
  }

  /** The only door out: what is handed over has just been found usable. */
  #dispense(holder: Holder, since: number, mustBeProven = true): Lease | null {
    while (!this.#shutdown.begun) {
      const entry = this.#nextIdle;
      if (!entry) return null;
      const now = this.clock.now();
      const verdict = mayUse(entry, now, this.#trust);
      if (!verdict.keep) {
        this.#evict(entry, verdict.reason, verdict.detail);
        continue;
      }
      if (mustBeProven && howToValidate(entry, now, this.settings, this.#trust)) return null;
      this.#slots.move(entry, 'leased');
      entry.checked = false;
      entry.session.beginLease();
      const lease = new Lease(this, entry, holder, now, limitsOf(holder, this.settings));
      entry.holding = lease;
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
    if (lease.reported) this.#reporter.unleaked(lease, entry);
    // Otherwise the pool was closed over its head, or the connection was cut.
    if (entry.state !== 'leased') return;
    entry.provenAt = lease.provenAt;
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
    const verdict = mayKeep(
      entry,
      {
        now: this.clock.now(),
        closing: this.#shutdown.begun,
        surplus: this.#queue.size === 0 && this.#slots.counts.idle >= this.settings.maxIdle,
        overMax: this.#isOverMax,
        trust: this.#trust,
      },
      this.settings,
    );
    this.#reporter.released(entry, verdict.act === 'keep');
    entry.holding = null;
    if (verdict.act === 'evict') return this.#evict(entry, verdict.reason, verdict.detail);
    if (verdict.act === 'reset') return this.#resetter.clean(entry, verdict.how, verdict.why);
    this.counters.cleanReleases++;
    this.#makeIdle(entry);
  }

  #opened(entry: Entry): void {
    this.#evictor.start();
    if (entry.connection?.status === null) this.#reporter.statusHidden();
    if (entry.generation < this.#trust.generation)
      this.#evict(entry, 'stale', 'the pool was renewed while it was being opened');
    else if (this.#isOverMax) this.#evict(entry, 'resized', 'max was made smaller');
    else this.#makeIdle(entry);
  }

  #makeIdle(entry: Entry): void {
    if (this.#shutdown.begun) return this.#evict(entry, 'pool-closed', 'the pool is closing');
    entry.idleSince = this.clock.now();
    this.#slots.move(entry, 'idle');
    this.#serve();
  }

  #serve(): void {
    this.#queue.serve();
    this.#validateSome();
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
    if (ALIVE.has(entry.state)) this.#renewal.distrust(error.message);
    if (entry.state === 'validating') this.#evict(entry, 'validation', error.message);
    else if (entry.state === 'idle') this.#evict(entry, 'broken', error.message);
    else if (entry.state === 'resetting') this.#evict(entry, 'reset-failed', error.message);
    else if (entry.state === 'draining') this.#sortOut(entry);
    else this.#closer.finish(entry);
  }

  #closed(): void {
    this.#shutdown.closed();
    this.#supply.openMore();
  }

  #sweep(): void {
    const now = this.clock.now();
    const { idleLimitMs } = this.#knowledge;
    for (const entry of this.#slots.idle) {
      const surplus = this.#slots.counts.idle - this.settings.minIdle;
      const verdict = mayStayIdle(entry, now, this.settings, { surplus, idleLimitMs });
      if (!verdict.keep) this.#evict(entry, verdict.reason, verdict.detail);
    }
    this.#supply.openMore();
  }

  #crowd() {
    const { hopeless, backingOff } = this.#supply;
    const { size, counts } = this.#slots;
    const busy = counts.leased + counts.draining + counts.ghost;
    return { closing: this.#shutdown.begun, hopeless, backingOff, live: size - counts.closing, busy };
  }

  /** Connections that may come back to serve somebody else. */
  get #inUse(): number {
    const { leased, draining, resetting } = this.#slots.counts;
    return leased + draining + resetting;
  }

  /** See the public pool's `close`. */
  close(timeoutMs: number): Promise<void> {
    return this.#shutdown.close(timeoutMs);
  }
}

/** In use, or ready to be: the end of such a connection comes unasked. */
const ALIVE: ReadonlySet<State> = new Set<State>(['idle', ...HELD]);
