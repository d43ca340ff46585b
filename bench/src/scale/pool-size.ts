import { AppProcess } from '../http/app-process.js';
import { withBenchServer } from '../measure/server.js';
import type { PartResult, Stage } from '../part.js';
import { cpuWith } from './cpu.js';
import { cpuPlot, flatnessFigure, type Growth } from './growing.js';

const SIZES = [1, 2, 5, 10, 20, 50, 100, 200, 500];
const REQUESTS = 2_000;
const WARM_UP_REQUESTS = 6_000;
/** One client would take its time. */
const WARM_UP_CLIENTS = 50;

const contenders = [
  { name: 'handback', contender: 'handback', options: (max: number) => ({ max }) },
  {
    name: 'mysql2/promise',
    contender: 'mysql2-promise',
    options: (connectionLimit: number) => ({ connectionLimit }),
  },
];

/** As many clients as connections: all of them are in use. */
export function poolSizeScale({ rounds, signal, progress }: Stage): Promise<PartResult> {
  const args = [`--max-connections=${2 * (SIZES.at(-1) ?? 0) + 50}`];
  return withBenchServer({ args, signal }, async ({ url: uri }) => {
    const growths = contenders.map(({ name }) => ({ name, points: new Map<number, number[]>() }));
    for (const size of SIZES) {
      progress(`CPU per request, ${size} clients on a pool of ${size}: ${names(growths)}`);
      await measureSize({ size, uri, rounds, signal, growths });
    }
    const metric = 'CPU of a request with one query, 500 connections in use';
    return {
      figures: [
        flatnessFigure(growths, { id: 'scale-pool', metric, from: 10, to: 500, relativeTo: '10 in use' }),
      ],
      plots: [
        cpuPlot(
          'scale-pool',
          'CPU per request as the pool grows, all its connections in use',
          { label: 'connections', log: true },
          growths,
        ),
      ],
    };
  });
}

interface Sizing {
  size: number;
  uri: string;
  rounds: number;
  signal: AbortSignal;
  growths: ReadonlyArray<{ points: Map<number, number[]> }>;
}

/** In processes of this size that take turns. */
async function measureSize({ size, uri, rounds, signal, growths }: Sizing): Promise<void> {
  const apps: AppProcess[] = [];
  try {
    for (const { contender, options } of contenders) {
      apps.push(
        await AppProcess.start({ framework: 'fastify', contender, uri, options: options(size) }, signal),
      );
    }
    for (const app of apps) await cpuWith(app, Math.max(size, WARM_UP_CLIENTS), WARM_UP_REQUESTS);
    for (let round = 0; round < rounds; round++) {
      for (const [n, app] of apps.entries()) {
        signal.throwIfAborted();
        const points = growths[n]?.points;
        points?.set(size, [...(points.get(size) ?? []), await cpuWith(app, size, REQUESTS)]);
      }
    }
  } finally {
    await Promise.all(apps.map((app) => app.stop()));
  }
}

function names(growths: ReadonlyArray<Pick<Growth, 'name'>>): string {
  return growths.map(({ name }) => name).join(', ');
}
