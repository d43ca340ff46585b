/** What became of one call, and how long that took. */
export interface Outcome {
  readonly kind: string;
  readonly at: number;
  readonly ms: number;
  readonly error: (Error & { code?: string; cause?: unknown }) | null;
}

/** Work that goes on for as long as a test wants it to, and what became of each piece of it. */
export class Calls {
  readonly outcomes: Outcome[] = [];
  /** When what has not been settled was begun. */
  readonly #open = new Map<object, { kind: string; at: number }>();
  readonly #loops: Promise<void>[] = [];
  #over = false;

  /** Its promise settles when the work has, whatever way. */
  async make(kind: string, work: () => Promise<unknown>): Promise<void> {
    // What became of it is in `outcomes`.
    await this.time(kind, work).catch(() => {});
  }

  /** As the work itself, and it is noted. */
  async time<T>(kind: string, work: () => Promise<T>): Promise<T> {
    const at = performance.now();
    const key = {};
    this.#open.set(key, { kind, at });
    let error: Error | null = null;
    try {
      return await work();
    } catch (reason) {
      error = reason as Error;
      throw reason;
    } finally {
      this.#open.delete(key);
      this.outcomes.push({ kind, at, ms: performance.now() - at, error });
    }
  }

  /** So many do it again and again, until `stop`. */
  repeat(kind: string, times: number, work: () => Promise<unknown>): void {
    const loop = async () => {
      while (!this.#over) {
        await this.make(kind, work);
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
    };
    for (let n = 0; n < times; n++) this.#loops.push(loop());
  }

  async stop(): Promise<void> {
    this.#over = true;
    await Promise.all(this.#loops);
  }

  get failed(): Outcome[] {
    return this.outcomes.filter(({ error }) => error !== null);
  }

  /** Those that succeeded and were begun after this. */
  succeededSince(at: number): Outcome[] {
    return this.outcomes.filter((outcome) => outcome.error === null && outcome.at >= at);
  }

  /** Of each kind the longest, those under way included. */
  get longest(): Record<string, number> {
    const longest: Record<string, number> = {};
    const now = performance.now();
    const note = (kind: string, ms: number) => {
      longest[kind] = Math.max(longest[kind] ?? 0, Math.round(ms));
    };
    for (const { kind, ms } of this.outcomes) note(kind, ms);
    for (const { kind, at } of this.#open.values()) note(kind, now - at);
    return longest;
  }

  /** How often each error came, by the kind of call. */
  get errors(): string[] {
    return [
      ...new Set(
        this.failed.map(({ kind, error }) => `${kind}: ${error?.code ?? error?.name} ${error?.message}`),
      ),
    ];
  }
}
