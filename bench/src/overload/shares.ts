import type { Outcome } from '../measure/load.js';
import { median } from '../measure/median.js';
import type { Series } from '../report/plot.js';

export interface Shares {
  /** Answered 200 within a second, of what could have been. */
  readonly withinSecond: number;
  readonly within200Ms: number;
  /** Answered with another status, of all that came. */
  readonly refused: number;
  /** ms until half of those were told; NaN when nobody was. */
  readonly refusedAfterMs: number;
  /** Not answered by the end, of all that came. */
  readonly unanswered: number;
}

export interface Run {
  outcomes: readonly Outcome[];
  /** What can be answered per second. */
  capacity: number;
  durationMs: number;
}

const wasAnswered =
  (withinMs: number) =>
  ([, took, status]: Outcome) =>
    status === 200 && took <= withinMs;

export function sharesOf({ outcomes, capacity, durationMs }: Run): Shares {
  const possible = (capacity * durationMs) / 1_000;
  const count = (passes: (outcome: Outcome) => boolean) => outcomes.filter(passes).length;
  const refused = outcomes.filter(([, , status]) => status !== 200 && status !== 0);
  return {
    withinSecond: count(wasAnswered(1_000)) / possible,
    within200Ms: count(wasAnswered(200)) / possible,
    refused: refused.length / outcomes.length,
    refusedAfterMs: median(refused.map(([, took]) => took)),
    unanswered: count(([, , status]) => status === 0) / outcomes.length,
  };
}

/** How it went over time: of those that came in each slice, answered within `withinMs`, as a share of the capacity. */
export function goodput(
  name: string,
  { outcomes, capacity, durationMs }: Run,
  { withinMs, sliceMs }: { withinMs: number; sliceMs: number },
): Series {
  const slices = Math.ceil(durationMs / sliceMs);
  const counts = new Array<number>(slices).fill(0);
  for (const outcome of outcomes.filter(wasAnswered(withinMs))) {
    const slice = Math.floor(outcome[0] / sliceMs);
    counts[slice] = (counts[slice] ?? 0) + 1;
  }
  const possible = (capacity * sliceMs) / 1_000;
  return {
    name,
    points: counts.map((count, slice) => [((slice + 0.5) * sliceMs) / 1_000, count / possible]),
  };
}
