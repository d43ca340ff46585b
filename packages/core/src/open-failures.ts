import type { OpenFailure } from './error-classes.js';

/** One at a time: at most 20 attempts a second, and whoever waits is served within 100 ms of the server's return. */
const PASSING_DELAY_MS = { least: 50, most: 80 };
const FULL_DELAY_MS = { least: 500, most: 1_000 };
/** While the pool has connections to serve with: it makes do with them for a while. */
const FULL_BUT_SERVING_DELAY_MS = { least: 2_000, most: 4_000 };
/** A wrong password tried in a loop gets the host blocked. */
const LASTING_DELAY_MS = { least: 1_000, most: 1_500 };
/** Only an operator ends it. */
const BLOCKED_DELAY_MS = { least: 10_000, most: 12_000 };
/** While nobody waits (only `minIdle` wants a connection). */
const UNATTENDED_DELAY_MS = { least: 300, most: 5_000 };

/** Processes that lose their connections in one moment don't come back in one. */
const SCATTER_MS = { least: 0, most: 40 };
/** Longer than the pause between two attempts: by then each of them has had its first connection, if there is room. */
const RAMP_MS = { least: 150, most: 250 };

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
  const delays = {
    passing: PASSING_DELAY_MS,
    full,
    lasting: LASTING_DELAY_MS,
    blocked: BLOCKED_DELAY_MS,
  };
  const jittered = between(delays[failure], random);
  if (attended || failure === 'blocked') return jittered;
  const slower = jittered * 2 ** Math.min(attempts, 10);
  return Math.min(UNATTENDED_DELAY_MS.most, Math.max(UNATTENDED_DELAY_MS.least, slower));
}

/** Before the first attempt after all connections were lost in one moment. */
export function scatterDelayMs(random: number): number {
  return between(SCATTER_MS, random);
}

/** Before a full server is asked for the place that was just lost there. */
export function rejoinDelayMs(random: number): number {
  return between(PASSING_DELAY_MS, random);
}

/** Between the first connection after an outage and the next ones. */
export function rampDelayMs(random: number): number {
  return between(RAMP_MS, random);
}

function between({ least, most }: { least: number; most: number }, random: number): number {
  return least + random * (most - least);
}
