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
}

/** A request whose statement never ends keeps its client waiting; a job may well run for hours. */
const REQUEST_QUERY_TIMEOUT_MS = 30_000;

/** Once hijacked, upgraded or a stream of events, a response lasts for as long as its client likes. */
const LONG_LIVED_MS = 1_000;

export function limitsOf(holder: Holder, pool: ScopeSettings): LeaseLimits {
  const { queryTimeoutMs, leakAfterMs, maxHoldMs, idleHandBackMs } = holder.settings ?? pool;
  return {
    queryTimeoutMs: queryTimeoutMs ?? (holder.isRequest ? REQUEST_QUERY_TIMEOUT_MS : 0),
    leakAfterMs,
    maxHoldMs,
    idleHandBackMs: idleHandBackMs ?? (holder.isRequest ? LONG_LIVED_MS : 0),
  };
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
  readonly #limits: LeaseLimits;
  readonly #line: Line;
  readonly #since: number;

  constructor(limits: LeaseLimits, line: Line, since: number) {
    this.#limits = limits;
    this.#line = line;
    this.#since = since;
  }

  get dueAt(): number {
    return Math.min(this.statementDueAt, this.#reportDueAt, this.#endsAt, this.idleDueAt);
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

  /**
   * A stream has its limit until its first row: how long reading takes is up to its reader. When that one has left
   * early, the rows that are left have it once more.
   */
  get statementDueAt(): number {
    const { running, runningSince, errandSince, next } = this.#line;
    if (errandSince !== null)
      return after(errandSince, next ? this.limitOf(next) : this.#limits.queryTimeoutMs);
    if (!running || running.givenUp) return NEVER;
    if (running instanceof StreamedStatement && running.rows > 0)
      return after(running.abandonedAt, this.limitOf(running));
    return after(runningSince, this.limitOf(running));
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
