import type { Message } from '@handback/contract/support/http-message.js';
import type { Fate, Fates, Second } from '../types.js';
import type { Choice } from './mix.js';

const BUCKET_MS = 500;

export interface Buckets {
  /** Date.now() at the beginning of the first. */
  startedAt: number;
  bucketMs: number;
  /** Answers with status 200 in each. */
  ok: number[];
}

/** What the clients were told. */
export class Tally {
  readonly counts: Record<string, number> = {};
  readonly fates: Fates = { acknowledged: [], failed: [], unknown: [] };
  readonly #startedAt = Date.now();
  readonly #start = performance.now();
  readonly #ok: number[] = [];
  readonly #failed: number[] = [];

  answered(choice: Choice, { status, body }: Message): void {
    const code = status === 200 ? undefined : codeIn(body);
    this.#count(`${choice.route} ${status}${code === undefined ? '' : ` ${code}`}`);
    this.#bucket(status === 200 ? this.#ok : this.#failed);
    if (choice.op !== undefined) this.#tell(choice.op, fateOf(status, code));
  }

  /** No complete answer. */
  unanswered(choice: Choice, why: string): void {
    this.#count(`${choice.route} ${why}`);
    this.#bucket(this.#failed);
    if (choice.op !== undefined) this.#tell(choice.op, 'unknown');
  }

  get buckets(): Buckets {
    this.#ok[this.#now] ??= 0;
    return {
      startedAt: this.#startedAt,
      bucketMs: BUCKET_MS,
      ok: Array.from(this.#ok, (count) => count ?? 0),
    };
  }

  /** The same second by second, and what was not answered with a 200. The last one is not over yet. */
  get seconds(): Second[] {
    const buckets = Math.floor(this.#now / 2) * 2 + 2;
    const of = (list: number[], index: number) => (list[index] ?? 0) + (list[index + 1] ?? 0);
    return Array.from({ length: buckets / 2 }, (_, second) => ({
      at: this.#startedAt + second * 1_000,
      ok: of(this.#ok, second * 2),
      failed: of(this.#failed, second * 2),
    }));
  }

  get #now(): number {
    return Math.floor((performance.now() - this.#start) / BUCKET_MS);
  }

  #bucket(buckets: number[]): void {
    const now = this.#now;
    buckets[now] = (buckets[now] ?? 0) + 1;
  }

  #count(name: string): void {
    this.counts[name] = (this.counts[name] ?? 0) + 1;
  }

  #tell(op: string, fate: Fate): void {
    this.fates[fate].push(op);
  }
}

/** Nothing but a whole answer that says so is an acknowledgement, or a failure. */
export function fateOf(status: number, code: string | undefined): Fate {
  if (status === 200) return 'acknowledged';
  return code === 'OUTCOME_UNKNOWN' || code === undefined ? 'unknown' : 'failed';
}

function codeIn(body: Buffer): string | undefined {
  try {
    const { code } = JSON.parse(body.toString()) as { code?: unknown };
    return typeof code === 'string' ? code : undefined;
  } catch {
    return undefined;
  }
}
