import { withApp } from '../app/run-app.js';
import type { AppTask } from '../app/task.js';
import type { Figure } from '../figure.js';
import type { ClosedLoad, OpenLoad, Outcome } from '../measure/load.js';
import { withBenchServer } from '../measure/server.js';
import type { Part, PartResult, Stage } from '../part.js';
import type { Plot } from '../report/plot.js';
import { type Contender, contenders, floor, handback } from './contenders.js';
import { goodput, type Run, type Shares, sharesOf } from './shares.js';

const MAX = 10;
const QUERY_SECONDS = 0.03;
const DURATION_MS = 10_000;
const CAPACITY_MS = 2_000;
/** How many clients ask one after the other while the capacity is measured: no connection ever waits for one. */
const CLIENTS = 2 * MAX;
const OVERLOAD = 2;

interface Measured extends Run {
  name: string;
  shares: Shares;
}

export const overloadPart: Part = {
  name: 'overload',
  title: 'How many requests are answered in time when twice as many come as can be served (rows 11 and 12).',
  run: (stage) => withBenchServer({ signal: stage.signal }, ({ url }) => measureAll(url, stage)),
};

async function measureAll(url: string, { signal, progress }: Stage): Promise<PartResult> {
  const measured: Measured[] = [];
  for (const contender of contenders) {
    const one = await measure(contender, url, signal).catch((error: Error) => {
      signal.throwIfAborted();
      // One that breaks is missing from the table; the others are measured all the same.
      progress(`${contender.name} broke: ${error.message}`);
    });
    if (!one) continue;
    measured.push(one);
    const { withinSecond, within200Ms, refused } = one.shares;
    const shares = `${percent(withinSecond)} within 1 s, ${percent(within200Ms)} within 200 ms, ${percent(refused)} refused`;
    progress(`${one.name}, of ${Math.round(one.capacity)} per second: ${shares}`);
  }
  return { figures: figuresOf(measured), plots: [plotOf(measured)] };
}

/** First what it can answer when nobody has to wait, then what it does when twice as many come. */
function measure(contender: Contender, url: string, signal: AbortSignal): Promise<Measured> {
  const closed: ClosedLoad = { path: '/query', clients: CLIENTS, durationMs: CAPACITY_MS };
  return withApp(taskOf(contender, url), signal, async ({ clients }) => {
    const capacity = await clients.ask<number>('closed', closed);
    const open: OpenLoad = {
      path: '/query',
      // The same arrivals for all, but for the pace.
      schedule: { perSecond: OVERLOAD * capacity, durationMs: DURATION_MS, seed: 1 },
      patienceMs: 1_200,
    };
    const outcomes = await clients.ask<Outcome[]>('open', open);
    const run: Run = { outcomes, capacity, durationMs: DURATION_MS };
    return { name: contender.name, ...run, shares: sharesOf(run) };
  });
}

function taskOf({ kind, options, release }: Contender, url: string): AppTask {
  return {
    lender: { kind, url, max: MAX, ...(options && { options }) },
    release,
    sql: `SELECT SLEEP(${QUERY_SECONDS})`,
  };
}

function figuresOf(measured: readonly Measured[]): Figure[] {
  const best = measured.find(({ name }) => name === floor.name)?.shares;
  const of = (pick: (shares: Shares) => number) => valuesOf(measured, pick);
  const raw = Object.fromEntries(
    measured.map(({ name, capacity, shares }) => [name, { capacityPerSecond: capacity, ...shares }]),
  );
  return [
    {
      row: 11,
      id: 'overload-within-1s',
      metric: 'open-loop overload at 2x capacity: answered 200 within 1 s, of the capacity',
      unit: 'share',
      ...of(({ withinSecond }) => withinSecond),
      target: { atLeast: 0.95 },
      note: `A pool of ${MAX}, a request is one query of ${QUERY_SECONDS * 1_000} ms; ${DURATION_MS / 1_000} s of Poisson arrivals from a process of its own, clients that stay; the capacity is that of each contender itself, measured just before. The floor, newest first and no wait above 150 ms: ${best?.withinSecond.toFixed(2)} within 1 s, ${best?.within200Ms.toFixed(2)} within 200 ms.`,
      raw,
    },
    {
      row: 12,
      id: 'overload-within-200ms',
      metric: 'the same, answered within 200 ms',
      unit: 'share',
      ...of(({ within200Ms }) => within200Ms),
      target: { atLeast: 0.85 },
    },
    {
      row: null,
      id: 'overload-refused',
      metric: 'the same: refused, of all that came (half of them should be)',
      unit: 'share',
      ...of(({ refused }) => refused),
    },
    {
      row: null,
      id: 'overload-refused-after',
      metric: 'the same: how long those that were refused waited for it (median)',
      unit: 'ms',
      ...of(({ refusedAfterMs }) => refusedAfterMs),
      note: 'NaN: nobody was refused.',
    },
  ];
}

function valuesOf(
  measured: readonly Measured[],
  pick: (shares: Shares) => number,
): Pick<Figure, 'handback' | 'peers'> {
  const values = new Map(measured.map(({ name, shares }) => [name, pick(shares)]));
  const { [handback.name]: own = Number.NaN, [floor.name]: _floor, ...peers } = Object.fromEntries(values);
  return { handback: own, peers };
}

function plotOf(measured: readonly Measured[]): Plot {
  return {
    file: 'overload',
    title: 'Twice as many requests as can be served: answered within 200 ms',
    x: { label: 'seconds since the overload began' },
    y: { label: 'answered within 200 ms, as a share of the capacity' },
    series: measured.map((run) => goodput(run.name, run, { withinMs: 200, sliceMs: 500 })),
  };
}

const percent = (share: number) => `${Math.round(share * 100)} %`;
