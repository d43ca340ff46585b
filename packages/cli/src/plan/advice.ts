import { availableIn, type Budget, CONTROL, type Demand, mostProcesses, peakOf } from './budget.js';
import { offeredBy, rateFor, serversFor } from './estimate.js';
import type { Load } from './load.js';

export type Verdict =
  /** As asked. */
  | 'fits'
  /** The connections fit, the load doesn't; a larger `max` that fits carries it. */
  | 'raise-max'
  /** A smaller `max` fits, and carries the load where one is given. */
  | 'lower-max'
  /** Pools of their own can't do it; connections shared by all processes can. */
  | 'proxy'
  /** The load needs more connections than the server has to give, shared or not. */
  | 'server';

export interface Advice {
  readonly verdict: Verdict;
  /** The smallest `max` that carries the load with pools of their own; undefined without a rate. */
  readonly maxForLoad: number | undefined;
  /** Connections that carry it when all processes share them. */
  readonly sharedForLoad: number | undefined;
  /** The most processes whose own pools have room and carry it: from the next one on a proxy is the answer. */
  readonly processesForLoad: number | undefined;
  /** Requests per second in all that pools of their own carry, with the largest `max` that was asked for and fits; 0 if none does. */
  readonly ownRate: number;
  /** The same when all processes share what the server has to give. */
  readonly sharedRate: number;
}

export function advise(demand: Demand, budget: Budget, load: Load): Advice {
  const rates = ratesOf(demand, budget, load);
  if (load.rate === undefined) {
    return {
      verdict: verdictOf(budget, demand.max, { max: 1, shared: 1 }),
      ...rates,
      maxForLoad: undefined,
      sharedForLoad: undefined,
      processesForLoad: undefined,
    };
  }
  const maxForLoad = maxFor(demand, load, load.rate);
  const sharedForLoad = serversFor({ ...load, rate: load.rate }, load.waitMs);
  return {
    verdict: verdictOf(budget, demand.max, { max: maxForLoad, shared: sharedForLoad }),
    maxForLoad,
    sharedForLoad,
    processesForLoad: processesFor(demand, load, load.rate),
    ...rates,
  };
}

function ratesOf({ processes, pools, max }: Demand, { maxThatFits, available }: Budget, load: Load) {
  const servers = Math.min(max, maxThatFits);
  const ownRate = servers === 0 ? 0 : processes * pools * rateFor({ ...load, servers }, load.waitMs);
  return { ownRate, sharedRate: rateFor({ ...load, servers: available }, load.waitMs) };
}

interface Needed {
  readonly max: number;
  readonly shared: number;
}

function verdictOf({ fits, maxThatFits, available }: Budget, max: number, needed: Needed): Verdict {
  if (fits && max >= needed.max) return 'fits';
  if (maxThatFits >= needed.max) return fits ? 'raise-max' : 'lower-max';
  return needed.shared <= available ? 'proxy' : 'server';
}

function maxFor({ processes, pools }: Pick<Demand, 'processes' | 'pools'>, load: Load, rate: number): number {
  return serversFor({ ...load, rate: rate / (processes * pools) }, load.waitMs);
}

/** The fewer the processes, the more requests share a line: so the most is looked for from above. */
function processesFor(demand: Demand, load: Load, rate: number): number {
  const { pools, rolling } = demand;
  const available = availableIn(demand);
  if (offeredBy({ ...load, rate }) >= available) return 0;
  const most = mostProcesses(available, pools * (1 + CONTROL), rolling);
  for (let processes = Math.min(demand.processes, most); processes > 0; processes--) {
    const perProcess = pools * (maxFor({ processes, pools }, load, rate) + CONTROL);
    if (peakOf(processes, rolling) * perProcess <= available) return processes;
  }
  return 0;
}
