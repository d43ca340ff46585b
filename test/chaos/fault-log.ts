import type { PlannedFault } from './faults/schedule.js';
import type { Stage } from './faults/stage.js';
import type { FaultName, FaultWindow, Span } from './types.js';

/** Those in which nobody can connect, and whose attempts the proxy sees: a proxy that refuses sees none. */
const outages: ReadonlySet<FaultName> = new Set(['restart', 'account'] as const);

/** Attempts are counted by whole seconds, once the pool can know; and a fault may begin a little late. */
const longMs = 2_000;

export function isLongOutage({ fault, lastsMs }: PlannedFault): boolean {
  return outages.has(fault) && lastsMs >= longMs;
}

/** When which fault was at work. */
export class FaultLog {
  readonly windows: FaultWindow[] = [];
  readonly #since = new Map<FaultName, number>();
  #round: readonly PlannedFault[] = [];
  #startedAt = 0;

  beginRound(round: readonly PlannedFault[]): void {
    this.#round = round;
    this.#startedAt = Date.now();
  }

  active(faults: FaultName[]): void {
    const now = Date.now();
    for (const fault of faults) if (!this.#since.has(fault)) this.#since.set(fault, now);
    for (const [fault, from] of this.#since) {
      if (faults.includes(fault)) continue;
      this.#since.delete(fault);
      this.windows.push({ fault, from, to: Math.min(now, this.#healingBegins(fault, from)) });
    }
  }

  /** Healing takes a while, in which the server may be back already. */
  #healingBegins(fault: FaultName, from: number): number {
    const ends = this.#round
      .filter((planned) => planned.fault === fault)
      .map(({ at, lastsMs }) => this.#startedAt + at + lastsMs)
      .filter((end) => end > from);
    return Math.min(...ends, Number.POSITIVE_INFINITY);
  }

  get outages(): Span[] {
    return this.windows.filter(({ fault }) => outages.has(fault));
  }

  /** When somebody tried to connect, in ms since the epoch. */
  attempts({ proxy }: Stage): number[] {
    return proxy.attempts.map((at) => performance.timeOrigin + at);
  }
}
