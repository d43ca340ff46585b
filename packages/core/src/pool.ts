import { AcquireReports } from './acquire-reports.js';
import { Canceller } from './canceller.js';
import { PoolCircumstances } from './circumstances.js';
import type { Clock } from './clock.js';
import { Closer } from './closer.js';
import { databaseOf } from './connection-source.js';
import { Control } from './control.js';
import { PoolCrowd } from './crowd.js';
import { Doors } from './doors.js';
import { DoubleAcquire } from './double-acquire.js';
import { Drainer } from './drainer.js';
import type { Driver, ServerFacts } from './driver.js';
import { Endings } from './endings.js';
import type { Entry, Holder } from './entry.js';
import type { HolderReport } from './errors.js';
import { PoolEvents } from './events.js';
import { Evictor } from './evictor.js';
import { Ghosts } from './ghosts.js';
import { Initializer } from './initializer.js';
import { Knowledge } from './knowledge.js';
import { Landlord } from './landlord.js';
import { LateReports } from './late-reports.js';
import type { Lease } from './lease.js';
import type { LeaseHandle } from './lease-handle.js';
import { Opener } from './opener.js';
import type { PoolSettings } from './options.js';
import { PendingCount } from './pending.js';
import type { Dialect } from './queryable.js';
import { type Acquirer, Queue } from './queue.js';
import { resized } from './read-options.js';
import { Renewal } from './renewal.js';
import { type ConnectionReport, connections } from './report.js';
import { Reporter } from './reporter.js';
import { Resetter } from './resetter.js';
import type { PoolParts, Rooms } from './rooms.js';
import { Shutdown } from './shutdown.js';
import { Slots } from './slots.js';
import { StackSample } from './stack-sample.js';
import { Counters, type PoolStats, snapshot } from './stats.js';
import { Supply } from './supply.js';
import { PoolTrust } from './trust.js';
import { Turnstile } from './turnstile.js';
import { Upkeep } from './upkeep.js';
import { Validator } from './validator.js';
import { Watch } from './watch.js';

/** What is worn is replaced all the time: a pool that lacks no more of its connections than this is as good as complete. */
const MOST_REPLACED = 0.25;

/** The flow of connections, put together: who does what is in the parts, the ways between them in `doors`. */
export class Pool {
  readonly settings: PoolSettings;
  readonly events: PoolEvents;
  readonly counters = new Counters();
  readonly late: LateReports;
  readonly dialect: Dialect;
  readonly clock: Clock;
  readonly endings: Endings;
  /** Of some who ask it is known on whose behalf: see the option `onDoubleAcquire`. */
  knowsOwners = false;
  readonly stacks = new StackSample();
  /** Called when it begins to close: who waits in no queue of its own. */
  readonly watchers = new Set<() => void>();
  readonly #slots = new Slots();
  readonly #knowledge: Knowledge;
  readonly #reporter: Reporter;
  readonly #turnstile: Turnstile;
  readonly #doors: Doors;
  readonly #landlord: Landlord;
  readonly #rooms: Rooms;
  readonly #pending = new PendingCount();

  constructor(settings: PoolSettings, driver: Driver, clock: Clock) {
    this.settings = settings;
    this.clock = clock;
    this.events = new PoolEvents(settings.name);
    this.late = new LateReports(this.events, this.counters);
    this.endings = new Endings(clock);
    const knowledge = new Knowledge(clock, settings.behindProxy);
    this.dialect = {
      pool: settings.name,
      get system() {
        return knowledge.facts === null ? undefined : knowledge.facts.isMariaDb ? 'mariadb' : 'mysql';
      },
      database: databaseOf(settings.source.known),
      formatter: driver.formatter(settings.source.known),
      strictParams: settings.strictParams,
    };
    const shared = { settings, clock, events: this.events, slots: this.#slots, knowledge };
    const reporter = new Reporter(shared);
    const acquires = new AcquireReports(shared);
    const parts = {
      ...shared,
      reporter,
      acquires,
      trust: new PoolTrust(clock, this.#slots),
      counters: this.counters,
      stacks: this.stacks,
      pending: this.#pending,
    };
    this.#knowledge = knowledge;
    this.#reporter = reporter;
    // The parts and the doors call each other: the doors come first, and find the parts when they are used.
    this.#rooms = {} as Rooms;
    this.#turnstile = new Turnstile(parts, this.#rooms);
    this.#doors = new Doors(parts, this.#rooms, this.#turnstile);
    this.#landlord = new Landlord(parts, this.#rooms, this.#doors, this.dialect);
    Object.assign(this.#rooms, this.#furnish(parts, driver));
    this.#rooms.supply.openMore();
    const { known } = settings.source;
    // Whoever makes a pool can listen to its warnings before the first comes.
    if (known) process.nextTick(() => reporter.hazards(driver.hazards(known)));
  }

  #furnish(parts: PoolParts, driver: Driver): Rooms {
    const { settings, clock, slots, knowledge, trust, reporter } = parts;
    const doors = this.#doors;
    const upkeep = new Upkeep(parts, this.#rooms, doors);
    const crowd = new PoolCrowd(slots, this.#rooms);
    const opener = new Opener(driver, clock, settings, knowledge.pipelining, (config) =>
      reporter.hazards(driver.hazards(config)),
    );
    const isUrgent = () => {
      const { ghost, closing } = slots.counts;
      return queue.size > 0 && slots.size >= settings.max && ghost + closing === slots.size;
    };
    const control = new Control(opener, clock, isUrgent);
    const watch = new Watch(clock, slots);
    const ghosts: Ghosts = new Ghosts(clock, control, {
      onGone: (entry) => closer.laid(entry),
      isDirect: ({ address }) => !address || knowledge.facts?.port === address.port,
      isUrgent,
    });
    const closer = new Closer(clock, slots, ghosts, () => doors.closed());
    const initializer = new Initializer({
      driver,
      dialect: this.dialect,
      onConnect: settings.onConnect,
      knowledge,
      onSurveyed: (survey) => reporter.surveyed(survey),
    });
    const evictor = new Evictor(
      clock,
      () => [settings.idleTimeoutMs, settings.maxLifetimeMs, knowledge.idleLimitMs],
      () => upkeep.sweep(),
    );
    const supply = new Supply(
      { ...parts, closer, opener, initializer },
      {
        pending: () => queue.size,
        onOpened: (entry) => doors.opened(entry),
        // What is in use may come back to those who wait.
        onFailed: (hopeless) =>
          hopeless && crowd.live === 0 ? queue.refuseAll('OPEN_FAILED') : queue.refuseUnqueued(),
        onLost: (entry, error) => doors.lost(entry, error),
        onNoRoom: () => control.giveWay(),
      },
    );
    // No room is left to try another one, where ghosts have it: what could not lay them is what there is to know.
    const lastConnectError = () => supply.lastError ?? (slots.counts.ghost > 0 ? control.lastError : null);
    const queue: Queue = new Queue(parts, {
      dispense: (holder, waiter) => doors.dispense(holder, waiter),
      takeBack: (entry) => doors.takeBackUnused(entry),
      onWaiting: () => upkeep.attend(),
      crowd,
      lastConnectError,
      unreachable: () => lastConnectError() !== null && crowd.inUse === 0,
      complete: () =>
        slots.counts.opening <= slots.size * MOST_REPLACED && (slots.size >= settings.max || supply.makesDo),
    });
    return {
      control,
      queue,
      doubles: new DoubleAcquire(parts, () => queue),
      supply,
      upkeep,
      circumstances: new PoolCircumstances(parts, this.#rooms),
      evictor,
      closer,
      watch,
      renewal: new Renewal(
        { ...parts, trust },
        {
          evict: (entry, reason, detail, cause) => doors.evict(entry, reason, detail, cause),
          onEvicted: () => doors.serve(),
        },
      ),
      validator: new Validator(parts, {
        onAlive: (entry) => doors.validated(entry),
        onDead: (entry, detail, cause) => this.#rooms.renewal.foundDead(entry, detail, cause),
      }),
      drainer: new Drainer(clock, control, this.events, {
        onQuiet: (entry) => doors.sortOut(entry),
        onStuck: (entry, error) => doors.evict(entry, 'undrained', error.message, error),
      }),
      canceller: new Canceller(clock, control, this.events, (entry, cause) =>
        doors.evict(entry, 'undrained', cause.message, cause),
      ),
      resetter: new Resetter(
        { ...parts, initializer },
        {
          onClean: (entry) => doors.cleaned(entry),
          onFailed: (entry, detail, cause) => doors.evict(entry, 'reset-failed', detail, cause),
        },
      ),
      shutdown: new Shutdown(parts, {
        stop: (reason) => {
          evictor.stop();
          queue.refuseAll('POOL_CLOSED');
          supply.stop(reason);
          for (const closed of this.watchers) closed();
        },
        evict: (entry, detail, cause) => doors.evict(entry, 'pool-closed', detail, cause),
        giveUp: () => ghosts.giveUp(),
        finish: () => {
          watch.stop();
          control.close();
        },
      }),
    };
  }

  stats(): PoolStats {
    return snapshot(this.#slots, this.counters, this.settings, this.#rooms.queue.size);
  }

  holders(): HolderReport[] {
    return this.#reporter.holders();
  }

  connections(): ConnectionReport[] {
    return connections(this.#slots, this.#rooms.control.threadId);
  }

  /** What the server said of itself; undefined before the first connection. */
  get server(): ServerFacts | undefined {
    return this.#knowledge.facts ?? undefined;
  }

  /** Gives `acquirer` a connection: now, if one is ready, else when it is its turn. */
  lend(acquirer: Acquirer): void {
    const entry = this.tryDispense(acquirer.holder);
    if (entry) acquirer.granted(entry);
    else this.#rooms.queue.join(acquirer);
  }

  /** Gives `acquirer` a connection when it is its turn, where none was ready when it was tried. */
  join(acquirer: Acquirer): void {
    if (!this.#turnstile.wait(acquirer)) this.#rooms.queue.join(acquirer);
  }

  /** A connection that is ready now, if it is nobody else's turn. */
  tryLend(holder: Holder): Lease | null {
    const entry = this.tryDispense(holder);
    return entry && this.furnish(entry);
  }

  /** The same, bare (`mustBeProven` = one that need not be asked first): to be handled, furnished, or taken back. */
  tryDispense(holder: Holder, mustBeProven = true): Entry | null {
    return this.#turnstile.out(holder, mustBeProven) ?? this.#tryDispenseWithCare(holder, mustBeProven);
  }

  #tryDispenseWithCare(holder: Holder, mustBeProven: boolean): Entry | null {
    return this.#pending.size > 0 ? null : this.#doors.dispense(holder, null, mustBeProven);
  }

  /** A lease in full of what was dispensed: for those who use it. */
  furnish(entry: Entry): Lease {
    return this.#landlord.furnish(entry);
  }

  /** The application's lease of what was dispensed. */
  handle(entry: Entry): LeaseHandle {
    return this.#landlord.handle(entry);
  }

  /** From now on that is known of some. */
  knowOwners(): void {
    this.knowsOwners = true;
    this.#rooms.doubles.watch();
  }

  /** Somebody asks for a connection; called from within the application's call, before `lend` or `tryLend`. */
  asked(holder: Holder): void {
    this.#rooms.doubles.asked(holder);
  }

  get closing(): boolean {
    return this.#rooms.circumstances.closing;
  }

  /** Takes a waiter out of the queue. @returns false if it was not waiting */
  withdraw(acquirer: Acquirer): boolean {
    return this.#rooms.queue.withdraw(acquirer);
  }

  /** A statement, or a BEGIN, goes to another connection, since it was never sent on a dead one. */
  resent(): void {
    this.counters.retried++;
  }

  /** See the public pool's `evictAll`. @returns how many connections are affected */
  evictAll(): number {
    return this.#rooms.renewal.renew('evictAll() was called');
  }

  /** See the public pool's `resize`. @throws {HandbackError} INVALID_OPTION */
  resize(given: unknown): void {
    Object.assign(this.settings, resized(this.settings, given));
    this.#slots.doubt();
    this.#rooms.upkeep.shrink();
  }

  /** See the public pool's `close`. */
  close(timeoutMs: number): Promise<void> {
    return this.#rooms.shutdown.close(timeoutMs);
  }
}
