import type { OpenFailure } from './error-classes.js';

const PASSING_DELAY_MS = { least: 40, most: 80 };
const FULL_DELAY_MS = { least: 500, most: 1_000 };
/** While the pool has connections to serve with: it makes do with them for a while. */
const FULL_BUT_SERVING_DELAY_MS = { least: 2_000, most: 4_000 };
/** A wrong password tried in a loop gets the host blocked. */
const LASTING_DELAY_MS = { least: 1_000, most: 1_500 };
/** While nobody waits (only `minIdle` wants a connection). */
const UNATTENDED_MAX_DELAY_MS = 5_000;

export interface Attempt {
  readonly failure: OpenFailure;
  /** How many have failed in a row. */
  readonly attempts: number;
  /** Somebody waits for it. */
  readonly attended: boolean;
  /** The pool has connections that can serve whoever waits. */
  readonly serving: boolean;
}

/** How long to wait before the next attempt: jittered, so that many processes don't come back at once. */
export function retryDelayMs({ failure, attempts, attended, serving }: Attempt, random: number): number {
  const full = serving ? FULL_BUT_SERVING_DELAY_MS : FULL_DELAY_MS;
  const delays = { passing: PASSING_DELAY_MS, full, lasting: LASTING_DELAY_MS };
  const { least, most } = delays[failure];
  const jittered = least + random * (most - least);
  if (attended) return jittered;
  return Math.min(UNATTENDED_MAX_DELAY_MS, Math.max(200, jittered * 2 ** Math.min(attempts, 10)));
}
