import type { Figure } from '../figure.js';
import { median } from '../measure/median.js';
import type { Plot, Series } from '../report/plot.js';

/** One contender: a cost for each size, of each round. */
export interface Growth {
  readonly name: string;
  readonly points: ReadonlyMap<number, readonly number[]>;
}

export function seriesOf({ name, points }: Growth): Series {
  return { name, points: [...points].map(([x, costs]) => [x, median(costs)] as const) };
}

export interface Flatness {
  readonly id: string;
  readonly metric: string;
  /** Sizes that are compared. */
  readonly from: number;
  readonly to: number;
  /** What `from` is: 'a pool of 10'. */
  readonly relativeTo: string;
}

/** How much dearer it is at one size than at another. Without a target. */
export function flatnessFigure(
  growths: readonly Growth[],
  { id, metric, from, to, relativeTo }: Flatness,
): Figure {
  const ratio = (growth: Growth | undefined) =>
    median(growth?.points.get(to) ?? []) / median(growth?.points.get(from) ?? []);
  const [handback, ...peers] = growths;
  return {
    row: null,
    id,
    metric,
    unit: 'x',
    relativeTo,
    handback: ratio(handback),
    peers: Object.fromEntries(peers.map((growth) => [growth.name, ratio(growth)])),
    raw: growths.map(({ name, points }) => ({ name, points: Object.fromEntries(points) })),
  };
}

export function cpuPlot(file: string, title: string, x: Plot['x'], growths: readonly Growth[]): Plot {
  const y = { label: 'CPU per request, µs' };
  return { file, title, x, y, series: growths.map(seriesOf) };
}
