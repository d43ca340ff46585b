import { AppProcess } from '../http/app-process.js';
import { withBenchServer } from '../measure/server.js';
import type { PartResult, Stage } from '../part.js';
import { cpuWith } from './cpu.js';
import { cpuPlot, flatnessFigure } from './growing.js';

const CLIENTS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000];
/** More than there are clients, so that each has its turn. */
const requestsFor = (clients: number) => Math.max(2_000, 2 * clients);
const WARM_UP_REQUESTS = 8_000;
const FEW = 50;

const contenders = [
  {
    name: "handback with queue: 'fifo'",
    contender: 'handback',
    // All are to be answered, however long it takes: the others have no limit at all.
    options: { queue: 'fifo', maxPending: 20_000, acquireTimeoutMs: 120_000 },
  },
  { name: 'mysql2/promise', contender: 'mysql2-promise', options: {} },
];

/** A pool of 10 connections for all of them, which is the default. */
export function clientsScale({ rounds, signal, progress }: Stage): Promise<PartResult> {
  return withBenchServer({ signal }, async ({ url: uri }) => {
    const growths = contenders.map(({ name }) => ({ name, points: new Map<number, number[]>() }));
    const apps: AppProcess[] = [];
    try {
      for (const { contender, options } of contenders)
        apps.push(await AppProcess.start({ framework: 'fastify', contender, uri, options }, signal));
      for (const app of apps) await cpuWith(app, FEW, WARM_UP_REQUESTS);
      for (const clients of CLIENTS) {
        progress(`CPU per request, ${clients} clients on a pool of 10`);
        for (let round = 0; round < rounds; round++) {
          for (const [n, app] of apps.entries()) {
            signal.throwIfAborted();
            const points = growths[n]?.points;
            const us = await cpuWith(app, clients, requestsFor(clients));
            points?.set(clients, [...(points.get(clients) ?? []), us]);
          }
        }
      }
    } finally {
      await Promise.all(apps.map((app) => app.stop()));
    }
    const metric = 'CPU of a request with one query, 10 000 clients on a pool of 10';
    return {
      figures: [
        flatnessFigure(growths, {
          id: 'scale-clients',
          metric,
          from: 10,
          to: 10_000,
          relativeTo: '10 clients',
        }),
      ],
      plots: [
        cpuPlot(
          'scale-clients',
          'CPU per request as clients grow, on a pool of 10',
          { label: 'clients at the same time', log: true },
          growths,
        ),
      ],
    };
  });
}
