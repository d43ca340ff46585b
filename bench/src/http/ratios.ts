import { median, rangeOf } from '../measure/median.js';
import type { Measured } from './compare.js';

/** How many times as much as the first one each of the others costs: the ratio within each round. */
export interface Ratio {
  readonly name: string;
  readonly rounds: readonly number[];
  readonly median: number;
  readonly range: [number, number];
}

/**
 * By the turns that followed one another: the median of their ratios within a round. What happens now and then, such as
 * a full collection or a burst of something else on the machine, does not count: for differences of a few per cent.
 */
export function ratiosByTurn([base, ...others]: readonly Measured[]): Ratio[] {
  if (!base) return [];
  return others.map(({ name, turnsUs }) =>
    ratioOf(
      name,
      turnsUs.map((turns, round) =>
        median(turns.map((us, turn) => us / (base.turnsUs[round]?.[turn] ?? Number.NaN))),
      ),
    ),
  );
}

/** By all that a round took, collections included. */
export function ratiosToFirst([base, ...others]: readonly Measured[]): Ratio[] {
  if (!base) return [];
  return others.map(({ name, cpuUs }) =>
    ratioOf(
      name,
      cpuUs.map((us, round) => us / (base.cpuUs[round] ?? Number.NaN)),
    ),
  );
}

function ratioOf(name: string, rounds: number[]): Ratio {
  return { name, rounds, median: median(rounds), range: rangeOf(rounds) };
}

/** Of each contender, for the JSON. */
export function rawOf(measured: readonly Measured[]) {
  return measured.map(({ name, cpuUs, perSecond }) => ({
    name,
    cpuUs: cpuUs.map((us) => Number(us.toFixed(2))),
    requestsPerSecond: perSecond.map(Math.round),
  }));
}
