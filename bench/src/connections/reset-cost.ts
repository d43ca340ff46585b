import type { Figure } from '../figure.js';
import { runChild } from '../measure/child.js';
import { median, rangeOf } from '../measure/median.js';
import type { Stage } from '../part.js';
import type { Cost, ResetCosts, ResetTask } from './reset-cell.js';

const HANDBACK = 'Handback';
const contenders: Readonly<Record<string, ResetTask['kind']>> = {
  [HANDBACK]: 'handback',
  'mysql2, resetOnRelease': 'mysql2',
  'mariadb, resetAfterUse': 'mariadb',
};

type Pick = (cost: Cost) => number;

/** Row 10: what the cleaning of a dirty session costs beside a ping. */
export async function resetCost(url: string, { rounds, signal, progress }: Stage): Promise<Figure[]> {
  const measured = new Map<string, ResetCosts[]>(Object.keys(contenders).map((name) => [name, []]));
  for (let round = 1; round <= Math.min(rounds, 5); round++) {
    for (const [name, kind] of Object.entries(contenders)) {
      const task: ResetTask = { kind, url: withoutSchema(url) };
      const program = new URL('./reset-cell.js', import.meta.url);
      measured.get(name)?.push(await runChild<ResetCosts>({ program, task, signal }));
    }
    progress(`resets and pings, round ${round}`);
  }
  return figuresOf(measured);
}

/** What `USE` replays after a reset is counted apart. */
function withoutSchema(url: string): string {
  return Object.assign(new URL(url), { pathname: '/' }).href;
}

const cpu: Pick = ({ cpuUs }) => cpuUs;
const wall: Pick = ({ wallUs }) => wallUs;

function figuresOf(measured: Map<string, ResetCosts[]>): Figure[] {
  const values = (pick: (costs: ResetCosts) => number) => valuesOf(measured, pick);
  const toPing = (pick: Pick) => values(({ plain, reset, ping }) => (pick(reset) - pick(plain)) / pick(ping));
  return [
    {
      row: 10,
      id: 'release-reset-command',
      metric: 'the COM_RESET_CONNECTION of a dirty release: CPU of the client',
      unit: 'x',
      relativeTo: 'COM_PING on the same connection',
      ...values(({ ping, bareReset }) => cpu(bareReset) / cpu(ping)),
      target: { atMost: 1.1 },
      note: 'The one command that Handback sends, by itself on a connection of mysql2; all that the pool sends and does besides is in the next line.',
    },
    {
      row: null,
      id: 'release-reset-cpu',
      metric: 'the whole cleaning of a dirty session: CPU of the client',
      unit: 'x',
      relativeTo: 'COM_PING alone',
      ...toPing(cpu),
      note: 'What it adds to acquire, one statement, release: all that is sent (on MariaDB the tracking of changes is turned on again), timed and kept in mind for it. Not the replay of onConnect and USE.',
      raw: Object.fromEntries(measured),
    },
    {
      row: null,
      id: 'release-reset-time',
      metric: 'the same: time until the connection is ready again',
      unit: 'x',
      relativeTo: 'COM_PING on a bare connection',
      ...toPing(wall),
    },
    {
      row: null,
      id: 'release-reset-use',
      metric: 'CPU of a use (acquire, one statement, release) that is cleaned',
      unit: 'x',
      relativeTo: 'the same without cleaning',
      ...values(({ plain, reset }) => cpu(reset) / cpu(plain)),
      note: 'Handback does it for dirty sessions alone, the others every time.',
    },
  ];
}

function valuesOf(
  measured: Map<string, ResetCosts[]>,
  pick: (costs: ResetCosts) => number,
): { handback: number; range: [number, number]; peers: Record<string, number> } {
  const all = [...measured].map(([name, rounds]) => [name, rounds.map(pick)] as const);
  const own = all.find(([name]) => name === HANDBACK)?.[1] ?? [];
  const peers = all.filter(([name]) => name !== HANDBACK);
  return {
    handback: median(own),
    range: rangeOf(own),
    peers: Object.fromEntries(peers.map(([name, its]) => [name, median(its)])),
  };
}
