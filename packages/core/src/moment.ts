/**
 * When somebody began to wait: at the end of the turn of the event loop in which he asked. All who ask in one turn share it, so
 * the time is read once for all of them.
 */
export class Moment {
  /** In ms; Infinity = the turn goes on: later than any time that is known. */
  at = Number.POSITIVE_INFINITY;
  /** The shortest of their limits, in ms. */
  shortest = Number.POSITIVE_INFINITY;
}

/** Whoever waits, or did. */
export interface Came {
  /** null = it never began to wait. */
  readonly came: Moment | null;
}

/** Since when it waits; Infinity = it never did, or came in this turn. */
export function waitsSince({ came }: Came): number {
  return came === null ? Number.POSITIVE_INFINITY : came.at;
}
