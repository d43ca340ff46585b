import { Backoff } from './backoff.js';
import { isTraced, type OpenTrace, traceBegins, traceEnds } from './channels.js';
import type { Clock } from './clock.js';
import type { Closer } from './closer.js';
import type { DriverConnection, OpenDone } from './driver.js';
import { Entry } from './entry.js';
import { isHopeless } from './error-classes.js';
import type { PoolEvents } from './events.js';
import type { Initializer } from './initializer.js';
import type { Knowledge } from './knowledge.js';
import { outsideRequests } from './neutral.js';
import type { Opener } from './opener.js';
import type { PoolSettings } from './options.js';
import { LIFETIME_JITTER, opensWanted, type Trust } from './policy.js';
import type { Reporter } from './reporter.js';
import type { Slots } from './slots.js';

/** Lost unused when older than this, a connection says nothing about new ones. */
const YOUNG_MS = 10_000;

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
  /** There is no room, and nothing to serve with. @returns whether that has freed a place of the pool's own */
  onNoRoom(): boolean;
}

/** Decides when to open connections, and opens them. */
export class Supply {
  readonly #parts: SupplyParts;
  readonly #hooks: SupplyHooks;
  readonly #backoff: Backoff;
  readonly #giveUp = new Map<Entry, (reason: Error) => void>();
  #nextId = 1;
  #stopped = false;
  /** Connections lost within this moment; null = no such moment. */
  #losses: number | null = null;

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
    return this.pausing && isHopeless(this.#backoff.failure);
  }

  /** The last attempt failed, and the next one is not due yet. */
  get backingOff(): boolean {
    return this.#backoff.failing && this.#backoff.waiting;
  }

  /** The server has no room for more, and those that there are serve. */
  get makesDo(): boolean {
    return this.#backoff.makesDo;
  }

  /** The next attempt has to wait. */
  get pausing(): boolean {
    return this.#backoff.waiting;
  }

  /** Somebody waits: don't sleep on an attempt that was put off because nobody did. */
  attend(): void {
    this.#backoff.attend();
    this.openMore();
  }

  openMore(): void {
    if (this.#stopped) return;
    if (this.#backoff.makesDo && !this.#isServing) this.#backoff.placeFreed();
    if (this.#backoff.waiting || this.#losses !== null) return;
    const { slots, settings } = this.#parts;
    if (slots.size >= settings.max) return;
    const { opening, idle, resetting, validating } = slots.counts;
    const demand = {
      pending: this.#hooks.pending(),
      opening,
      idle,
      coming: resetting + validating,
      size: slots.size,
      doubtful: this.#backoff.doubtful,
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

  /** A connection was lost without warning. When the end of others has been read too, it is known whether it was alone. */
  lost(): void {
    if (this.#stopped) return;
    if (this.#losses !== null) {
      this.#losses++;
      return;
    }
    this.#losses = 1;
    const { clock } = this.#parts;
    clock.soon(() => clock.soon(() => this.#countLosses()));
  }

  #countLosses(): void {
    const all = (this.#losses ?? 0) > 1 && !this.#isServing;
    this.#losses = null;
    if (this.#stopped) return;
    if (all) this.#backoff.lostAll();
    this.openMore();
  }

  /** A connection died before anybody used it: a server that hangs up must not be redialled in a loop. */
  stillborn(entry: Entry, detail: string): void {
    const age = this.#parts.clock.now() - entry.bornAt;
    if (this.#stopped || this.#backoff.waiting || age >= YOUNG_MS) return;
    const error = Object.assign(new Error(detail), { code: 'PROTOCOL_CONNECTION_LOST' });
    this.#backoff.failed(error, this.#hooks.pending() > 0, this.#isServing);
  }

  /** A lease may be held on after its connection was lost. */
  get #isServing(): boolean {
    for (const { connection, state } of this.#parts.slots.all) {
      if (state !== 'opening' && state !== 'closing' && connection?.isUsable()) return true;
    }
    return false;
  }

  /** An open belongs to the pool, not to whoever asked: it goes on when that one gives up. */
  #open(): void {
    const { clock, settings, slots, opener, initializer, knowledge, trust } = this.#parts;
    const entry = new Entry(this.#nextId++, clock.now(), trust.generation, knowledge);
    slots.add(entry);
    const done: OpenDone = (error, connection) => {
      this.#giveUp.delete(entry);
      if (connection && !error) this.#opened(entry, connection);
      else this.#failed(entry, error ?? new Error('no connection'), connection);
    };
    // The first one after an outage is waited for: the look around, which takes long with many tables, is not.
    const urgent = this.#backoff.doubtful && knowledge.facts !== null;
    const prepare = async (connection: DriverConnection) => {
      const isAwaited = this.#hooks.pending() > 0;
      entry.session.opened(await initializer.initialize(connection, urgent && isAwaited));
    };
    this.#giveUp.set(entry, opener.open(trace(entry, settings.name, done), { prepare }));
  }

  #opened(entry: Entry, connection: DriverConnection): void {
    const { clock, events, settings } = this.#parts;
    const now = clock.now();
    entry.connection = connection;
    entry.provenAt = now;
    connection.onLost = (error) => this.#hooks.onLost(entry, error);
    if (settings.maxLifetimeMs > 0) {
      entry.outlivedAt = now + settings.maxLifetimeMs;
      entry.expiresAt = entry.outlivedAt - settings.maxLifetimeMs * LIFETIME_JITTER * clock.random();
    }
    this.#backoff.succeeded(entry.bornAt);
    if (events.heard('open')) {
      events.tell('open', {
        connection: entry.id,
        threadId: connection.threadId,
        durationMs: now - entry.bornAt,
      });
    }
    this.#hooks.onOpened(entry);
    const { lastError, failure, retryInMs } = this.#backoff;
    if (lastError && failure === 'full') this.#parts.reporter.noRoom(lastError, retryInMs);
  }

  #failed(entry: Entry, error: Error, unprepared?: DriverConnection): void {
    const { events, slots, closer, knowledge, reporter } = this.#parts;
    if (!unprepared) slots.move(entry, 'closing');
    if (!this.#stopped) {
      knowledge.doubt();
      const retryInMs = this.#retryIn(error);
      if (this.#backoff.failure === 'full') reporter.noRoom(error, retryInMs);
      if (events.heard('openFailed')) {
        events.tell('openFailed', { error, attempt: this.#backoff.attempts, retryInMs });
      }
    }
    if (unprepared) this.#discard(entry, unprepared, error);
    else closer.finish(entry);
    if (!this.#stopped) this.#hooks.onFailed(isHopeless(this.#backoff.failure));
  }

  #retryIn(error: Error): number {
    const serving = this.#isServing;
    const retryInMs = this.#backoff.failed(error, this.#hooks.pending() > 0, serving);
    const isFull = this.#backoff.failure === 'full';
    return isFull && !serving && this.#hooks.onNoRoom() ? this.#backoff.placeFreed() : retryInMs;
  }

  /** What `onConnect` has begun there may run on. */
  #discard(entry: Entry, connection: DriverConnection, error: Error): void {
    entry.connection = connection;
    connection.onLost = (cause) => this.#hooks.onLost(entry, cause);
    this.#parts.closer.close(entry, error);
  }
}

/** `done`, which tells of its attempt whoever traces those. */
function trace(entry: Entry, pool: string, done: OpenDone): OpenDone {
  if (!isTraced('open')) return done;
  const message: OpenTrace = { pool, connection: entry.id };
  return outsideRequests(() =>
    traceBegins('open', message, () => (error: Error | null, connection?: DriverConnection) => {
      if (connection) message.threadId = connection.threadId;
      traceEnds('open', message, error);
      done(error, connection);
    }),
  );
}
