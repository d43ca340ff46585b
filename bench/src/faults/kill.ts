import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Figure } from '../figure.js';
import { median, rangeOf } from '../measure/median.js';
import { type BenchServer, withBenchServer } from '../measure/server.js';
import type { Stage } from '../part.js';
import { now } from './call.js';
import { type CallerOf, callDuring } from './callers.js';
import { countOutage, type Outage, type OutageCounts } from './outage-counts.js';

const MAX = 10;
const PER_SECOND = 100;
const QUERY_SECONDS = 0.02;
const DOWN_MS = 1_000;

const callers: readonly CallerOf[] = [
  { name: 'Handback', kind: 'handback' },
  { name: 'mysql2', kind: 'mysql2' },
  { name: 'mariadb', kind: 'mariadb' },
  { name: "tarn, knex's check", kind: 'tarn' },
  {
    name: "tarn, knex's check, propagateCreateError: false",
    kind: 'tarn',
    options: { propagateCreateError: false },
  },
];

/** Row 13: the server is killed under load, and started again after a second. */
export async function killed({ rounds, signal, progress }: Stage): Promise<Figure[]> {
  const counts = new Map<string, OutageCounts[]>(callers.map(({ name }) => [name, []]));
  for (let round = 1; round <= Math.min(rounds, 3); round++) {
    // A server of its own in each: its start is slower, and other, after each crash.
    for (const [name, its] of await withBenchServer({ signal }, (server) => oneOutage(server, signal))) {
      counts.get(name)?.push(its);
    }
    progress(`server killed, round ${round}: ${summary(counts)}`);
  }
  return figuresOf(counts);
}

async function oneOutage(bench: BenchServer, signal: AbortSignal): Promise<[string, OutageCounts][]> {
  const plan = { callers, url: bench.url, max: MAX, perSecond: PER_SECOND, signal };
  const { fault, calls } = await callDuring(
    { ...plan, sql: `SELECT SLEEP(${QUERY_SECONDS})` },
    { fault: () => outageOf(bench), settleMs: 8_000 },
  );
  return [...calls].map(([name, its]) => [name, countOutage(its, fault)]);
}

async function outageOf({ server }: BenchServer): Promise<Outage> {
  await sleep(1_000);
  const from = now();
  await server.kill('SIGKILL');
  const gone = now();
  await sleep(DOWN_MS);
  const [back] = await Promise.all([acceptsAt(server.port), server.restart()]);
  await sleep(1_500);
  return { from, gone, back };
}

/** The moment at which a port takes connections. */
async function acceptsAt(port: number): Promise<number> {
  while (!(await takesConnection(port))) await sleep(1);
  return now();
}

function takesConnection(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.once('error', () => resolve(false));
    socket.once('connect', () => {
      resolve(true);
      socket.destroy();
    });
  });
}

function figuresOf(counts: Map<string, OutageCounts[]>): Figure[] {
  const of = (pick: (its: OutageCounts) => number) => {
    const [[, own] = ['', []], ...others] = [...counts].map(
      ([name, rounds]) => [name, rounds.map(pick)] as const,
    );
    const peers = Object.fromEntries(others.map(([name, values]) => [name, median(values)]));
    return { handback: median([...own]), range: rangeOf(own), peers };
  };
  return [
    {
      row: 13,
      id: 'killed-failed',
      metric: 'server killed under load, back after 1 s: calls that failed beyond those in flight',
      unit: 'count',
      ...of(({ failedBeyond }) => failedBeyond),
      target: { atMost: 0 },
      note: `${PER_SECOND} calls per second of ${QUERY_SECONDS * 1_000} ms on a pool of ${MAX}, all contenders at once on one server; the outage is the second and the start of the server.`,
      raw: Object.fromEntries(counts),
    },
    {
      row: 13,
      id: 'killed-first-success',
      metric: 'first call that succeeds after the server takes connections again',
      unit: 'ms',
      ...of(({ firstSuccessMs }) => firstSuccessMs),
      target: { atMost: 100 },
    },
    {
      row: 13,
      id: 'killed-dead-handed-out',
      metric: 'connections handed out that were dead',
      unit: 'count',
      ...of(({ deadHandedOut }) => deadHandedOut),
      target: { atMost: 0 },
    },
  ];
}

function summary(counts: Map<string, OutageCounts[]>): string {
  return [...counts]
    .map(([name, rounds]) => {
      const { failedBeyond, deadHandedOut, firstSuccessMs } = rounds.at(-1) as OutageCounts;
      return `${name} ${failedBeyond} failed, ${deadHandedOut} on dead connections, first success after ${Math.round(firstSuccessMs)} ms`;
    })
    .join('; ');
}
