import { setTimeout as sleep } from 'node:timers/promises';
import { RawClient } from '@handback/contract/support/raw-client.js';
import { type RunningApp, withApp } from '../app/run-app.js';
import type { Probed } from '../app/task.js';
import type { Figure } from '../figure.js';
import { withBenchServer } from '../measure/server.js';
import type { Stage } from '../part.js';
import { appTask, httpContenders } from './http-contenders.js';

const MAX = 10;
const LEAVING = 5;
const QUERY_MS = 1_000;
const LEAVE_AFTER_MS = 200;
/** A statement that takes no time, answered after so long, stood behind another. */
const BUSY_MS = 150;

interface Left {
  leaked: number;
  busy: number;
}

/** Row 16: clients that leave while their query runs. */
export async function aborts({ signal, progress }: Stage): Promise<Figure[]> {
  const found = new Map<string, Left>();
  await withBenchServer({ signal }, async ({ url }) => {
    for (const contender of Object.values(httpContenders)) {
      const left = await withApp(appTask(contender, url, MAX), signal, leave);
      found.set(contender.name, left);
      progress(`aborts, ${contender.name}: ${left.leaked} leaked, ${left.busy} handed out busy`);
    }
  });
  const of = (pick: (left: Left) => number) => {
    const [own = Number.NaN, ...others] = [...found.values()].map(pick);
    const names = [...found.keys()].slice(1);
    return { handback: own, peers: Object.fromEntries(names.map((name, i) => [name, others[i] as number])) };
  };
  return [
    {
      row: 16,
      id: 'aborts-leaked',
      metric: `${LEAVING} clients abort during a query: connections that never came back`,
      unit: 'count',
      ...of(({ leaked }) => leaked),
      target: { atMost: 0 },
      note: `Seen from the pool: of its ${MAX} connections, those that nobody can get once every query has ended.`,
    },
    {
      row: 16,
      id: 'aborts-busy',
      metric: 'the same: connections handed to the next while the query ran on them',
      unit: 'count',
      ...of(({ busy }) => busy),
      target: { atMost: 0 },
      note: 'Seen from the pool: granted while the query ran, and late with a statement that takes no time.',
    },
  ];
}

async function leave({ app }: RunningApp): Promise<Left> {
  const clients = await Promise.all(Array.from({ length: LEAVING }, () => RawClient.connect(app.ready)));
  for (const client of clients) client.send([`/slow?seconds=${QUERY_MS / 1_000}`]);
  await sleep(LEAVE_AFTER_MS);
  for (const client of clients) client.leave('RST');
  await sleep(50);
  const meanwhile = await app.ask<Probed[]>('probe', 300);
  const busy = meanwhile.filter(({ answeredAfter }) => answeredAfter !== null && answeredAfter > BUSY_MS);
  await sleep(QUERY_MS);
  const afterwards = await app.ask<Probed[]>('probe', 1_000);
  const leaked = afterwards.filter(({ grantedAfter }) => grantedAfter === null);
  return { leaked: leaked.length, busy: busy.length };
}
