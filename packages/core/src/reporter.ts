import { UNKNOWN } from './call-site.js';
import type { Clock } from './clock.js';
import type { Survey } from './driver.js';
import type { Entry, Holding } from './entry.js';
import { type DoubleAcquireReport, HandbackError, type HolderReport, type PoolReport } from './errors.js';
import type { PoolEventMap, PoolEvents } from './events.js';
import type { Knowledge } from './knowledge.js';
import type { Lease } from './lease.js';
import { leaseFacts } from './lease-facts.js';
import type { PoolSettings } from './options.js';
import type { Owner } from './owner.js';
import type { Refusal } from './policy.js';
import { describe, describeHolder, holderReport, holders, poolReport } from './report.js';
import { contradictions, roomFor } from './server-facts.js';
import type { Slots } from './slots.js';

/** Shown to the public by the frameworks: nothing about the pool's inside. */
const MESSAGES: Readonly<Record<Refusal, string>> = {
  ACQUIRE_TIMEOUT: 'No database connection became free in time.',
  QUEUE_FULL: 'Too many requests are waiting for a database connection.',
  OVERLOADED: 'More requests are coming than the database can serve.',
  OPEN_FAILED: 'The database cannot be reached.',
  POOL_CLOSED: 'The database pool is closed.',
  DOUBLE_ACQUIRE:
    'A database connection was asked for by a request that holds one, while all that hold one wait for another.',
};

const NO_BACKSLASHES =
  "the session's sql_mode has NO_BACKSLASH_ESCAPES. query() and stream() write their values for it, but format() and escape(), here and in mysql2, escape with backslashes: text that goes into SQL through them can end its literal. Use placeholders, or SET SESSION sql_mode without it in onConnect.";

/** What is known of a lease on which nothing was sent. */
const UNUSED = { usedMs: 0, statements: 0 } as const;

const WARN_EVERY_MS = 1_000;
/** What was said once is remembered; this bounds what an application without route patterns could make of it, of each kind. */
const REMEMBERED = 1_000;

export interface ReporterParts {
  readonly settings: PoolSettings;
  readonly clock: Clock;
  readonly events: PoolEvents;
  readonly slots: Slots;
  readonly knowledge: Knowledge;
}

export interface Refused {
  readonly owner: Owner | undefined;
  readonly waitedMs: number;
  readonly timeoutMs: number;
  readonly pending: number;
  /** Hand-overs a second to those who waited; 0 = not known. */
  readonly rate: number;
  readonly retryAfterSeconds: number;
  readonly lastConnectError: Error | null;
  /** Who holds connections, looked up once for all who are refused together. */
  readonly held?: HolderReport[] | undefined;
}

/** Says in errors, events and warnings what the pool knows. */
export class Reporter {
  readonly #parts: ReporterParts;
  readonly #said = new Map<PoolEventMap['warning'][0]['code'], Set<string>>();
  #warnedAt = Number.NEGATIVE_INFINITY;
  #unsaid = 0;

  constructor(parts: ReporterParts) {
    this.#parts = parts;
  }

  holders(): HolderReport[] {
    return holders(this.#parts.slots, this.#parts.clock.now());
  }

  refusal(code: Refusal, refused: Refused): HandbackError {
    const { settings, slots, clock } = this.#parts;
    if (code === 'POOL_CLOSED') return new HandbackError(code, MESSAGES[code]);
    const report = poolReport({ settings, slots, now: clock.now(), ...refused });
    const { lastConnectError: cause, retryAfterSeconds } = refused;
    const facts = { report, retryAfterSeconds };
    const error = new HandbackError(code, MESSAGES[code], cause ? { ...facts, cause } : facts);
    this.#warn(code, report, refused.owner);
    return error;
  }

  /** Once a second at most: an exhausted pool refuses hundreds. */
  #warn(code: Refusal, report: PoolReport, owner: Owner | undefined): void {
    const { clock, events } = this.#parts;
    const now = clock.now();
    if (now - this.#warnedAt < WARN_EVERY_MS) {
      this.#unsaid++;
      return;
    }
    const more = this.#unsaid > 0 ? ` (and ${this.#unsaid} more refused since the last report)` : '';
    this.#warnedAt = now;
    this.#unsaid = 0;
    // Each error has the oldest holders, the operator gets all.
    const all = holders(this.#parts.slots, now, owner);
    events.warn({ code, message: `${describe(report)}${more}`, report: { ...report, holders: all } });
  }

  /** Each time as an event, once per route as a warning. */
  openTransaction(entry: Entry): void {
    const { events } = this.#parts;
    const statement = entry.session.openedBy;
    const { facts } = entry;
    const { route } = facts;
    if (events.heard('rollback')) events.tell('rollback', { connection: entry.id, ...facts, statement });
    this.#once(`open transaction ${route}`, {
      code: 'OPEN_TRANSACTION',
      message: `${route} left a transaction open (begun by ${statement ?? 'an unknown statement'}); it was rolled back. Said once per route.`,
    });
  }

  /** Each time as an event, once per route and pair of places as a warning. */
  doubleAcquire({ route, first, second }: DoubleAcquireReport): void {
    const { events, settings } = this.#parts;
    const report = { route, first: first || UNKNOWN, second };
    if (events.heard('doubleAcquire')) events.tell('doubleAcquire', report);
    this.#once(`double acquire ${route} ${first} ${second}`, {
      code: 'DOUBLE_ACQUIRE',
      message: `${route} holds a connection of pool '${settings.name}', asked for at ${report.first}, and asks for another at ${second}. When ${settings.max} of them (max) do so at the same time each waits for the others, until acquireTimeoutMs. Use the one connection for both, or give it back first (release()); with onDoubleAcquire: 'allow' this is not said. Once per route and places.`,
    });
  }

  /** The server refuses another connection: the pool makes do with those it has. */
  noRoom(error: Error, retryInMs: number): void {
    const { settings, slots, knowledge } = this.#parts;
    const { opening, closing } = slots.counts;
    // How many there is room for is known when the last of them has got in, or has not.
    if (opening > 0) return;
    const facts = knowledge.facts;
    const limits =
      facts && !knowledge.behindProxy
        ? `max_connections ${facts.maxConnections}, max_user_connections ${facts.maxUserConnections || 'unlimited'}: ${roomFor(facts, settings.max)}`
        : 'its limits are not known';
    const held = slots.size - closing;
    this.#once(`no room for ${held}`, {
      code: 'NO_ROOM',
      message: `pool '${settings.name}': the server has no room for another connection (${error.message}; ${limits}). The pool has ${held} of at most ${settings.max}, makes do with them and tries again in ${Math.round(retryInMs)} ms.`,
    });
  }

  /** Where the options contradict the server, or the pool can't see. */
  surveyed({ facts, reach }: Survey): void {
    const { settings, knowledge } = this.#parts;
    if (!settings.behindProxy && knowledge.proxy !== null) this.#proxyFound(knowledge.proxy);
    const said = facts && !knowledge.behindProxy ? contradictions(facts, settings) : [];
    if (reach.blind) said.push(reach.blind);
    for (const each of said)
      this.#once(each, { code: 'SERVER_LIMITS', message: `pool '${settings.name}': ${each}` });
    if (facts && /\bNO_BACKSLASH_ESCAPES\b/.test(facts.sqlMode)) this.hazards([NO_BACKSLASHES]);
  }

  #proxyFound(sign: string): void {
    this.#once(`proxy ${sign}`, {
      code: 'BEHIND_PROXY',
      message: `pool '${this.#parts.settings.name}': something stands between it and the server (${sign}): limits and timeouts are not compared with the server's. With behindProxy: true this is not said.`,
    });
  }

  /** Once per route and reason. */
  pinned(route: string, what: string): void {
    this.#once(`pinned ${route} ${what}`, {
      code: 'PINNED',
      message: `${route} makes a proxy keep a connection for one client alone: it uses ${what}. Said once per route and reason.`,
    });
  }

  /** What takes a protection away, once each. */
  hazards(found: readonly string[]): void {
    const { name } = this.#parts.settings;
    for (const each of found)
      this.#once(each, { code: 'UNSAFE_SETTING', message: `pool '${name}': ${each}` });
  }

  /** Of this version of the driver: cleaning can't go by it. */
  statusHidden(): void {
    this.#once('status hidden', {
      code: 'STATUS_HIDDEN',
      message: `pool '${this.#parts.settings.name}': this version of mysql2 does not show the server's status as expected; every connection is rolled back and reset after use.`,
    });
  }

  #once(key: string, warning: PoolEventMap['warning'][0]): void {
    const said = this.#said.get(warning.code) ?? new Set();
    this.#said.set(warning.code, said);
    if (said.has(key) || said.size >= REMEMBERED) return;
    said.add(key);
    this.#parts.events.warn(warning);
  }

  /** Held longer than `leakAfterMs`: each time as an event, once per route as a warning. */
  leaked(holding: Holding, entry: Entry): void {
    const { events, clock, settings } = this.#parts;
    const report = {
      ...holderReport(entry, clock.now()),
      lease: entry.lease,
      connection: entry.id,
    };
    const why = holding.whyHeld === undefined ? '' : `: ${holding.whyHeld.replace(/\.$/, '')}`;
    events.tell('leak', report);
    this.#once(`leak ${report.route}`, {
      code: 'LEAK',
      message: `pool '${settings.name}': a connection is held by ${describeHolder(report)}, statements so far: ${report.statements}${describeActivity(report)}${why}${describePlace(entry)}. Reported after leakAfterMs, once per route.`,
    });
  }

  /** A lease was dropped without a release: each time, since each is a defect of the application. */
  forgotten(entry: Entry): void {
    const { events, clock } = this.#parts;
    const report = holderReport(entry, clock.now());
    events.warn({
      code: 'LEAK',
      message: `A lease was dropped without release(): ${describeHolder(report)}. It was taken back.`,
    });
  }

  /** What was reported has come back. */
  unleaked({ since, holder }: Lease, { id, lease }: Entry): void {
    const { events, clock } = this.#parts;
    // Its entry may have been taken away from it.
    const facts = leaseFacts(lease, holder);
    events.tell('unleak', { connection: id, ...facts, heldMs: clock.now() - since });
  }

  released(entry: Entry, clean: boolean): void {
    const { events, clock } = this.#parts;
    if (!events.hearsRelease || !entry.holder) return;
    const { id, facts, heldSince, holding } = entry;
    const heldMs = clock.now() - heldSince;
    const { usedMs, statements } = holding ?? UNUSED;
    events.tell('release', { connection: id, ...facts, heldMs, usedMs, statements, clean });
  }
}

function describeActivity({ sinceStatementMs }: HolderReport): string {
  return sinceStatementMs === undefined ? '' : ` (the last one ${sinceStatementMs} ms ago)`;
}

function describePlace({ holder }: Entry): string {
  return holder?.site ? `; asked for at ${holder.site}` : '';
}
