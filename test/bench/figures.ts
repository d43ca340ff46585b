import type { Figure } from '#bench/figure.js';
import type { ResultDocument } from '#bench/report/document.js';

/** A figure that meets its target. */
export function figure(given: Partial<Figure> = {}): Figure {
  return {
    row: 1,
    id: 'some',
    metric: 'some metric',
    unit: 'x',
    handback: 1.5,
    peers: { slow: 9, quick: 1.8, middling: 4 },
    target: { atMost: 1.7 },
    ...given,
  };
}

export function documentOf(figures: Figure[], error?: string): ResultDocument {
  return {
    date: '2026-01-31',
    command: 'npm run bench',
    rounds: 5,
    seconds: 600,
    machine: {
      cpu: 'some CPU',
      cores: 2,
      memoryGiB: 8,
      os: 'linux',
      node: '20.19.0',
      server: 'some server 1.2',
      packages: { mysql2: '3.0.0' },
    },
    parts: [
      {
        name: 'micro',
        title: 'some part',
        seconds: 600,
        figures,
        plots: [{ file: 'burst.svg', title: 'A burst' }],
        ...(error === undefined ? {} : { error }),
      },
    ],
  };
}
