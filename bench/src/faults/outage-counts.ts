import type { Call } from './call.js';

/** Moments of an outage, ms since 1970. */
export interface Outage {
  /** The server is about to be killed. */
  readonly from: number;
  /** It is gone, and its sockets with it. */
  readonly gone: number;
  /** It takes connections again. */
  readonly back: number;
}

export interface OutageCounts {
  /** On a connection when the server died. They can't but fail. */
  readonly inFlight: number;
  /** Of all others: those that ended with an error, or not at all. */
  readonly failedBeyond: number;
  /** Of those: had been given a connection after the server was gone. */
  readonly deadHandedOut: number;
  /** ms from its return to the end of the first call that succeeded; Infinity = none did. */
  readonly firstSuccessMs: number;
}

export function countOutage(calls: readonly Call[], { from, gone, back }: Outage): OutageCounts {
  const failed = calls.filter(({ ended, error }) => error !== null || ended === null);
  const wasInFlight = ({ granted, ended }: Call) =>
    granted !== null && granted <= gone && (ended === null || ended >= from);
  const inFlight = failed.filter(wasInFlight).length;
  const dead = failed.filter(
    ({ granted, error }) => error !== null && granted !== null && granted > gone,
  ).length;
  const successes = calls
    .filter(({ ended, error }) => error === null && ended !== null && ended > back)
    .map(({ ended }) => (ended as number) - back);
  return {
    inFlight,
    failedBeyond: failed.length - inFlight,
    deadHandedOut: dead,
    firstSuccessMs: Math.min(...successes),
  };
}

/** Calls that took longer than so many ms; those that have not ended count. */
export function longerThan(ms: number, calls: readonly Call[]): number {
  return calls.filter(({ asked, ended }) => ended === null || ended - asked > ms).length;
}
