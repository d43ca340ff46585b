/** Nobody asks about what is longer ago. */
const KEPT_MS = 60_000;

/** How long this process was kept from running: what is late because of that is nobody's fault but the machine's. */
export class Loop {
  readonly #everyMs = 20;
  readonly #timer: NodeJS.Timeout;
  #last = performance.now();
  #stalledMs = 0;
  #stalls: { readonly at: number; readonly ms: number }[] = [];

  constructor() {
    this.#timer = setInterval(() => this.#beat(), this.#everyMs);
    this.#timer.unref();
  }

  #beat(): void {
    const now = performance.now();
    const ms = Math.max(0, now - this.#last - 2 * this.#everyMs);
    this.#last = now;
    if (ms === 0) return;
    this.#stalledMs += ms;
    this.#stalls.push({ at: now, ms });
    this.#stalls = this.#stalls.filter(({ at }) => at > now - KEPT_MS);
  }

  /** In the last minute at most; a stall that had begun before counts as a whole. */
  stalledSince(time: number): number {
    const ended = this.#stalls.reduce((sum, { at, ms }) => sum + (at >= time ? ms : 0), 0);
    return ended + Math.max(0, performance.now() - this.#last - 2 * this.#everyMs);
  }

  /** Of all time. Take the difference of two looks. */
  get stalledMs(): number {
    return this.#stalledMs + Math.max(0, performance.now() - this.#last - 2 * this.#everyMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
