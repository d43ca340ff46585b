import { isWanted } from '../measurements.js';
import type { Stage } from '../part.js';
import { type ContenderId, observed, peers } from './contenders.js';
import type { AtMost, CellName } from './rounds.js';
import type { ScenarioId } from './scenarios.js';

/** Cells that are measured in turn. */
export interface Step {
  readonly title: string;
  readonly cells: readonly CellName[];
  readonly most?: AtMost;
}

interface Cells {
  /** Rows that need them. */
  readonly rows: readonly number[];
  readonly cells: readonly CellName[];
}

const everybody: readonly ContenderId[] = ['floor', 'handback', ...peers];
const judged: readonly ContenderId[] = ['floor', 'handback'];

function cells(rows: readonly number[], who: readonly ContenderId[], ...what: ScenarioId[]): Cells {
  const all = who.flatMap((contender) => what.map((scenario) => ({ contender, scenario })));
  return { rows, cells: all };
}

const all: ReadonlyArray<{ title: string; parts: readonly Cells[]; most?: AtMost }> = [
  {
    title: 'idle',
    parts: [
      // What row 2 is compared with, too.
      cells([1, 2], ['floor'], 'idle'),
      cells([2], judged, 'sync'),
      cells([1], ['handback', ...observed, ...peers], 'idle'),
    ],
  },
  {
    title: 'allocation',
    parts: [cells([1], judged, 'idleBytes'), cells([2], judged, 'syncBytes'), cells([1], peers, 'idleBytes')],
    most: { rounds: 3, peerRounds: 1 },
  },
  { title: '100 callers', parts: [cells([3], everybody, 'contended100')] },
  { title: '10 000 callers', parts: [cells([3], everybody, 'contended10000')], most: { peerRounds: 2 } },
  { title: 'burst', parts: [cells([4], everybody, 'burst')], most: { peerRounds: 1 } },
  { title: 'what a waiter takes', parts: [cells([4], everybody, 'waiters')], most: { rounds: 1 } },
  {
    title: 'calling off',
    parts: [cells([4], [...judged, 'tarn'], 'cancel')],
    most: { rounds: 3, peerRounds: 1 },
  },
  { title: 'in use', parts: [cells([5], everybody, 'inUse10', 'inUse1000')] },
];

/** What the asked rows need, in the order in which it is measured. */
export function stepsFor(asked: Stage['rows']): Step[] {
  return all
    .map(({ parts, ...step }) => ({
      ...step,
      cells: parts.filter(({ rows }) => isWanted(rows, asked)).flatMap((part) => part.cells),
    }))
    .filter((step) => step.cells.length > 0);
}
