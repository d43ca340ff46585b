/** `x` = times what it is compared with; `share` = a part of the whole, 0 to 1. */
export type Unit = 'x' | 'share' | 'ns' | 'us' | 'ms' | 'B' | 'KiB' | 'count';

export interface Target {
  readonly atMost?: number;
  readonly atLeast?: number;
}

/** One measured number of Handback beside that of each peer, all from one run. */
export interface Figure {
  /** Row of the table of targets, 1 to 16; null = it has none and is shown for information. */
  readonly row: number | null;
  /** Names the figure in JSON for good: `acquire-release`, `acquire-release-bytes`. */
  readonly id: string;
  /** What is measured, for the table. */
  readonly metric: string;
  readonly unit: Unit;
  /** What `x` is relative to: 'floor', 'mysql2/promise pool.query'. */
  readonly relativeTo?: string;
  /** Median of the rounds, of Handback with its default options unless `metric` says otherwise. */
  readonly handback: number;
  /** Lowest and highest round. */
  readonly range?: readonly [number, number];
  /** The same of others, by name; a peer with settings other than its defaults says so in its name. */
  readonly peers: Readonly<Record<string, number>>;
  readonly target?: Target;
  /** What the reader has to know to understand the number. */
  readonly note?: string;
  /** Everything measured on the way (absolute times, every round), for the JSON. */
  readonly raw?: unknown;
}

/** A figure of the table that could not be measured (NaN) is not met, whatever its target. */
export function isMet({ row, handback, target }: Figure): boolean {
  if (Number.isNaN(handback)) return row === null;
  if (!target) return true;
  const { atMost = Number.POSITIVE_INFINITY, atLeast = Number.NEGATIVE_INFINITY } = target;
  return handback <= atMost && handback >= atLeast;
}

/** The peer that comes closest to what the target asks for; without a target, the lowest. */
export function bestPeer({ peers, target }: Figure): [name: string, value: number] | undefined {
  const measured = Object.entries(peers).filter(([, value]) => !Number.isNaN(value));
  const highestFirst = target?.atLeast !== undefined;
  return measured.sort(([, a], [, b]) => (highestFirst ? b - a : a - b))[0];
}
