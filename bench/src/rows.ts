import type { PartName } from './part.js';

interface Row {
  readonly part: PartName;
  readonly title: string;
}

const byNumber: Readonly<Record<number, Row>> = {
  1: { part: 'micro', title: 'acquire + release, idle, promise' },
  2: { part: 'micro', title: 'tryAcquire + release, synchronous' },
  3: { part: 'micro', title: 'contended' },
  4: { part: 'micro', title: 'burst of waiters' },
  5: { part: 'micro', title: 'connections in use, 10 to 1000' },
  6: { part: 'request', title: 'plugin installed, route without a query' },
  7: { part: 'request', title: 'one query by primary key per request' },
  8: { part: 'request', title: 'three queries on one connection' },
  9: { part: 'connections', title: '100 opens at once; heap per connection' },
  10: { part: 'connections', title: 'cleaning on release' },
  11: { part: 'overload', title: 'twice the capacity: answered within 1 s' },
  12: { part: 'overload', title: 'twice the capacity: answered within 200 ms' },
  13: { part: 'faults', title: 'server killed under load, back after 1 s' },
  14: { part: 'faults', title: 'server frozen for 8 s' },
  15: { part: 'faults', title: 'slow downloaders: what other routes keep' },
  16: { part: 'faults', title: 'clients that abort during a query' },
};

/** A part that breaks leaves these of its rows missed, not out. */
export function rowsOf(part: PartName): number[] {
  return Object.keys(byNumber)
    .map(Number)
    .filter((row) => byNumber[row]?.part === part);
}

export function titleOf(row: number): string {
  return byNumber[row]?.title ?? `row ${row}`;
}
