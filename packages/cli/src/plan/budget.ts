import { partOf } from './quantities.js';

/** What is asked for, and what there is. */
export interface Demand {
  /** Processes that run at the same time, each with pools of its own. */
  readonly processes: number;
  /** Pools in each process. */
  readonly pools: number;
  /** The `max` of each pool. */
  readonly max: number;
  /** The server's `max_connections`. */
  readonly serverMax: number;
  /** Connections that are left to others. */
  readonly reserve: number;
  /** Share of the processes that run twice during a rolling restart: 0 = none, 1 = all. */
  readonly rolling: number;
}

/** One more than its connections: statements are killed from a control connection beyond `max`. */
export const CONTROL = 1;

export interface Budget {
  /** Old and new ones together. */
  readonly peakProcesses: number;
  readonly perProcess: number;
  readonly wanted: number;
  readonly available: number;
  readonly fits: boolean;
  /** What is left of `available`; below 0: what is missing. */
  readonly left: number;
  /** The largest `max` that fits; 0 = none does. */
  readonly maxThatFits: number;
  /** What is left with that one. */
  readonly leftWithThat: number;
  /** The most processes with `max` as it is. */
  readonly processesThatFit: number;
  /** The most processes with a `max` of 1: beyond it only a shared pool, a proxy, helps. */
  readonly processesAtMostEver: number;
}

export function peakOf(processes: number, rolling: number): number {
  return processes + partOf(processes, rolling);
}

export function wantedBy({ processes, rolling, pools, max }: Demand): number {
  return peakOf(processes, rolling) * pools * (max + CONTROL);
}

export function availableIn({ serverMax, reserve }: Demand): number {
  return Math.max(0, serverMax - reserve);
}

export function budget(demand: Demand): Budget {
  const { processes, rolling, pools, max } = demand;
  const available = availableIn(demand);
  const wanted = wantedBy(demand);
  const peakProcesses = peakOf(processes, rolling);
  const maxThatFits = Math.max(0, Math.floor(available / (peakProcesses * pools)) - CONTROL);
  return {
    peakProcesses,
    perProcess: pools * (max + CONTROL),
    wanted,
    available,
    fits: wanted <= available,
    left: available - wanted,
    maxThatFits,
    leftWithThat: maxThatFits === 0 ? 0 : available - wantedBy({ ...demand, max: maxThatFits }),
    processesThatFit: mostProcesses(available, pools * (max + CONTROL), rolling),
    processesAtMostEver: mostProcesses(available, pools * (1 + CONTROL), rolling),
  };
}

/** The most processes whose peak has room, each with so many connections. */
export function mostProcesses(available: number, perProcess: number, rolling: number): number {
  const peak = Math.floor(available / perProcess);
  let processes = Math.ceil(peak / (1 + rolling));
  while (processes > 0 && peakOf(processes, rolling) > peak) processes--;
  return processes;
}
