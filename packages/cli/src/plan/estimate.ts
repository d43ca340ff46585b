import { erlangB, erlangC, waitsGiven } from './erlang.js';

/** One pool and what comes to it. */
export interface Queue {
  /** Connections: the pool's `max`. */
  readonly servers: number;
  /** Requests per second that need a connection. */
  readonly rate: number;
  /** How long one of them holds it, on average, in milliseconds. */
  readonly holdMs: number;
  /** Standard deviation of that time divided by its mean: 0 = always the same, 1 = exponential. */
  readonly cv: number;
}

export interface Waits {
  /** Share of the requests that have to wait. */
  readonly waiting: number;
  /** Over all requests, those that don't wait included. */
  readonly meanMs: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  /** Requests that wait at the same time, on average. */
  readonly queued: number;
}

/** Connections in use on average, were there enough of them (Erlang). */
export function offeredBy({ rate, holdMs }: Pick<Queue, 'rate' | 'holdMs'>): number {
  return (rate * holdMs) / 1_000;
}

const ENDLESS: Waits = {
  waiting: 1,
  meanMs: Number.POSITIVE_INFINITY,
  p95Ms: Number.POSITIVE_INFINITY,
  p99Ms: Number.POSITIVE_INFINITY,
  queued: Number.POSITIVE_INFINITY,
};

/**
 * M/M/c, its waits scaled by (1 + cv²) / 2 for other spreads of the hold time (Allen and Cunneen's approximation with Poisson
 * arrivals; exact for cv 1). Infinite where more comes than can be served.
 */
export function estimate(queue: Queue): Waits {
  const { servers, rate } = queue;
  const offered = offeredBy(queue);
  if (offered >= servers) return ENDLESS;
  const waiting = erlangC(servers, offered);
  const tailMs = tailMsOf(queue, offered);
  const meanMs = waiting * tailMs;
  return {
    waiting,
    meanMs,
    p95Ms: percentile(0.95, waiting, tailMs),
    p99Ms: percentile(0.99, waiting, tailMs),
    queued: (rate * meanMs) / 1_000,
  };
}

/** Who has to wait waits an exponential time with this mean. */
function tailMsOf({ servers, holdMs, cv }: Queue, offered: number): number {
  return ((holdMs / (servers - offered)) * (1 + cv * cv)) / 2;
}

function percentile(share: number, waiting: number, tailMs: number): number {
  return waiting <= 1 - share ? 0 : tailMs * Math.log(waiting / (1 - share));
}

/** More connections than this no server takes: the largest `max_connections` of MySQL and MariaDB. */
export const MOST_CONNECTIONS = 100_000;

/** The fewest connections with which 95 % of the requests wait no longer than `waitMs`; infinite where no server has so many. */
export function serversFor(load: Omit<Queue, 'servers'>, waitMs: number): number {
  const offered = offeredBy(load);
  if (offered >= MOST_CONNECTIONS) return Number.POSITIVE_INFINITY;
  const first = Math.floor(offered) + 1;
  let blocked = erlangB(first, offered);
  for (let servers = first; servers <= MOST_CONNECTIONS; servers++) {
    if (servers > first) blocked = (offered * blocked) / (servers + offered * blocked);
    const waiting = waitsGiven(blocked, servers, offered);
    if (percentile(0.95, waiting, tailMsOf({ ...load, servers }, offered)) <= waitMs) return servers;
  }
  return Number.POSITIVE_INFINITY;
}

/** The most requests per second of which 95 % wait no longer than `waitMs`. */
export function rateFor({ servers, holdMs, cv }: Omit<Queue, 'rate'>, waitMs: number): number {
  const most = (servers * 1_000) / holdMs;
  let carried = 0;
  let tooMuch = most;
  for (let step = 0; step < 50; step++) {
    const rate = (carried + tooMuch) / 2;
    if (estimate({ servers, rate, holdMs, cv }).p95Ms <= waitMs) carried = rate;
    else tooMuch = rate;
  }
  return carried;
}
