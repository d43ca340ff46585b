import { Departure } from './departure.js';
import type { LateAfter } from './late-reports.js';
import type { EndCause, ScopeContext } from './scope-context.js';

/** How a request, or a job, comes to its end: first it is seen, then decided. */
export class RequestEnd {
  seen = false;
  decided = false;
  /** The handler has answered, or its function has settled. */
  answered = false;
  /** The client left before it was answered. */
  left = false;
  #departure: Departure | null = null;
  readonly #context: ScopeContext;

  constructor(context: ScopeContext) {
    this.#context = context;
  }

  /** @returns whether it is news */
  see(cause: EndCause): boolean {
    if (cause === 'answered') this.answered = true;
    else this.left ||= !this.answered;
    const isNews = !this.seen;
    this.seen = true;
    return isNews;
  }

  /** Tells those who read the signal. */
  departed(): void {
    this.#departure?.happened();
  }

  /** `watch` begins to look for the client, for those who have asked nothing else yet. */
  signal(watch: () => void): AbortSignal {
    if (!this.#departure) {
      this.#departure = new Departure();
      if (!this.seen) watch();
      if (this.left) this.#departure.happened();
    }
    return this.#departure.signal;
  }

  /** In words for a report. */
  get inWords(): string {
    if (!this.#context.isRequest) return this.decided ? 'its job has ended' : 'its job has not ended';
    if (!this.decided) return 'its response has not ended';
    return this.answered ? 'its response has ended' : 'its client has left before the answer';
  }

  /** What late work is late for. */
  get lateAfter(): LateAfter {
    if (!this.#context.isRequest) return 'job';
    return this.left ? 'departure' : 'answer';
  }
}
