import { CONTROL, peakOf } from './budget.js';
import type { PlanInput } from './input.js';
import type { Plan } from './plan.js';
import { grouped } from './quantities.js';

const PROXY = 'a proxy that all processes share (ProxySQL, MaxScale)';

/** The verdict in words, with what to do. */
export function answer(input: PlanInput, plan: Plan): string[] {
  return [...ANSWERS[plan.advice.verdict](input, plan), ...turningPoint(input, plan)];
}

const ANSWERS: Readonly<Record<Plan['advice']['verdict'], (input: PlanInput, plan: Plan) => string[]>> = {
  fits: ({ load }, { budget }) => [
    `It fits: ${grouped(budget.wanted)} of ${grouped(budget.available)} connections, ${grouped(budget.left)} left.${carried(load.rate)}`,
  ],
  'raise-max': ({ demand, load }, { advice }) => [
    `The connections fit, the load does not: a max of ${grouped(demand.max)} is too small for it.`,
    `With a max of ${grouped(advice.maxForLoad as number)} they fit too.${carried(load.rate)}`,
  ],
  'lower-max': ({ load }, { budget }) => [
    `It does not fit. A max of ${grouped(budget.maxThatFits)} does, ${grouped(budget.leftWithThat)} connections left.${carried(load.rate)}`,
  ],
  proxy: proxyAnswer,
  server: (_input, { advice, budget }) => [
    `It does not fit, and no way of spreading the connections helps: the load needs ${counted(advice.sharedForLoad ?? 1)} connections`,
    `when all processes share them, and there are ${grouped(budget.available)}. Hold them for a shorter time, send less, or raise max_connections.`,
  ],
};

function carried(rate: number | undefined): string {
  return rate === undefined ? '' : ` ${requests(rate)} requests per second are carried.`;
}

function proxyAnswer({ demand }: PlanInput, { advice, budget }: Plan): string[] {
  const shared =
    advice.sharedForLoad === undefined
      ? `Better: ${PROXY}`
      : `Better: ${PROXY}: ${counted(advice.sharedForLoad)} of the server's connections carry the load then`;
  if (budget.maxThatFits === 0) {
    return [
      `It does not fit, and no max does: not even 1 in each of ${grouped(demand.processes)} processes.`,
      `${shared}.`,
    ];
  }
  return [
    `It does not fit: ${counted(advice.maxForLoad as number)} in each pool would carry the load, and a max of ${grouped(budget.maxThatFits)} is what there is room for.`,
    `${shared}.`,
  ];
}

function counted(connections: number): string {
  return Number.isFinite(connections) ? grouped(connections) : 'more than 100,000';
}

/** From which number of processes, and from which load, pools of their own are no longer the answer. */
function turningPoint(input: PlanInput, plan: Plan): string[] {
  return [...byLoad(input, plan), ...byProcesses(input, plan)];
}

function byLoad({ demand, load }: PlanInput, { advice, budget }: Plan): string[] {
  const max = Math.min(demand.max, budget.maxThatFits);
  const bearable = `95 % of them wait ${load.waitMs} ms or less`;
  const shared = `${grouped(budget.available)} shared ones carry ${requests(advice.sharedRate)}`;
  if (max === 0) return [`With a proxy ${shared} per second: ${bearable}.`];
  const larger = budget.maxThatFits > max ? ` a larger max (${grouped(budget.maxThatFits)} fits), then` : '';
  return [
    `A max of ${grouped(max)} carries ${requests(advice.ownRate)} requests per second: ${bearable}. Above that${larger} a proxy: ${shared}.`,
  ];
}

function byProcesses({ demand, load }: PlanInput, { advice, budget }: Plan): string[] {
  const { pools, rolling } = demand;
  const most = budget.processesAtMostEver;
  const each = pools * (1 + CONTROL);
  const peak = peakOf(most, rolling);
  const sum = `${grouped(peak)}${rolling > 0 ? ' at the peak of a restart' : ''} x ${each} = ${grouped(peak * each)}`;
  const lines = [
    `A max of 1 fits in up to ${grouped(most)} processes (${sum}). With more of them only a proxy fits.`,
  ];
  const enough = advice.processesForLoad;
  if (enough !== undefined && enough < demand.processes && advice.verdict !== 'server') {
    lines.push(
      `For ${requests(load.rate as number)} requests per second there is room in up to ${grouped(enough)} processes. With more of them a proxy carries it.`,
    );
  }
  return lines;
}

function requests(rate: number): string {
  return grouped(rate >= 10 ? Math.floor(rate) : Number(rate.toPrecision(2)));
}
