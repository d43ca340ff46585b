import { setTimeout as sleep } from 'node:timers/promises';
import type { Figure } from '../figure.js';
import { withBenchServer } from '../measure/server.js';
import type { Stage } from '../part.js';
import type { Call } from './call.js';
import { type CallerOf, callDuring } from './callers.js';
import { longerThan } from './outage-counts.js';

const MAX = 10;
const PER_SECOND = 60;
const FROZEN_MS = 8_000;
const TIMEOUT_MS = 2_000;
const LONG_MS = 5_000;
/** For timers, and for a process that waits for its turn. */
const GRACE_MS = 50;

const callers: readonly CallerOf[] = [
  {
    name: 'Handback',
    kind: 'handback',
    options: { acquireTimeoutMs: TIMEOUT_MS, queryTimeoutMs: TIMEOUT_MS },
  },
  { name: 'mysql2', kind: 'mysql2' },
  { name: 'mysql2, timeout of each query', kind: 'mysql2', queryTimeoutMs: TIMEOUT_MS },
  { name: 'mariadb', kind: 'mariadb' },
  {
    name: 'mariadb, acquireTimeout, timeout of each query',
    kind: 'mariadb',
    options: { acquireTimeout: TIMEOUT_MS },
    queryTimeoutMs: TIMEOUT_MS,
  },
  { name: "tarn, knex's check", kind: 'tarn' },
  {
    name: "tarn, knex's check, acquireTimeoutMillis, timeout of each query",
    kind: 'tarn',
    options: { acquireTimeoutMillis: TIMEOUT_MS },
    queryTimeoutMs: TIMEOUT_MS,
  },
];

/** Row 14: the server stands still for eight seconds, and goes on. */
export async function frozen({ signal, progress }: Stage): Promise<Figure[]> {
  const calls = await withBenchServer({ signal }, async ({ url, server }) => {
    const freeze = async () => {
      await sleep(1_000);
      await server.kill('SIGSTOP');
      await sleep(FROZEN_MS);
      await server.kill('SIGCONT');
      await sleep(1_000);
    };
    const plan = { callers, url, max: MAX, perSecond: PER_SECOND, sql: 'SELECT SLEEP(0.02)', signal };
    const during = await callDuring(plan, { fault: freeze, settleMs: 10_000 });
    return during.calls;
  });
  const figures = figuresOf(calls);
  const [long] = figures;
  progress(
    `server frozen: above ${2 * TIMEOUT_MS} ms: Handback ${long?.handback}, ${JSON.stringify(long?.peers)}`,
  );
  return figures;
}

function figuresOf(calls: Map<string, Call[]>): Figure[] {
  const of = (pick: (its: Call[]) => number) => {
    const [own = Number.NaN, ...others] = [...calls.values()].map(pick);
    const names = [...calls.keys()].slice(1);
    return { handback: own, peers: Object.fromEntries(names.map((name, i) => [name, others[i] as number])) };
  };
  return [
    {
      row: 14,
      id: 'frozen-too-long',
      metric: 'server frozen for 8 s: calls that took longer than acquire and query timeout, 2 s each',
      unit: 'count',
      ...of((its) => longerThan(2 * TIMEOUT_MS + GRACE_MS, its)),
      target: { atMost: 0 },
      note: `${PER_SECOND} calls per second on a pool of ${MAX}, all contenders at once on one server; ${GRACE_MS} ms are allowed for timers. Where a peer has such timeouts they are 2 s too, in a line of its own.`,
      raw: Object.fromEntries([...calls].map(([name, its]) => [name, summaryOf(its)])),
    },
    {
      row: null,
      id: 'frozen-above-5s',
      metric: 'the same: calls that took longer than 5 s, of all',
      unit: 'share',
      ...of((its) => longerThan(LONG_MS, its) / its.length),
    },
  ];
}

function summaryOf(calls: readonly Call[]) {
  const errors: Record<string, number> = {};
  for (const { error } of calls) if (error) errors[error] = (errors[error] ?? 0) + 1;
  const took = calls.map(({ asked, ended }) => (ended === null ? Number.NaN : ended - asked));
  return {
    calls: calls.length,
    errors,
    unsettled: took.filter(Number.isNaN).length,
    longestMs: Math.max(...took.filter((ms) => !Number.isNaN(ms))),
  };
}
