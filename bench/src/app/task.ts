import type { LenderTask } from '../lend/lender.js';

/**
 * When a request gives its connection back. `scope`: Handback decides. The others are what is done by hand: in the
 * `finally` of the handler, on the `finish` or `close` of the response, in Fastify's `onResponse`.
 */
export type Release = 'scope' | 'finally' | 'finish' | 'close' | 'onResponse';

export interface AppTask {
  lender: LenderTask;
  release: Release;
  /** What `GET /query` asks the database. */
  sql: string;
}

/** What became of one acquire of a probe. */
export interface Probed {
  /** ms until it was granted; null = not in time. */
  grantedAfter: number | null;
  /** ms that a statement took on it which needs none. */
  answeredAfter: number | null;
}
