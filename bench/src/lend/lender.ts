import { openHandback } from './handback.js';
import { openMariadb } from './mariadb.js';
import { openMysql2 } from './mysql2.js';
import { openNewestFirst } from './newest-first.js';
import { openPlain } from './plain.js';
import { openTarn } from './tarn.js';

/** A connection that was lent. */
export interface Lent {
  query(sql: string): Promise<unknown>;
  release(): unknown;
}

/** What all pools have in common. */
export interface Lender {
  acquire(): Promise<Lent>;
  close(): Promise<unknown>;
}

export const kinds = {
  handback: openHandback,
  mysql2: openMysql2,
  mariadb: openMariadb,
  tarn: openTarn,
  'newest first': openNewestFirst,
  plain: openPlain,
} as const;

export interface LenderTask {
  kind: keyof typeof kinds;
  url: string;
  max: number;
  /** Where they differ from the defaults: in the words of the pool itself. */
  options?: Record<string, unknown>;
  /** How long one statement may take, where the pool or its driver can be told. */
  queryTimeoutMs?: number;
}

export function openLender(task: LenderTask): Lender {
  return kinds[task.kind](task);
}

/** Opens all connections, so that what is measured is not how they are opened. */
export async function warm(lender: Lender, max: number): Promise<void> {
  const all = await Promise.all(Array.from({ length: max }, () => lender.acquire()));
  await Promise.all(all.map((lent) => lent.query('SELECT 1')));
  await Promise.all(all.map((lent) => lent.release()));
}
