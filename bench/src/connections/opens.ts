import { TcpProxy } from '@handback/contract/support/tcp-proxy.js';
import type { Figure } from '../figure.js';
import { type LenderTask, openLender } from '../lend/lender.js';
import { runChild } from '../measure/child.js';
import { median, rangeOf } from '../measure/median.js';
import type { Stage } from '../part.js';
import type { Opened, OpenTask } from './open-cell.js';

const COUNT = 100;
const HANDBACK = 'Handback';
/** mysql2's connections without a pool. */
const FLOOR = 'floor';
/** What the others are compared with. */
const REFERENCE = 'mysql2';

interface Opener extends Pick<LenderTask, 'kind' | 'options'> {
  name: string;
}

const openers: readonly Opener[] = [
  { name: REFERENCE, kind: 'mysql2' },
  { name: HANDBACK, kind: 'handback' },
  {
    name: 'mysql2, maxPreparedStatements: 100',
    kind: 'mysql2',
    options: { maxPreparedStatements: 100 },
  },
  { name: 'mariadb', kind: 'mariadb' },
  { name: FLOOR, kind: 'plain' },
];

/** Row 9: a hundred connections are asked for at once. */
export async function opens(url: string, { rounds, signal, progress }: Stage): Promise<Figure[]> {
  const measured = new Map<string, Opened[]>(openers.map(({ name }) => [name, []]));
  for (let round = 1; round <= rounds; round++) {
    for (const { name, ...settings } of openers) {
      const task: OpenTask = { ...settings, url, max: COUNT, count: COUNT };
      const program = new URL('./open-cell.js', import.meta.url);
      const opened = await runChild<Opened>({ program, task, nodeOptions: ['--expose-gc'], signal });
      measured.get(name)?.push(opened);
    }
    progress(`${COUNT} opens at once, round ${round} of ${rounds}`);
  }
  const commands = await commandsPerOpen(url);
  return figuresOf(measured, commands);
}

/** Round trips of each open beyond the login, counted on the wire. */
async function commandsPerOpen(url: string): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { name, ...settings } of openers) {
    const proxy = await TcpProxy.inFrontOf(url);
    const lender = openLender({ ...settings, url: proxy.url(url), max: COUNT });
    try {
      const all = await Promise.all(Array.from({ length: COUNT }, () => lender.acquire()));
      const { quit: _quit, ...commands } = proxy.traffic.commands;
      counts[name] = Object.values(commands).reduce((sum, count) => sum + count, 0) / COUNT;
      await Promise.all(all.map((lent) => lent.release()));
    } finally {
      await lender.close();
      await proxy.close();
    }
  }
  return counts;
}

function figuresOf(measured: Map<string, Opened[]>, commands: Record<string, number>): Figure[] {
  const reference = measured.get(REFERENCE) as Opened[];
  const ratios = (pick: (opened: Opened) => number) =>
    valuesOf(measured, (opened, round) => pick(opened) / pick(reference[round] as Opened));
  const { [HANDBACK]: own = Number.NaN, [FLOOR]: _none, ...others } = commands;
  const floorOf = (pick: (opened: Opened) => number) =>
    median((measured.get(FLOOR) as Opened[]).map((opened, i) => pick(opened) / pick(reference[i] as Opened)));
  return [
    {
      row: 9,
      id: 'open-cpu',
      metric: `${COUNT} connections opened at once: CPU of the client`,
      unit: 'x',
      relativeTo: "mysql2's pool with its defaults",
      ...ratios(({ cpuMs }) => cpuMs),
      target: { atMost: 0.3 },
      note: `User and system time from the first of ${COUNT} acquires to the last connection, all on loopback; the code has opened a few before. The floor, bare connections with the smallest cache of statements: ${floorOf(({ cpuMs }) => cpuMs).toFixed(2)}.`,
      raw: Object.fromEntries(measured),
    },
    {
      row: 9,
      id: 'open-heap',
      metric: 'heap per connection, just opened',
      unit: 'KiB',
      ...valuesOf(measured, ({ heapBytes }) => heapBytes / 1_024),
      target: { atMost: 60 },
    },
    {
      row: null,
      id: 'open-wall',
      metric: `${COUNT} connections opened at once: time until the last is there`,
      unit: 'x',
      relativeTo: "mysql2's pool with its defaults",
      ...ratios(({ wallMs }) => wallMs),
      note: 'Handback opens two at a time (maxOpening), the others all at once or one after the other; the server and its logins take most of it.',
    },
    {
      row: null,
      id: 'open-round-trips',
      metric: 'round trips of an open beyond the login, counted on the wire',
      unit: 'count',
      handback: own,
      peers: others,
    },
  ];
}

function valuesOf(
  measured: Map<string, Opened[]>,
  pick: (opened: Opened, round: number) => number,
): Pick<Figure, 'handback' | 'range' | 'peers'> {
  const values = new Map([...measured].map(([name, rounds]) => [name, rounds.map(pick)]));
  const own = values.get(HANDBACK) as number[];
  const peers = [...values].filter(([name]) => name !== HANDBACK && name !== FLOOR);
  return {
    handback: median(own),
    range: rangeOf(own),
    peers: Object.fromEntries(peers.map(([name, its]) => [name, median(its)])),
  };
}
