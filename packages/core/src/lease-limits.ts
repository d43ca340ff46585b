import type { Holder } from './entry.js';
import type { Line } from './line.js';
import type { ScopeSettings } from './options.js';
import { StreamedStatement } from './row-stream.js';
import type { TrackedStatement } from './statement.js';

/** How long a lease, and each of its statements, may take, in ms; 0 = no limit. */
export interface LeaseLimits {
  readonly queryTimeoutMs: number;
  readonly leakAfterMs: number;
  readonly maxHoldMs: number;
  /** How long it may be unused before its owner, if it has one, is told. */
  readonly idleHandBackMs: number;
  /** For how long a statement waits behind a stream whose reader takes no rows. */
  readonly stallMs: number;
}

export const NO_LIMITS: LeaseLimits = {
  queryTimeoutMs: 0,
  leakAfterMs: 0,
  maxHoldMs: 0,
  idleHandBackMs: 0,
  stallMs: 0,
};

/** Even where nobody queues: a reader may be busy with a row for a while. */
export const SHORTEST_STALL_MS = 1_000;

/** The rest of a stream that its reader has left is read to its end for this long, then killed. */
const ABANDONED_MS = 250;

/** A request whose statement never ends keeps its client waiting; a job may well run for hours. */
const REQUEST_QUERY_TIMEOUT_MS = 30_000;

/** Once hijacked, upgraded or a stream of events, a response lasts for as long as its client likes. */
const LONG_LIVED_MS = 1_000;

function limitsOf(settings: ScopeSettings, isRequest: boolean): LeaseLimits {
  const { queryTimeoutMs, leakAfterMs, maxHoldMs, idleHandBackMs, acquireTimeoutMs } = settings;
  return {
    queryTimeoutMs: queryTimeoutMs ?? (isRequest ? REQUEST_QUERY_TIMEOUT_MS : 0),
    leakAfterMs,
    maxHoldMs,
    idleHandBackMs: idleHandBackMs ?? (isRequest ? LONG_LIVED_MS : 0),
    stallMs: Math.max(SHORTEST_STALL_MS, acquireTimeoutMs),
  };
}

/** The limits of each holder. Most are those of the one before, and not put together again. */
export class LimitsBook {
  readonly #pool: ScopeSettings;
  #settings: ScopeSettings;
  #isRequest = false;
  #limits: LeaseLimits;

  constructor(pool: ScopeSettings) {
    this.#pool = pool;
    this.#settings = pool;
    this.#limits = limitsOf(pool, false);
  }

  of({ settings = this.#pool, isRequest = false }: Holder): LeaseLimits {
    if (settings !== this.#settings || isRequest !== this.#isRequest) {
      this.#settings = settings;
      this.#isRequest = isRequest;
      this.#limits = limitsOf(settings, isRequest);
    }
    return this.#limits;
  }
}

/** When the first thing falls due on a lease on which nothing runs, in ms after its beginning. */
export function firstDueMs({ leakAfterMs, maxHoldMs }: ScopeSettings): number {
  return Math.min(after(0, leakAfterMs), after(0, maxHoldMs));
}

/** Unused, but kept for a reason: the reason may go without a statement. */
const LOOK_AGAIN_MS = 1_000;

const NEVER = Number.POSITIVE_INFINITY;

function after(since: number, ms: number): number {
  return ms > 0 ? since + ms : NEVER;
}

/** What falls due on one lease, and when. */
export class LeaseClock {
  /** It was reported as a leak. */
  reported = false;
  /** Somebody is told when it is unused. */
  hasOwner = false;
  #lookedAt = Number.NEGATIVE_INFINITY;
  readonly stallMs: number;
  readonly #limits: LeaseLimits;
  readonly #line: Line;
  readonly #since: number;

  constructor(limits: LeaseLimits, line: Line, since: number) {
    this.#limits = limits;
    this.stallMs = limits.stallMs;
    this.#line = line;
    this.#since = since;
  }

  get dueAt(): number {
    return Math.min(this.statementDueAt, this.stallDueAt, this.#reportDueAt, this.#endsAt, this.idleDueAt);
  }

  /** When it has been unused for long enough to be looked at. */
  get idleDueAt(): number {
    const { size, errandSince, provenAt } = this.#line;
    const { idleHandBackMs } = this.#limits;
    if (!this.hasOwner || idleHandBackMs === 0 || size > 0 || errandSince !== null) return NEVER;
    const since = Math.max(this.#since, provenAt);
    return since > this.#lookedAt ? since + idleHandBackMs : this.#lookedAt + LOOK_AGAIN_MS;
  }

  /** @returns whether it has been unused for that long; if so, it is looked at again a while later */
  isUnused(now: number): boolean {
    const isDue = now >= this.idleDueAt;
    if (isDue) this.#lookedAt = now;
    return isDue;
  }

  /** A stream has its limit for each row: how long reading takes is up to its reader. */
  get statementDueAt(): number {
    const { running, runningSince, errandSince, next } = this.#line;
    if (errandSince !== null)
      return after(errandSince, next ? this.limitOf(next) : this.#limits.queryTimeoutMs);
    if (!running || running.givenUp) return NEVER;
    if (running instanceof StreamedStatement) return this.#rowDueAt(running);
    return after(runningSince, this.limitOf(running));
  }

  #rowDueAt(stream: StreamedStatement): number {
    if (!stream.isAbandoned) return after(stream.awaitedSince, this.limitOf(stream));
    const since = stream.rows > 0 ? stream.abandonedAt : this.#line.runningSince;
    return Math.min(after(since, this.limitOf(stream)), this.restDueAt);
  }

  /** When the rest of a query that its reader has left has been read for long enough. */
  get restDueAt(): number {
    const { running } = this.#line;
    return running instanceof StreamedStatement && running.shape.stoppable
      ? running.abandonedAt + ABANDONED_MS
      : NEVER;
  }

  /** Statements wait for the end of a stream, and that for its reader. */
  get stallDueAt(): number {
    const { running, waitingSince } = this.#line;
    if (!(running instanceof StreamedStatement) || waitingSince === null) return NEVER;
    return after(Math.max(running.pausedAt, waitingSince), this.stallMs);
  }

  limitOf(statement: TrackedStatement): number {
    return statement.timeoutMs ?? this.#limits.queryTimeoutMs;
  }

  isReportDue(now: number): boolean {
    return now >= this.#reportDueAt;
  }

  isOver(now: number): boolean {
    return now >= this.#endsAt;
  }

  get #reportDueAt(): number {
    return this.reported ? NEVER : after(this.#since, this.#limits.leakAfterMs);
  }

  get #endsAt(): number {
    return after(this.#since, this.#limits.maxHoldMs);
  }
}
