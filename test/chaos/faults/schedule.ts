import { Random } from '../random.js';
import type { FaultName } from '../types.js';
import { areCompatible, rules } from './rules.js';

export interface PlanOptions {
  seed: number;
  durationMs: number;
  faults: readonly FaultName[];
  /** Faults at work at a time. */
  atMost?: number;
  /** Between the start of one and the start of the next. */
  everyMs?: readonly [number, number];
  /** In each of these, the last `healedWindowMs` are free of faults. */
  healedWindowEveryMs?: number;
  healedWindowMs?: number;
  /** None lasts longer than that. */
  longestMs?: number;
  /** What healing may take: only then is the fault over for those that come after it. */
  healMs?: number;
}

export interface PlannedFault {
  /** From the start of the run. */
  at: number;
  fault: FaultName;
  lastsMs: number;
}

const defaults = {
  atMost: 2,
  everyMs: [1_000, 5_000] as readonly [number, number],
  healedWindowEveryMs: 60_000,
  healedWindowMs: 10_000,
  longestMs: Number.POSITIVE_INFINITY,
  healMs: 1_500,
};

/** Which fault is at work when. The same options give the same plan. */
export function plan(options: PlanOptions): PlannedFault[] {
  return new Planner({ ...defaults, ...options }).plan();
}

class Planner {
  readonly #options: Required<PlanOptions>;
  readonly #random: Random;
  readonly #planned: PlannedFault[] = [];
  /** Faults still to come, in order, before any comes again. */
  #deck: FaultName[] = [];

  constructor(options: Required<PlanOptions>) {
    if (options.faults.length === 0) throw new RangeError('a plan needs faults');
    this.#options = options;
    this.#random = new Random(options.seed);
  }

  plan(): PlannedFault[] {
    const { durationMs } = this.#options;
    let at = this.#pause();
    while (at < durationMs) {
      const next = this.#next(at);
      if (next) this.#planned.push(next);
      at = next ? next.at + this.#pause() : this.#endOfWindow(at);
    }
    return this.#planned;
  }

  /** The first of the deck that has its time before the healed window. Those it overtakes are first behind it. */
  #next(from: number): PlannedFault | undefined {
    if (this.#deck.length === 0) this.#deck = this.#random.sample(this.#options.faults);
    for (const fault of this.#deck) {
      const at = this.#whenFree(fault, from);
      const lastsMs = this.#lasting(fault, at);
      if (lastsMs === undefined) continue;
      this.#deck.splice(this.#deck.indexOf(fault), 1);
      return { at, fault, lastsMs };
    }
    return undefined;
  }

  #whenFree(fault: FaultName, from: number): number {
    const { atMost } = this.#options;
    for (let at = from; ; ) {
      const active = this.#planned.filter((planned) => this.#end(planned) > at);
      const hindering = active.filter((planned) => !areCompatible(planned.fault, fault));
      const inTheWay = active.length >= atMost ? active : hindering;
      if (inTheWay.length === 0) return at;
      at = Math.min(...inTheWay.map((planned) => this.#end(planned)));
    }
  }

  /** Undefined when there is no time for it. */
  #lasting(fault: FaultName, at: number): number | undefined {
    const { longestMs, healMs } = this.#options;
    const [least, most] = rules[fault].durationMs;
    const room = Math.min(longestMs, this.#startOfWindow(at) - at - healMs);
    const drawn = this.#random.int(least, most);
    return room < Math.min(least, longestMs) ? undefined : Math.min(drawn, room);
  }

  #end({ at, lastsMs }: PlannedFault): number {
    return at + lastsMs + this.#options.healMs;
  }

  /** Of the window in the period of this moment; the run's end is one too. */
  #startOfWindow(at: number): number {
    const { healedWindowMs, durationMs } = this.#options;
    return Math.min(this.#endOfWindow(at), durationMs) - healedWindowMs;
  }

  #endOfWindow(at: number): number {
    const { healedWindowEveryMs } = this.#options;
    return (Math.floor(at / healedWindowEveryMs) + 1) * healedWindowEveryMs;
  }

  #pause(): number {
    return this.#random.int(...(this.#options.everyMs as [number, number]));
  }
}
