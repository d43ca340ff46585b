import type { ServerError } from './packets.js';
import type { PeerSession } from './session.js';

/**
 * Where the peer may stop, in the order of a session's life: before it greets; before it accepts the login; after that,
 * before it answers the first command; of a result set when the columns have been sent, in the middle of a row, and
 * when all rows have; before the OK of these four; before the answer to a ping.
 */
export const POINTS = [
  'greeting',
  'login',
  'authenticated',
  'header',
  'row',
  'eof',
  'commit',
  'rollback',
  'reset',
  'kill',
  'ping',
] as const;

export type Point = (typeof POINTS)[number];

export interface StopOptions {
  /** Of which statement; every one, if it is not given. */
  readonly of?: RegExp;
  /** Whether a KILL ends what has stopped here, as it does on a server that can still be heard. @default true */
  readonly heedsKills?: boolean;
}

/** One place where the peer stops, once. */
export class Stop {
  /** The session that has come there. */
  readonly reached: Promise<PeerSession>;
  readonly point: Point;
  readonly heedsKills: boolean;
  readonly #of: RegExp | undefined;
  readonly #released: Promise<ServerError | null>;
  #reach!: (session: PeerSession) => void;
  #release!: (error: ServerError | null) => void;

  constructor(point: Point, { of, heedsKills = true }: StopOptions = {}) {
    this.point = point;
    this.#of = of;
    this.heedsKills = heedsKills;
    this.reached = new Promise((resolve) => {
      this.#reach = resolve;
    });
    this.#released = new Promise((resolve) => {
      this.#release = resolve;
    });
  }

  isFor(point: Point, sql: string): boolean {
    return point === this.point && (this.#of?.test(sql) ?? true);
  }

  /** Resolves with what the rest of the answer is replaced by; null = nothing. */
  hold(session: PeerSession): Promise<ServerError | null> {
    this.#reach(session);
    return this.#released;
  }

  /** On, as if nothing had been. */
  go(): void {
    this.#release(null);
  }

  /** In place of the rest of the answer. */
  fail(error: ServerError): void {
    this.#release(error);
  }
}
