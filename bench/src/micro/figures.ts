import type { Figure, Target, Unit } from '../figure.js';
import { median, rangeOf } from '../measure/median.js';
import { isWanted } from '../measurements.js';
import type { Stage } from '../part.js';
import { valueText } from '../report/values.js';
import { type ContenderId, contenders, peers } from './contenders.js';
import { medianOf, type Rounds } from './rounds.js';
import type { ScenarioId } from './scenarios.js';

interface Asked {
  readonly row: number | null;
  readonly id: string;
  readonly metric: string;
  readonly unit: Unit;
  readonly relativeTo?: string;
  readonly target?: Target;
  readonly note?: string;
  /** By round, of one of the contenders. */
  of(contender: ContenderId): readonly number[];
  /** Why it is missing. */
  failure(contender: ContenderId): string | undefined;
  /** Those who can do it at all. */
  readonly peers?: readonly ContenderId[];
}

function figure({ of, failure, peers: who = peers, note, ...asked }: Asked): Figure {
  const rounds = of('handback');
  const failures = ['handback' as const, ...who].flatMap((id) => {
    const reason = Number.isNaN(medianOf(of(id))) ? failure(id) : undefined;
    return reason ? [`${contenders[id].name} failed: ${reason}`] : [];
  });
  const notes = [...(note ? [note] : []), ...failures].join('; ');
  const measured = medianOf(rounds);
  return {
    ...asked,
    handback: measured,
    ...(Number.isNaN(measured) ? {} : { range: rangeOf(rounds) }),
    peers: Object.fromEntries(who.map((id) => [contenders[id].name, medianOf(of(id))])),
    ...(notes ? { note: notes } : {}),
    raw: { rounds },
  };
}

const measurements: ReadonlyArray<{ rows: readonly number[]; of(results: Rounds): Figure[] }> = [
  { rows: [1], of: acquireRelease },
  { rows: [2], of: synchronous },
  { rows: [3], of: contended },
  { rows: [4], of: bursts },
  { rows: [4], of: waiting },
  { rows: [5], of: inUse },
];

/** Rows 1 to 5, those that were asked for. */
export function microFigures(results: Rounds, asked?: Stage['rows']): Figure[] {
  const wanted = measurements.filter(({ rows }) => isWanted(rows, asked));
  const figures = wanted.flatMap(({ of }) => of(results));
  const [first, ...others] = figures;
  return first ? [{ ...first, raw: { rounds: first.raw, cells: results.raw } }, ...others] : figures;
}

function acquireRelease(results: Rounds): Figure[] {
  const floorNs = median(results.values({ contender: 'floor', scenario: 'idle', value: 'ns' }));
  return [
    timesFloor(results, 'idle', {
      row: 1,
      id: 'acquire-release',
      metric: 'acquire + release, idle, promise',
      target: { atMost: 1.7 },
      note: `the floor took ${Math.round(floorNs)} ns`,
    }),
    amount(results, 'idleBytes', {
      row: 1,
      id: 'acquire-release-bytes',
      metric: 'the same: allocated per operation',
      target: { atMost: 350 },
    }),
    ...events(results),
  ];
}

/** What it costs that somebody could listen, and that somebody does. */
function events(results: Rounds): Figure[] {
  const base = { contender: 'handback', scenario: 'idle', value: 'ns' } as const;
  const asked = [
    ['onceObserved', 'events-unheard', 'nobody listens any more'],
    ['listened', 'events-listeners', 'a listener to acquire and one to release'],
    ['subscribed', 'events-channels', 'a subscriber to handback:acquire and one to handback:release'],
  ] as const;
  return asked.map(([contender, id, who]) => {
    const mine = { contender, scenario: 'idle', value: 'ns' } as const;
    return figure({
      row: null,
      id,
      metric: `acquire + release, idle: ${who}`,
      unit: 'x',
      relativeTo: 'a pool that nobody has ever listened to',
      peers: [],
      of: () => results.ratios(mine, base),
      failure: () => results.failure(mine) ?? results.failure(base),
    });
  });
}

function synchronous(results: Rounds): Figure[] {
  const base = { contender: 'floor', scenario: 'idle', value: 'ns' } as const;
  const mine = (contender: ContenderId) => ({ contender, scenario: 'sync', value: 'ns' }) as const;
  const floorNs = median(results.values(mine('floor')));
  return [
    figure({
      row: 2,
      id: 'try-acquire',
      metric: 'tryAcquire + release, synchronous',
      unit: 'x',
      relativeTo: 'the floor with a promise',
      target: { atMost: 0.5 },
      note: `no peer has one; the floor took ${floorNs.toFixed(1)} ns`,
      peers: [],
      of: (contender) => results.ratios(mine(contender), base),
      failure: (contender) => results.failure(mine(contender)) ?? results.failure(base),
    }),
    amount(results, 'syncBytes', {
      row: 2,
      id: 'try-acquire-bytes',
      metric: 'the same: allocated per operation',
      target: { atMost: 64 },
      peers: [],
    }),
  ];
}

function contended(results: Rounds): Figure[] {
  const asked = { row: 3, target: { atMost: 1.4 } };
  return [
    timesFloor(results, 'contended100', { ...asked, id: 'contended-100', metric: 'contended, 100 callers' }),
    timesFloor(results, 'contended10000', {
      ...asked,
      id: 'contended-10000',
      metric: 'contended, 10 000 callers',
    }),
  ];
}

const mostWaiters = 'Handback with maxPending: 100 000, where its default is 10 000';

function bursts(results: Rounds): Figure[] {
  const burst = (waiters: number) => ({
    id: `burst-${waiters}`,
    metric: `burst of ${spaced(waiters)} waiters`,
    value: `ns${waiters}`,
  });
  const most = { ...burst(100_000), row: 4, target: { atMost: 1.5 }, note: mostWaiters };
  const smaller = [1_000, 10_000].map((waiters) => ({ ...burst(waiters), row: null }));
  const sizes = [most, ...smaller].map((asked) => timesFloor(results, 'burst', asked));
  return [
    ...sizes,
    growth(results, 'burst', {
      id: 'burst-growth',
      metric: 'a waiter of 100 000 : one of 1 000',
      atMost: 1.2,
    }),
  ];
}

function waiting(results: Rounds): Figure[] {
  return [
    amount(results, 'waiters', {
      row: 4,
      id: 'waiter-bytes',
      metric: 'kept per waiter',
      target: { atMost: 500 },
      note: 'of 50 000 who wait, with their promises where there are promises',
    }),
    amount(results, 'waiters', {
      row: 4,
      id: 'waiter-timers',
      metric: 'timers per waiter',
      value: 'timers',
      unit: 'count',
      target: { atMost: 0.01 },
      note: 'of 1 000 who wait; 0.001 is one timer for all of them',
    }),
    growth(results, 'cancel', {
      id: 'cancel-growth',
      metric: 'calling off one of 100 000 : one of 1 000, in random order',
      atMost: 1.5,
      peers: ['tarn'],
      note: 'by AbortSignal (tarn: abort()); the others have no way to; what looks through the queue would be at 100',
    }),
  ];
}

function timesText(name: string, rounds: readonly number[]): string {
  return `${name} ${valueText(medianOf(rounds), 'x')}`;
}

interface Growth {
  readonly id: string;
  readonly metric: string;
  readonly atMost: number;
  readonly peers?: readonly ContenderId[];
  readonly note?: string;
}

/** How the cost of one grows from a thousand to a hundred thousand, beside how that of the floor does: more garbage, cold caches. */
function growth(results: Rounds, scenario: ScenarioId, { atMost, note, ...asked }: Growth): Figure {
  const grown = (contender: ContenderId) =>
    results.ratios({ contender, scenario, value: 'ns100000' }, { contender, scenario, value: 'ns1000' });
  const floor = grown('floor');
  return figure({
    ...asked,
    row: 4,
    unit: 'x',
    relativeTo: "the floor's",
    target: { atMost },
    note: [
      `${timesText('Handback', grown('handback'))}, ${timesText('the floor', floor)}`,
      ...(note ? [note] : []),
    ].join('; '),
    of: (contender) => grown(contender).map((value, round) => value / (floor[round] ?? Number.NaN)),
    failure: (contender) => results.failure({ contender, scenario, value: 'ns100000' }),
  });
}

function inUse(results: Rounds): Figure[] {
  const [few, many] = ['inUse10', 'inUse1000'] as const;
  const value = 'ns';
  return [
    figure({
      row: 5,
      id: 'in-use',
      metric: 'acquire + release with 1 000 in use : with 10',
      unit: 'x',
      target: { atMost: 1.2 },
      of: (contender) =>
        results.ratios({ contender, scenario: many, value }, { contender, scenario: few, value }),
      failure: (contender) =>
        results.failure({ contender, scenario: many, value }) ??
        results.failure({ contender, scenario: few, value }),
    }),
  ];
}

type Named = Pick<Asked, 'row' | 'id' | 'metric' | 'target' | 'note' | 'peers'>;

/** CPU time as a multiple of the floor's in the same round. */
function timesFloor(
  results: Rounds,
  scenario: ScenarioId,
  { value = 'ns', ...asked }: Named & { value?: string },
): Figure {
  const base = { contender: 'floor', scenario, value } as const;
  return figure({
    ...asked,
    unit: 'x',
    relativeTo: 'the floor',
    of: (contender) => results.ratios({ contender, scenario, value }, base),
    failure: (contender) => results.failure({ contender, scenario, value }) ?? results.failure(base),
  });
}

/** What was counted, as it is. */
function amount(
  results: Rounds,
  scenario: ScenarioId,
  { value = 'bytes', unit = 'B', ...asked }: Named & { value?: string; unit?: Unit },
): Figure {
  return figure({
    ...asked,
    unit,
    of: (contender) => results.values({ contender, scenario, value }),
    failure: (contender) => results.failure({ contender, scenario, value }),
  });
}

function spaced(count: number): string {
  return count.toLocaleString('en-US').replaceAll(',', ' ');
}
