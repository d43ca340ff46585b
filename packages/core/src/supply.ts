import { Backoff } from './backoff.js';
import type { Clock } from './clock.js';
import type { Closer } from './closer.js';
import type { DriverConnection, OpenDone } from './driver.js';
import { Entry } from './entry.js';
import type { PoolEvents } from './events.js';
import type { Initializer } from './initializer.js';
import type { Knowledge } from './knowledge.js';
import type { Opener } from './opener.js';
import type { PoolSettings } from './options.js';
import { opensWanted, type Trust } from './policy.js';
import type { Reporter } from './reporter.js';
import type { Slots } from './slots.js';

/** New lifetimes are shortened by up to this share, so that connections born together don't die together. */
const LIFETIME_JITTER = 0.1;

export interface SupplyParts {
  readonly settings: PoolSettings;
  readonly clock: Clock;
  readonly events: PoolEvents;
  readonly slots: Slots;
  readonly closer: Closer;
  readonly opener: Opener;
  readonly initializer: Initializer;
  readonly knowledge: Knowledge;
  readonly reporter: Reporter;
  readonly trust: Trust;
}

export interface SupplyHooks {
  pending(): number;
  /** A fresh connection, its entry still `opening`. */
  onOpened(entry: Entry): void;
  /** An attempt failed; `hopeless` = in a way that waiting will not mend. */
  onFailed(hopeless: boolean): void;
  onLost(entry: Entry, error: Error): void;
}

/** Decides when to open connections, and opens them. */
export class Supply {
  readonly #parts: SupplyParts;
  readonly #hooks: SupplyHooks;
  readonly #backoff: Backoff;
  readonly #giveUp = new Map<Entry, (reason: Error) => void>();
  #nextId = 1;
  #stopped = false;

  constructor(parts: SupplyParts, hooks: SupplyHooks) {
    this.#parts = parts;
    this.#hooks = hooks;
    this.#backoff = new Backoff(parts.clock, () => this.openMore());
  }

  /** The failure to connect that still stands. */
  get lastError(): Error | null {
    return this.#backoff.lastError;
  }

  /** The last attempt failed for good, and the next one is not due yet. */
  get hopeless(): boolean {
    return this.#backoff.failure === 'lasting' && this.#backoff.waiting;
  }

  /** The last attempt failed, and the next one is not due yet. */
  get backingOff(): boolean {
    return this.#backoff.waiting;
  }

  /** Somebody waits: don't sleep on an attempt that was put off because nobody did. */
  attend(): void {
    this.#backoff.attend();
    this.openMore();
  }

  openMore(): void {
    if (this.#stopped || this.#backoff.waiting) return;
    const { slots, settings } = this.#parts;
    const { opening, idle, resetting, validating } = slots.counts;
    const demand = {
      pending: this.#hooks.pending(),
      opening,
      idle,
      coming: resetting + validating,
      size: slots.size,
      failing: this.#backoff.failing,
    };
    const wanted = opensWanted(demand, settings);
    for (let n = 0; n < wanted; n++) this.#open();
  }

  /** No more opens; those under way are given up. */
  stop(reason: Error): void {
    this.#stopped = true;
    this.#backoff.stop();
    for (const giveUp of this.#giveUp.values()) giveUp(reason);
  }

  /** A connection died before anybody used it: a server that hangs up must not be redialled in a loop. */
  stillborn(detail: string): void {
    if (this.#stopped) return;
    const error = Object.assign(new Error(detail), { code: 'PROTOCOL_CONNECTION_LOST' });
    this.#backoff.failed(error, this.#hooks.pending() > 0, this.#isServing);
  }

  get #isServing(): boolean {
    const { counts, size } = this.#parts.slots;
    return size - counts.opening - counts.closing - counts.ghost > 0;
  }

  /** An open belongs to the pool, not to whoever asked: it goes on when that one gives up. */
  #open(): void {
    const { clock, slots, opener, initializer, knowledge, trust } = this.#parts;
    const entry = new Entry(this.#nextId++, clock.now(), trust.generation, knowledge);
    slots.add(entry);
    const done: OpenDone = (error, connection) => {
      this.#giveUp.delete(entry);
      if (connection && !error) this.#opened(entry, connection);
      else this.#failed(entry, error ?? new Error('no connection'), connection);
    };
    const prepare = async (connection: DriverConnection) => {
      entry.session.opened(await initializer.initialize(connection));
    };
    this.#giveUp.set(entry, opener.open(done, { prepare }));
  }

  #opened(entry: Entry, connection: DriverConnection): void {
    const { clock, events, settings } = this.#parts;
    const now = clock.now();
    entry.connection = connection;
    entry.provenAt = now;
    connection.onLost = (error) => this.#hooks.onLost(entry, error);
    if (settings.maxLifetimeMs > 0) {
      entry.expiresAt = now + settings.maxLifetimeMs * (1 - LIFETIME_JITTER * clock.random());
    }
    this.#backoff.succeeded();
    if (events.heard('open')) {
      events.tell('open', {
        connection: entry.id,
        threadId: connection.threadId,
        durationMs: now - entry.bornAt,
      });
    }
    this.#hooks.onOpened(entry);
  }

  #failed(entry: Entry, error: Error, unprepared?: DriverConnection): void {
    const { events, slots, closer, knowledge, reporter } = this.#parts;
    if (!unprepared) slots.move(entry, 'closing');
    if (!this.#stopped) {
      knowledge.doubt();
      const retryInMs = this.#backoff.failed(error, this.#hooks.pending() > 0, this.#isServing);
      if (this.#backoff.failure === 'full') reporter.noRoom(error, retryInMs);
      if (events.heard('openFailed')) {
        events.tell('openFailed', { error, attempt: this.#backoff.attempts, retryInMs });
      }
    }
    if (unprepared) this.#discard(entry, unprepared, error);
    else closer.finish(entry);
    if (!this.#stopped) this.#hooks.onFailed(this.#backoff.failure === 'lasting');
  }

  /** What `onConnect` has begun there may run on. */
  #discard(entry: Entry, connection: DriverConnection, error: Error): void {
    entry.connection = connection;
    connection.onLost = (cause) => this.#hooks.onLost(entry, cause);
    this.#parts.closer.close(entry, error);
  }
}
