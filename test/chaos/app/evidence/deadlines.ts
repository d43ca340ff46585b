import type { Loop } from './loop.js';

interface Watched {
  what: string;
  since: number;
  stalledMs: number;
  limitMs: number;
}

const EVERY_MS = 25;

/** I7: whether every promise settles by its deadline, also those that never do. */
export class Deadlines {
  readonly #watched = new Set<Watched>();
  readonly #loop: Loop;
  readonly #tell: (detail: string) => void;
  readonly #timer: NodeJS.Timeout;
  /** Late ones that did settle; the others never did, or not yet. */
  settledLate = 0;

  constructor(loop: Loop, tell: (detail: string) => void) {
    this.#loop = loop;
    this.#tell = tell;
    this.#timer = setInterval(() => this.check(), EVERY_MS);
    this.#timer.unref();
  }

  /** The promise itself, watched. Each that is late is told of once. */
  async watch<T>(what: string, limitMs: number, promise: Promise<T>): Promise<T> {
    const watched = { what, limitMs, since: performance.now(), stalledMs: this.#loop.stalledMs };
    this.#watched.add(watched);
    try {
      return await promise;
    } finally {
      if (this.#watched.has(watched)) this.#judge(watched);
      if (!this.#watched.delete(watched)) this.settledLate++;
    }
  }

  get size(): number {
    return this.#watched.size;
  }

  check(): void {
    for (const watched of this.#watched) this.#judge(watched);
  }

  #judge(watched: Watched): void {
    const took = performance.now() - watched.since - (this.#loop.stalledMs - watched.stalledMs);
    if (took <= watched.limitMs) return;
    this.#watched.delete(watched);
    this.#tell(
      `${watched.what} is not settled after ${Math.round(took)} ms; its deadline was ${watched.limitMs} ms`,
    );
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
