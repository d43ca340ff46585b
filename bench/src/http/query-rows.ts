import type { Figure } from '../figure.js';
import { compare, type Measured } from './compare.js';
import { type Framework, frameworks } from './contender.js';
import { cellsOf } from './contenders.js';
import { ratiosToFirst, rawOf } from './ratios.js';
import type { Setting } from './setting.js';
import type { Route } from './work.js';

type QueryRoute = Exclude<Route, 'none'>;

interface Asked {
  readonly row: number | null;
  readonly id: string;
  readonly metric: string;
  readonly relativeTo: string;
  readonly atMost?: number;
  /** In each turn of a contender. */
  readonly requests: number;
}

const asked: Readonly<Record<QueryRoute, Asked>> = {
  one: {
    row: 7,
    id: 'one-query',
    metric: 'CPU of a request with one query',
    relativeTo: 'mysql2/promise pool.query',
    atMost: 0.9,
    requests: 300,
  },
  three: {
    row: 8,
    id: 'three-queries',
    metric: 'CPU of a request with three queries',
    relativeTo: 'mysql2/promise getConnection + release',
    atMost: 0.9,
    requests: 150,
  },
  execute: {
    row: null,
    id: 'one-execute',
    metric: 'CPU of a request with one prepared statement',
    relativeTo: 'mysql2/promise pool.execute',
    requests: 300,
  },
};

const SLICES = 8;

/** Rows 7 and 8: on Fastify first, which is what the row is about; on the others by the same target. */
export async function queryFigures(route: QueryRoute, setting: Setting): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const framework of frameworks) {
    const cells = cellsOf(framework, route);
    if (cells.length < 2) continue;
    const { requests, metric } = asked[route];
    setting.progress(`${metric}, ${framework}: ${cells.map(({ name }) => name).join(', ')}`);
    const measured = await compare({ cells, requests, slices: SLICES, ...setting });
    figures.push(figureOf(route, framework, measured));
  }
  return figures;
}

function figureOf(route: QueryRoute, framework: Framework, measured: Measured[]): Figure {
  const { row, id, metric, relativeTo, atMost } = asked[route];
  const ratios = ratiosToFirst(measured);
  const handback = ratios.find(({ name }) => name === 'handback');
  const floor = ratios.find(({ name }) => name === 'floor');
  const peers = ratios.filter((ratio) => ratio !== handback && ratio !== floor);
  return {
    row,
    id: `${id}-${framework}`,
    metric: `${metric}, ${framework}`,
    unit: 'x',
    relativeTo,
    handback: handback?.median ?? Number.NaN,
    ...(handback && { range: handback.range }),
    peers: Object.fromEntries(peers.map(({ name, median }) => [name, median])),
    ...(atMost !== undefined && { target: { atMost } }),
    ...(floor && { note: `the limit, a hand-written pool without features, is ${floor.median.toFixed(2)}x` }),
    raw: rawOf(measured),
  };
}
