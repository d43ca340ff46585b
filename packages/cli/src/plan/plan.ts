import { type Advice, advise } from './advice.js';
import { type Budget, budget } from './budget.js';
import type { PlanInput } from './input.js';
import { type LoadLine, lineAt, loadLines, type Pools } from './load.js';

/** How long requests wait for one way of spreading the connections. */
export interface Spread {
  /** `asked`: the max that was given. `fits`: the largest that fits. `needed`: the one that the load takes. `shared`: a proxy's. */
  readonly kind: 'asked' | 'fits' | 'needed' | 'shared';
  readonly pools: Pools;
  readonly lines: readonly LoadLine[];
}

export interface Plan {
  readonly budget: Budget;
  readonly advice: Advice;
  readonly spreads: readonly Spread[];
}

export function makePlan(input: PlanInput): Plan {
  const sums = budget(input.demand);
  const advice = advise(input.demand, sums, input.load);
  return { budget: sums, advice, spreads: spreadsFor(input, sums, advice) };
}

function spreadsFor(input: PlanInput, sums: Budget, { verdict, maxForLoad }: Advice): Spread[] {
  const { max } = input.demand;
  if (verdict === 'fits') return [own(input, 'asked', max)];
  if (verdict === 'raise-max') return [own(input, 'asked', max), own(input, 'needed', maxForLoad as number)];
  const spreads = sums.maxThatFits > 0 ? [own(input, 'fits', sums.maxThatFits)] : [];
  return [...spreads, shared(input, sums.available, spreads[0])];
}

function own({ demand, load }: PlanInput, kind: Spread['kind'], max: number): Spread {
  const pools = { count: demand.processes * demand.pools, max };
  return { kind, pools, lines: loadLines(pools, load) };
}

/** One line for all processes, at the same rates as beside it. */
function shared({ load }: PlanInput, available: number, beside: Spread | undefined): Spread {
  const pools = { count: 1, max: available };
  const lines = beside ? beside.lines.map(({ rate }) => lineAt(pools, load, rate)) : loadLines(pools, load);
  return { kind: 'shared', pools, lines };
}
