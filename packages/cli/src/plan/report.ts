import { type Column, printTable } from '../table.js';
import type { Style, Terminal } from '../terminal.js';
import { answer } from './answer.js';
import { CONTROL } from './budget.js';
import type { PlanInput } from './input.js';
import type { LoadLine } from './load.js';
import type { Plan, Spread } from './plan.js';
import { grouped } from './quantities.js';
import type { Simulated } from './simulation.js';

export function printPlan(terminal: Terminal, input: PlanInput, plan: Plan): void {
  const style: Style = plan.advice.verdict === 'fits' ? ['bold', 'green'] : ['bold', 'red'];
  terminal.print(terminal.style('bold', headline(input)));
  for (const [at, line] of answer(input, plan).entries())
    terminal.print(at === 0 ? terminal.style(style, line) : line);
  terminal.print();
  printSums(terminal, input, plan);
  printChoices(terminal, input, plan);
  for (const spread of plan.spreads) printSpread(terminal, input, spread);
}

function headline({ processes, demand }: PlanInput): string {
  const { pools, max, serverMax } = demand;
  const total = processes.value * pools * max;
  const factors = [processes.text, ...(pools > 1 ? [grouped(pools)] : []), grouped(max)].join(' x ');
  return `${factors} = ${grouped(total)} ${total > serverMax ? '>' : '<='} ${grouped(serverMax)}`;
}

const SUMS: readonly Column[] = [{ title: '' }, { title: 'sum' }, right('connections')];

type Row = [what: string, how: string, sum: string];

function printSums(terminal: Terminal, input: PlanInput, { budget }: Plan): void {
  const { demand, processes, reserve } = input;
  const { pools, max, rolling, serverMax } = demand;
  const sums: Row[] = [['processes', processes.text, grouped(processes.value)]];
  if (rolling > 0) {
    const extra = budget.peakProcesses - demand.processes;
    sums.push([
      'rolling restart',
      `+ ${grouped(extra)} new ones beside the old (${rolling * 100}%)`,
      grouped(budget.peakProcesses),
    ]);
  }
  sums.push(
    [
      'each',
      `${pools > 1 ? `${grouped(pools)} pools` : '1 pool'} x (${grouped(max)} + ${CONTROL} control connection)`,
      grouped(budget.perProcess),
    ],
    ['wanted', `${grouped(budget.peakProcesses)} x ${grouped(budget.perProcess)}`, grouped(budget.wanted)],
    [
      'server',
      `${grouped(serverMax)} - ${grouped(demand.reserve)} (reserve ${reserve.text})`,
      grouped(budget.available),
    ],
    [budget.fits ? 'left' : 'missing', '', grouped(Math.abs(budget.left))],
  );
  printTable(terminal, SUMS, sums, '  ');
  terminal.print(
    terminal.style(
      'dim',
      `  A pool's control connection kills statements; it is open while it is needed, and 5 s longer.
  The server keeps one connection beyond max_connections for an administrator; it is not counted here.`,
    ),
  );
}

function printChoices(terminal: Terminal, { demand }: PlanInput, { budget }: Plan): void {
  if (budget.fits) {
    terminal.print(
      `\n  The largest max that fits: ${grouped(budget.maxThatFits)}. The most processes with ${grouped(demand.max)}: ${grouped(budget.processesThatFit)}.`,
    );
    return;
  }
  const smaller =
    budget.maxThatFits === 0
      ? 'none'
      : `${grouped(budget.maxThatFits)}, ${grouped(budget.leftWithThat)} left`;
  const fewer = budget.processesThatFit === 0 ? 'not one' : grouped(budget.processesThatFit);
  terminal.print(
    `\n  The largest max that fits: ${smaller}. Processes that fit with ${grouped(demand.max)}: ${fewer}.`,
  );
}

const KINDS: Readonly<Record<Spread['kind'], string>> = {
  asked: 'as asked for',
  fits: 'the largest that fits',
  needed: 'what the load takes',
  shared: 'shared by all processes through a proxy',
};

function printSpread(
  terminal: Terminal,
  { load, holdAssumed }: PlanInput,
  { kind, pools, lines }: Spread,
): void {
  const what =
    kind === 'shared'
      ? `${grouped(pools.max)} connections, ${KINDS.shared}`
      : `max ${grouped(pools.max)} in each of ${grouped(pools.count)} pools, ${KINDS[kind]}`;
  const hold = `held for ${milliseconds(load.holdMs)}${holdAssumed ? ' (assumed: --hold-ms)' : ''}, cv ${load.cv}`;
  terminal.print(`\n${terminal.style('bold', `Who waits: ${what}`)}; ${hold}`);
  printTable(terminal, COLUMNS, lines.map(cells), '  ');
  const endless = lines.find((line) => line.load >= 1);
  if (endless) terminal.print(`  ${growth(endless)}`);
}

const COLUMNS = [
  right('load'),
  right('requests/s'),
  right('must wait'),
  right('mean'),
  right('95 %'),
  right('99 %'),
  right('waiting'),
  right('simulated mean'),
  right('differs'),
];

function right(title: string): Column {
  return { title, align: 'right' };
}

function cells(line: LoadLine): string[] {
  const { load, rate, estimate, simulation, queuedInAll } = line;
  return [
    percent(load),
    rounded(rate),
    percent(estimate.waiting),
    milliseconds(estimate.meanMs),
    milliseconds(estimate.p95Ms),
    milliseconds(estimate.p99Ms),
    rounded(queuedInAll),
    simulation ? simulated(simulation) : '-',
    difference(line),
  ];
}

function simulated({ meanMs, errorMs }: Simulated): string {
  return meanMs === 0 ? milliseconds(0) : `${milliseconds(meanMs)} ± ${milliseconds(errorMs)}`;
}

function difference({ difference: apart, withinError }: LoadLine): string {
  if (apart === undefined) return '-';
  return `${apart < 0 ? '' : '+'}${(apart * 100).toFixed(1)} %${withinError ? '' : ' !'}`;
}

/** Where more comes than can be served no wait is the last one. */
function growth({ load, rate, ratePerPool }: LoadLine): string {
  const lost = rate * (1 - 1 / load);
  return `More comes than is served: ${rounded(lost)} requests per second too many (${rounded(ratePerPool)} per pool come); the lines grow until acquireTimeoutMs.`;
}

function percent(share: number): string {
  const value = share * 100;
  if (value > 0 && value < 0.1) return '< 0.1 %';
  return `${value >= 10 ? value.toFixed(0) : value.toFixed(1)} %`;
}

function rounded(value: number): string {
  if (!Number.isFinite(value)) return '∞';
  if (value > 0 && value < 0.01) return '< 0.01';
  return grouped(Number(value.toFixed(value >= 10 ? 0 : 2)));
}

function milliseconds(value: number): string {
  if (!Number.isFinite(value)) return '∞';
  if (value >= 10_000) return `${grouped(Math.round(value / 1_000))} s`;
  if (value === 0) return '0 ms';
  return value < 0.01 ? '< 0.01 ms' : `${grouped(Number(value.toPrecision(value < 1 ? 2 : 3)))} ms`;
}
