import type { AppTask } from '../app/task.js';
import type { LenderTask } from '../lend/lender.js';

export interface Contender {
  name: string;
  release: AppTask['release'];
  kind: LenderTask['kind'];
  options?: Record<string, unknown>;
}

/** A seventh of a second's worth of requests: the wait for the last of them leaves time for the statement. */
const QUEUE = 45;

export const floor: Contender = { name: 'floor', release: 'finally', kind: 'newest first' };
export const handback: Contender = { name: 'Handback', release: 'scope', kind: 'handback' };

/** In the order of the plot. */
export const contenders: readonly Contender[] = [
  handback,
  { name: "Handback, queue: 'fifo'", release: 'scope', kind: 'handback', options: { queue: 'fifo' } },
  { name: 'mysql2', release: 'finally', kind: 'mysql2' },
  {
    name: `mysql2, queueLimit: ${QUEUE}`,
    release: 'finally',
    kind: 'mysql2',
    options: { queueLimit: QUEUE },
  },
  { name: 'mariadb', release: 'finally', kind: 'mariadb' },
  { name: 'tarn', release: 'finally', kind: 'tarn' },
  {
    name: 'tarn, acquireTimeoutMillis: 150',
    release: 'finally',
    kind: 'tarn',
    options: { acquireTimeoutMillis: 150 },
  },
  floor,
];
