import { estimate, type Queue, type Waits } from './estimate.js';
import { type Simulated, simulate } from './simulation.js';

/** What comes, and how long each of it holds a connection. */
export interface Load {
  /** Requests per second in all processes together; undefined: at several shares of what can be served. */
  readonly rate: number | undefined;
  readonly holdMs: number;
  readonly cv: number;
  /** 95 % of the requests are to wait no longer. */
  readonly waitMs: number;
  readonly seed: number;
}

/** Pools that can't help each other out: a request waits in the line of its own process. */
export interface Pools {
  readonly count: number;
  /** Connections in each. */
  readonly max: number;
}

export interface LoadLine {
  /** Share of the connections that would be in use; 1 and more: more comes than can be served. */
  readonly load: number;
  /** Requests per second, all pools together. */
  readonly rate: number;
  readonly ratePerPool: number;
  /** By formula, for one pool; `queued` of all pools is `queuedInAll`. */
  readonly estimate: Waits;
  readonly simulation: Simulated | undefined;
  readonly queuedInAll: number;
  /** Of the estimated mean from the simulated one, as a share of that; undefined where none waited. */
  readonly difference: number | undefined;
  /** Whether the two differ by no more than the simulation's own error, or a hundredth of the hold time. */
  readonly withinError: boolean | undefined;
}

const LEVELS = [0.5, 0.7, 0.8, 0.9, 0.95, 0.99];

/** One line for the rate that was given, else one for each share of what the pools can serve. */
export function loadLines(pools: Pools, load: Load): LoadLine[] {
  return ratesFor(pools, load).map((rate) => lineAt(pools, load, rate));
}

function ratesFor(pools: Pools, { rate, holdMs }: Load): number[] {
  if (rate !== undefined) return [rate];
  const most = (pools.count * pools.max * 1_000) / holdMs;
  return LEVELS.map((level) => level * most);
}

/** At this many requests per second, all pools together. */
export function lineAt(pools: Pools, { holdMs, cv, seed }: Load, rate: number): LoadLine {
  const ratePerPool = rate / pools.count;
  const queue: Queue = { servers: pools.max, rate: ratePerPool, holdMs, cv };
  const estimated = estimate(queue);
  const simulation = simulate(queue, seed);
  return {
    load: (ratePerPool * holdMs) / 1_000 / pools.max,
    rate,
    ratePerPool,
    estimate: estimated,
    simulation,
    queuedInAll: estimated.queued * pools.count,
    ...compare(estimated, simulation, holdMs / 100),
  };
}

function compare(estimated: Waits, simulation: Simulated | undefined, negligibleMs: number) {
  if (!simulation || simulation.meanMs === 0) return { difference: undefined, withinError: undefined };
  const apart = estimated.meanMs - simulation.meanMs;
  const withinError = Math.abs(apart) <= Math.max(simulation.errorMs, negligibleMs);
  return { difference: apart / simulation.meanMs, withinError };
}
