import type { Figure } from '../figure.js';
import { runChild } from '../measure/child.js';
import { withBenchServer } from '../measure/server.js';
import type { PartResult, Stage } from '../part.js';
import type { Plot } from '../report/plot.js';
import type { Kept, MemoryTask } from './memory-cell.js';

interface Subject {
  readonly name: string;
  /** A function of `held.ts`. */
  readonly held: MemoryTask['held'];
}

interface Question {
  readonly id: string;
  readonly metric: string;
  readonly counts: readonly number[];
  /** Of one: B or KiB. */
  readonly unit: 'B' | 'KiB';
  /** What each of them has besides, which is not counted. */
  readonly without?: MemoryTask['held'];
  /** Handback first. */
  readonly subjects: readonly Subject[];
}

const questions: readonly Question[] = [
  {
    id: 'heap-idle-connection',
    metric: 'heap per idle connection',
    counts: [10, 50, 100, 200],
    unit: 'KiB',
    subjects: [
      { name: 'handback', held: 'idleHandback' },
      { name: 'mysql2', held: 'idleMysql2' },
      { name: 'mysql2 with maxPreparedStatements: 100', held: 'idleMysql2Small' },
      { name: 'mariadb', held: 'idleMariadb' },
    ],
  },
  {
    id: 'heap-pending-acquire',
    metric: 'heap per pending acquire',
    counts: [100, 1_000, 10_000],
    unit: 'B',
    subjects: [
      { name: 'handback', held: 'pendingHandback' },
      { name: 'mysql2/promise', held: 'pendingMysql2' },
      { name: 'mariadb', held: 'pendingMariadb' },
    ],
  },
  {
    id: 'heap-open-scope',
    metric: 'heap per open scope',
    counts: [100, 1_000, 10_000],
    unit: 'B',
    without: 'scopesBare',
    subjects: [
      { name: 'request.db was read, no query yet', held: 'scopesRead' },
      { name: 'its first statement waits for a connection', held: 'scopesWaiting' },
    ],
  },
];

const divisors = { B: 1, KiB: 1024 };

/** What is kept in the heap after a collection, in a fresh process for each. */
export function memoryScale({ signal, progress }: Stage): Promise<PartResult> {
  return withBenchServer({ args: ['--max-connections=400'], signal }, async ({ url: uri, connection }) => {
    const figures: Figure[] = [];
    const plots: Plot[] = [];
    for (const question of questions) {
      progress(`${question.metric}: ${question.subjects.map(({ name }) => name).join(', ')}`);
      const measure = (held: MemoryTask['held']) => {
        const task: MemoryTask = { held, counts: question.counts, uri, connection };
        const program = new URL('./memory-cell.js', import.meta.url);
        return runChild<Kept>({ program, task, nodeOptions: ['--expose-gc'], signal });
      };
      const kept: Kept[] = [];
      for (const { held } of question.subjects) kept.push(await measure(held));
      if (question.without) kept.splice(0, kept.length, ...less(kept, await measure(question.without)));
      figures.push(...figuresOf(question, kept));
      plots.push(plotOf(question, kept));
    }
    return { figures, plots };
  });
}

function less(kept: readonly Kept[], { bytesEach: without }: Kept): Kept[] {
  return kept.map(({ bytesEach }) => ({
    bytesEach: bytesEach.map(([count, bytes], n) => [count, bytes - (without[n]?.[1] ?? Number.NaN)]),
  }));
}

/** At the largest count. */
function figuresOf({ id, metric, unit, subjects, counts }: Question, kept: readonly Kept[]): Figure[] {
  const values = kept.map(({ bytesEach }) => (bytesEach.at(-1)?.[1] ?? Number.NaN) / divisors[unit]);
  const figure = { row: null, unit, raw: kept } as const;
  const many = `${metric}, of ${counts.at(-1)}`;
  if (id !== 'heap-open-scope') {
    const peers = Object.fromEntries(
      subjects.slice(1).map(({ name }, n) => [name, values[n + 1] ?? Number.NaN]),
    );
    return [{ ...figure, id, metric: many, handback: values[0] ?? Number.NaN, peers }];
  }
  // All of them are Handback's: nobody else has such a thing.
  return subjects.map(({ name, held }, n) => ({
    ...figure,
    id: `${id}-${held}`,
    metric: `${many}: ${name}`,
    handback: values[n] ?? Number.NaN,
    peers: {},
  }));
}

function plotOf({ id, metric, unit, subjects }: Question, kept: readonly Kept[]): Plot {
  return {
    file: `scale-${id}`,
    title: `${metric[0]?.toUpperCase()}${metric.slice(1)}`,
    x: { label: 'how many', log: true },
    y: { label: `${unit} each`, log: unit === 'KiB' },
    series: subjects.map(({ name }, n) => ({
      name,
      points: (kept[n]?.bytesEach ?? []).map(([count, bytes]) => [count, bytes / divisors[unit]] as const),
    })),
  };
}
