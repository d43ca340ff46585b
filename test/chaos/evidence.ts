import type { Invariant, Violation } from './types.js';

/** One look at something that may be beyond its limit once, but not twice in a row. */
export interface Look {
  invariant: Invariant;
  beyond: boolean;
  /** One sentence, whichever way it went. */
  detail: string;
}

/** All that is known of one contender on one framework. */
export interface Evidence {
  /** As the processes reported them; the first ones of each invariant. */
  violations: Violation[];
  /** All of them, also those whose details were not kept. */
  violationCounts: Partial<Record<Invariant, number>>;
  /** How often each invariant was looked at. None: nothing is known of it. */
  checks: Partial<Record<Invariant, number>>;
  looks: Look[];
}
