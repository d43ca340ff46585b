/**
 * I16: grants in the order in which they were asked for. When that was is reckoned back from the grant, and on a busy
 * machine a process may lose its turn in between; and one that waits for a connection to open may be passed.
 */
export class GrantOrder {
  #newest = Number.NEGATIVE_INFINITY;
  #stalledMs = 0;
  readonly #toleranceMs: number;

  constructor(toleranceMs = 100) {
    this.#toleranceMs = toleranceMs;
  }

  /**
   * `stalledMs`: for so long of all time the process was kept from running. What it lost since the last grant may have
   * been lost between this grant and the moment that is told of it.
   *
   * @returns by how much a later one was served before this one; 0 = by nothing
   */
  granted(askedAt: number, stalledMs = 0): number {
    const inversion = this.#newest - askedAt;
    this.#newest = Math.max(this.#newest, askedAt - (stalledMs - this.#stalledMs));
    this.#stalledMs = stalledMs;
    return inversion > this.#toleranceMs ? inversion : 0;
  }
}
