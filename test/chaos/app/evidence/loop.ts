/** How long this process was kept from running: what is late because of that is nobody's fault but the machine's. */
export class Loop {
  readonly #everyMs = 20;
  readonly #timer: NodeJS.Timeout;
  #last = performance.now();
  #stalledMs = 0;

  constructor() {
    this.#timer = setInterval(() => this.#beat(), this.#everyMs);
    this.#timer.unref();
  }

  #beat(): void {
    const now = performance.now();
    this.#stalledMs += Math.max(0, now - this.#last - 2 * this.#everyMs);
    this.#last = now;
  }

  /** Of all time. Take the difference of two looks. */
  get stalledMs(): number {
    return this.#stalledMs + Math.max(0, performance.now() - this.#last - 2 * this.#everyMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
