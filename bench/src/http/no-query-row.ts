import { type Figure, isMet } from '../figure.js';
import { runChild } from '../measure/child.js';
import { median, rangeOf } from '../measure/median.js';
import type { Stage } from '../part.js';
import { type Cell, compare } from './compare.js';
import { type Framework, frameworks } from './contender.js';
import type { ChainResult, ChainTask } from './empty-chain.js';
import { ratiosByTurn, rawOf } from './ratios.js';
import type { Setting } from './setting.js';

const CPU_AT_MOST = 1.02;
const NS_AT_MOST = 200;

/** A request costs a tenth of one with a query: short turns, and many, until the noise is below what is looked for. */
const SLICES = 40;
const REQUESTS = 500;

/** Row 6: the plugin is installed and the route does not query. The figure is that of the worst framework. */
export async function noQueryFigures(setting: Setting): Promise<Figure[]> {
  const [cpu, ns]: [Figure[], Figure[]] = [[], []];
  let acquired = 0;
  for (const framework of frameworks) {
    const { figure, acquires } = await cpuOf(framework, setting);
    cpu.push(figure);
    acquired += acquires;
    ns.push(await nanosecondsOf(framework, setting));
  }
  return [
    worstOf(cpu, { id: 'no-query-cpu', metric: 'CPU of a request without a query', atMost: CPU_AT_MOST }),
    worstOf(ns, { id: 'no-query-ns', metric: 'time above an empty middleware or hook', atMost: NS_AT_MOST }),
    {
      row: 6,
      id: 'no-query-acquires',
      metric: 'acquires by requests without a query',
      unit: 'count',
      handback: acquired,
      peers: {},
      target: { atMost: 0 },
    },
    ...cpu,
    ...ns,
  ];
}

async function cpuOf(framework: Framework, setting: Setting): Promise<{ figure: Figure; acquires: number }> {
  setting.progress(`CPU of a request without a query, ${framework}: bare, handback, bare again`);
  const cell = (name: string, contender: string): Cell => ({ name, contender, framework, route: 'none' });
  const cells = [cell('bare', 'bare'), cell('handback', 'handback'), cell('bare again', 'bare')];
  const measured = await compare({ cells, slices: SLICES, requests: REQUESTS, ...setting });
  const [handback, again] = ratiosByTurn(measured);
  const acquired = measured.find(({ name }) => name === 'handback')?.acquired;
  const figure: Figure = {
    row: null,
    id: `no-query-cpu-${framework}`,
    metric: `CPU of a request without a query, ${framework}`,
    unit: 'x',
    relativeTo: 'the bare framework',
    handback: handback?.median ?? Number.NaN,
    ...(handback && { range: handback.range }),
    peers: { 'the bare framework again, in another process': again?.median ?? Number.NaN },
    raw: rawOf(measured),
  };
  return { figure, acquires: acquired ?? Number.NaN };
}

/** A fresh process for each round. */
async function nanosecondsOf(
  framework: Framework,
  { rounds, uri, signal, progress }: Stage & Setting,
): Promise<Figure> {
  progress(`time above an empty middleware or hook, ${framework}`);
  const results: ChainResult[] = [];
  for (let round = 0; round < rounds; round++) {
    const task: ChainTask = { framework, uri };
    results.push(await runChild({ program: new URL('./empty-chain.js', import.meta.url), task, signal }));
  }
  const above = results.map(({ emptyNs, handbackNs }) => handbackNs - emptyNs);
  return {
    row: null,
    id: `no-query-ns-${framework}`,
    metric: `time above an empty ${framework === 'fastify' ? 'hook' : 'middleware'}, ${framework}`,
    unit: 'ns',
    handback: median(above),
    range: rangeOf(above),
    peers: {},
    raw: results,
  };
}

function worstOf(
  figures: Figure[],
  { id, metric, atMost }: { id: string; metric: string; atMost: number },
): Figure {
  const [worst] = [...figures].sort((a, b) => b.handback - a.handback);
  if (!worst) throw new Error('no framework was measured');
  const broken = figures.some(({ handback }) => Number.isNaN(handback));
  const { raw: _, ...rest } = worst;
  const figure: Figure = {
    ...rest,
    row: 6,
    id,
    metric: `${metric}, the worst of ${frameworks.join(', ')}`,
    handback: broken ? Number.NaN : worst.handback,
    target: { atMost },
  };
  return isMet(figure) ? figure : { ...figure, note: `missed on ${worst.metric.split(', ').at(-1)}` };
}
