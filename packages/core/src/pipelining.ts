import type { Clock } from './clock.js';
import type { Pipelining } from './driver.js';

/** What let a connection end over it once is not tried again so soon. */
const AGAIN_MS = 600_000;

/**
 * A server reads its commands one after the other, so that several can be sent in one go. What reads them in its place may not
 * bear that: it is done where nothing seems to be in between, and given up for a while when a connection has ended over it.
 */
export class PoolPipelining implements Pipelining {
  readonly #clock: Clock;
  readonly #serverPort: () => number | undefined;
  #failedAt = Number.NEGATIVE_INFINITY;

  /** `serverPort`: where the server says that it listens; undefined = it has not been asked, or did not say. */
  constructor(clock: Clock, serverPort: () => number | undefined) {
    this.#clock = clock;
    this.#serverPort = serverPort;
  }

  allows(port: number | undefined): boolean {
    return (
      port !== undefined && port === this.#serverPort() && this.#clock.now() - this.#failedAt >= AGAIN_MS
    );
  }

  failed(): void {
    this.#failedAt = this.#clock.now();
  }
}
