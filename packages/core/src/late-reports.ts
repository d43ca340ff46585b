import { framesAbove } from './call-site.js';
import type { PoolEvents } from './events.js';
import { holderFacts } from './lease-facts.js';
import { maskValues } from './mask.js';
import type { Counters } from './stats.js';

/** After what a piece of work came. */
export type LateAfter = 'answer' | 'departure' | 'job';

export interface LateWork {
  readonly route: string;
  readonly method?: string | undefined;
  readonly requestId?: string | undefined;
  /** undefined = a `transaction(fn)`. */
  readonly sql: string | undefined;
  readonly after: LateAfter;
  /** The functions by which the application may have come in: what is above them on the stack is its own. */
  readonly entrances: readonly Entrance[];
  /** Those frames, where the call is over. */
  readonly calledFrom?: string | undefined;
}

type Entrance = (...args: never[]) => unknown;

const AFTER: Readonly<Record<LateAfter, string>> = {
  answer: 'after its response',
  departure: 'after its client had left',
  job: 'after its end',
};

/** Routes without a pattern share a name, so this is far more than an application has. */
const REMEMBERED = 1_000;

/** Work after the end of its request: counted and told each time, warned of once per route, with the call's stack. */
export class LateReports {
  readonly #events: PoolEvents;
  readonly #counters: Counters;
  readonly #said = new Set<string>();

  constructor(events: PoolEvents, counters: Counters) {
    this.#events = events;
    this.#counters = counters;
  }

  /** To be called while the application's call is on the stack, unless `calledFrom` is given. */
  tell(work: LateWork): void {
    const { sql } = work;
    this.#counters.late++;
    if (this.#events.heard('late'))
      this.#events.tell('late', {
        ...holderFacts(work),
        statement: sql === undefined ? undefined : maskValues(sql),
      });
    if (!this.#isNew(work)) return;
    this.#said.add(keyOf(work));
    this.#warn(work);
  }

  /** The frames of the call that is under way, if it is yet to be warned of. */
  callerOf(work: LateWork): string | undefined {
    return this.#isNew(work) ? stackAbove(work.entrances) : undefined;
  }

  #isNew(work: LateWork): boolean {
    return !this.#said.has(keyOf(work)) && this.#said.size < REMEMBERED;
  }

  #warn({ route, sql, after, entrances, calledFrom }: LateWork): void {
    const stack = calledFrom ?? stackAbove(entrances);
    const what = sql === undefined ? 'A transaction(fn)' : 'A statement';
    const text = sql === undefined ? '' : ` (${maskValues(sql)})`;
    const [frame] = stack.split('\n');
    this.#events.warn({
      code: 'LATE',
      message: `${what} of ${route} came ${AFTER[after]}${text} and got a connection of its own${frame ? `; called ${frame.trim()}` : ''}. Said once per route; see the option afterResponse.`,
      ...(stack ? { stack } : {}),
    });
  }
}

function keyOf({ route, after }: LateWork): string {
  return `${after} ${route}`;
}

/** The frames that called one of `entrances`, innermost first; nothing, if none of them is on the stack. */
function stackAbove(entrances: readonly Entrance[]): string {
  for (const entrance of entrances) {
    const frames = framesAbove(entrance);
    if (frames.length > 0) return frames.join('\n');
  }
  return '';
}
