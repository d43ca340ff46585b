import { type Point, type Trend, trendOf } from './regression.js';

const MEBIBYTE = 2 ** 20;

/** What is looked at, and by how much it may grow per hour. */
export const MEASURES = {
  /** What the application and Handback keep. */
  'heap without code, MiB': 1,
  /** By itself: V8 compiles what becomes hot and drops what has not run for a while, in steps and at times of its own. */
  'compiled code, MiB': 1,
  /** Told, not judged: the allocator keeps what it once got. */
  'RSS, MiB': Number.POSITIVE_INFINITY,
  handles: 6,
  timers: 6,
  listeners: 3,
  'sockets of clients': 6,
  'sockets to the database': 6,
  'prepared statements': 6,
} as const;

export type Measure = keyof typeof MEASURES;
export type Limits = Record<Measure, number>;
export type Values = Record<Measure, number>;

export interface Sample {
  /** Since the start. */
  hours: number;
  values: Values;
}

/** `not proven`: the slope is not known well enough to tell whether it is within the limit. */
export type Verdict = 'flat' | 'grows' | 'not proven' | 'not judged';

export interface Row {
  measure: Measure;
  first: number;
  last: number;
  slope: number;
  standardError: number;
  limit: number;
  verdict: Verdict;
}

/** Less than that says nothing of an hour, however straight its line. */
const SHORTEST_HOURS = 5 / 60;

/** So many standard errors beyond the limit leave a chance of 1 in 1 000 that nothing grows. */
const CERTAINTY = 3;
/** So many below the limit leave a chance of 1 in 40 that it grows faster. */
const PROOF = 2;

/**
 * What the samples say. Something grows when even the least slope that is likely is beyond its limit, and is flat when even
 * the greatest one is within.
 */
export function judge(samples: readonly Sample[], limits: Limits = MEASURES): Row[] {
  const hours = hoursOf(samples);
  return (Object.keys(MEASURES) as Measure[]).map((measure) => {
    const points: Point[] = samples.map(({ hours, values }) => ({ hours, value: values[measure] }));
    const trend = trendOf(points);
    const limit = limits[measure];
    const [first, last] = [points[0]?.value ?? 0, points.at(-1)?.value ?? 0];
    return { measure, first, last, ...trend, limit, verdict: verdictOn(trend, limit, hours) };
  });
}

function verdictOn({ slope, standardError }: Trend, limit: number, hours: number): Verdict {
  if (limit === Number.POSITIVE_INFINITY) return 'not judged';
  if (hours < SHORTEST_HOURS) return 'not proven';
  if (slope - CERTAINTY * standardError > limit) return 'grows';
  return slope + PROOF * standardError <= limit ? 'flat' : 'not proven';
}

/** From the first to the last. */
export function hoursOf(samples: readonly Sample[]): number {
  return (samples.at(-1)?.hours ?? 0) - (samples[0]?.hours ?? 0);
}

/**
 * How long it must be looked at until the rows that are not proven would be, if nothing grows; 0 = all are. The error of a
 * slope shrinks with the time to the power of 1.5.
 */
export function hoursToProve(rows: readonly Row[], hours: number): number {
  const needed = rows
    .filter(({ verdict }) => verdict === 'not proven')
    .map(({ standardError, limit }) => {
      const factor = ((2 * PROOF * standardError) / limit) ** (2 / 3);
      // Known well enough, and so close to the limit that only a much longer look can tell.
      return Math.max(SHORTEST_HOURS, hours * Math.max(2, factor));
    });
  return Math.max(0, ...needed);
}

/** What there must not be when it is over. */
export interface Remains {
  closeWait: number;
  leased: number;
  pending: number;
  violations: string[];
  bank: string[];
}

/** Why the soak has failed, in sentences; empty when it has passed. */
export function failuresOf(rows: readonly Row[], remains: Remains): string[] {
  const growth = rows
    .filter(({ verdict }) => verdict === 'grows')
    .map(({ measure, slope, limit }) => `${measure}: ${slope.toFixed(2)} more per hour, ${limit} allowed`);
  const { closeWait, leased, pending, violations, bank } = remains;
  if (closeWait > 0) growth.push(`${closeWait} sockets in CLOSE_WAIT at the end`);
  if (leased + pending > 0) growth.push(`at the end ${leased} leased, ${pending} pending`);
  return [...growth, ...violations, ...bank];
}

export const inMebibytes = (bytes: number): number => bytes / MEBIBYTE;
