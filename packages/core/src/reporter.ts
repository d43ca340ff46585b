import type { Clock } from './clock.js';
import type { Entry } from './entry.js';
import { HandbackError, type HolderReport, type PoolReport } from './errors.js';
import type { PoolEvents } from './events.js';
import type { PoolSettings } from './options.js';
import type { Refusal } from './policy.js';
import { describe, holders, poolReport } from './report.js';
import type { Slots } from './slots.js';

/** Shown to the public by the frameworks: nothing about the pool's inside. */
const MESSAGES: Readonly<Record<Refusal, string>> = {
  ACQUIRE_TIMEOUT: 'No database connection became free in time.',
  QUEUE_FULL: 'Too many requests are waiting for a database connection.',
  OPEN_FAILED: 'The database cannot be reached.',
  POOL_CLOSED: 'The database pool is closed.',
};

const WARN_EVERY_MS = 1_000;
/** Routes are few; this bounds what an application without route patterns could make of them. */
const REMEMBERED_ROUTES = 1_000;

export interface ReporterParts {
  readonly settings: PoolSettings;
  readonly clock: Clock;
  readonly events: PoolEvents;
  readonly slots: Slots;
}

export interface Refused {
  readonly route: string;
  readonly waitedMs: number;
  readonly pending: number;
  readonly lastConnectError: Error | null;
}

/** Says in errors, events and warnings what the pool knows. */
export class Reporter {
  readonly #parts: ReporterParts;
  readonly #routesWithOpenTransaction = new Set<string>();
  #warnedAt = Number.NEGATIVE_INFINITY;
  #unsaid = 0;

  constructor(parts: ReporterParts) {
    this.#parts = parts;
  }

  holders(): HolderReport[] {
    return holders(this.#parts.slots, this.#parts.clock.now());
  }

  refusal(code: Refusal, refused: Refused): HandbackError {
    const { settings, slots, clock, events } = this.#parts;
    if (code === 'POOL_CLOSED') return new HandbackError(code, MESSAGES[code]);
    const report = poolReport({ settings, slots, now: clock.now(), ...refused });
    const cause = refused.lastConnectError;
    const error = new HandbackError(code, MESSAGES[code], cause ? { report, cause } : { report });
    if (events.heard('acquireFailed')) events.tell('acquireFailed', { route: refused.route, error });
    this.#warn(code, report);
    return error;
  }

  /** Once a second at most: an exhausted pool refuses hundreds. */
  #warn(code: Refusal, report: PoolReport): void {
    const { clock, events } = this.#parts;
    const now = clock.now();
    if (now - this.#warnedAt < WARN_EVERY_MS) {
      this.#unsaid++;
      return;
    }
    const more = this.#unsaid > 0 ? ` (and ${this.#unsaid} more refused since the last report)` : '';
    this.#warnedAt = now;
    this.#unsaid = 0;
    events.warn({ code, message: `${describe(report)}${more}`, report });
  }

  /** Each time as an event, once per route as a warning. */
  openTransaction(entry: Entry): void {
    const { events } = this.#parts;
    const route = entry.holding?.holder.route ?? '(none)';
    const statement = entry.session.openedBy;
    if (events.heard('rollback')) events.tell('rollback', { connection: entry.id, route, statement });
    if (this.#routesWithOpenTransaction.has(route)) return;
    if (this.#routesWithOpenTransaction.size < REMEMBERED_ROUTES) this.#routesWithOpenTransaction.add(route);
    events.warn({
      code: 'OPEN_TRANSACTION',
      message: `${route} left a transaction open (begun by ${statement ?? 'an unknown statement'}); it was rolled back. Said once per route.`,
    });
  }

  released(entry: Entry, clean: boolean): void {
    const { events, clock } = this.#parts;
    if (!entry.holding || !events.heard('release')) return;
    const { holder, since } = entry.holding;
    events.tell('release', { connection: entry.id, route: holder.route, heldMs: clock.now() - since, clean });
  }
}
