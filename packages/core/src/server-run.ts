/** A server's time from its start on, as far as it tells. Numbers of sessions are given once within it, and again in the next. */
export class ServerRun {
  readonly #beganAfter: number;
  readonly #beganBefore: number;

  /** `uptimeSeconds`: its answer to what it was asked in between. */
  constructor(uptimeSeconds: number, askedAt: number, answeredAt: number) {
    // The difference of two times without their fractions: nearly a second more or less than it has been.
    this.#beganAfter = askedAt - (uptimeSeconds + 1) * 1_000;
    this.#beganBefore = answeredAt - (uptimeSeconds - 1) * 1_000;
  }

  /** Whether it had begun by then; null = it can't be told. */
  covers(then: number): boolean | null {
    if (this.#beganAfter > then) return false;
    return this.#beganBefore <= then ? true : null;
  }
}
