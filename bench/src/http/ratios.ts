import { median, rangeOf } from '../measure/median.js';
import type { Measured } from './compare.js';

/** How many times as much as the first one each of the others costs: the ratio within each round. */
export interface Ratio {
  readonly name: string;
  readonly rounds: readonly number[];
  readonly median: number;
  readonly range: [number, number];
}

export function ratiosToFirst([base, ...others]: readonly Measured[]): Ratio[] {
  if (!base) return [];
  return others.map(({ name, cpuUs }) => {
    const rounds = cpuUs.map((us, round) => us / (base.cpuUs[round] ?? Number.NaN));
    return { name, rounds, median: median(rounds), range: rangeOf(rounds) };
  });
}

/** Of each contender, for the JSON. */
export function rawOf(measured: readonly Measured[]) {
  return measured.map(({ name, cpuUs, perSecond }) => ({
    name,
    cpuUs: cpuUs.map((us) => Number(us.toFixed(2))),
    requestsPerSecond: perSecond.map(Math.round),
  }));
}
