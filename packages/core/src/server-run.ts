/**
 * A server's time from its start on, as far as it tells: its uptime is in whole seconds. Numbers of sessions are given once within
 * it, and again in the next.
 */
export class ServerRun {
  #beganAfter = Number.NEGATIVE_INFINITY;
  #beganBefore = Number.POSITIVE_INFINITY;

  /** Its answer to what it was asked in between: the more of them, the closer to the second in which it began. */
  told(uptimeSeconds: number, askedAt: number, answeredAt: number): void {
    if (Number.isNaN(uptimeSeconds)) return;
    // The difference of two times without their fractions: nearly a second more or less than it has been.
    this.#beganAfter = Math.max(this.#beganAfter, askedAt - (uptimeSeconds + 1) * 1_000);
    this.#beganBefore = Math.min(this.#beganBefore, answeredAt - (uptimeSeconds - 1) * 1_000);
  }

  /** Whether it had begun by then; null = it can't be told yet. */
  covers(then: number): boolean | null {
    if (this.#beganAfter > then) return false;
    return this.#beganBefore <= then ? true : null;
  }
}
