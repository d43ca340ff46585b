import type { Holder } from './entry.js';
import type { ScopeSettings } from './options.js';
import type { Pool } from './pool.js';
import type { QueryLog } from './query-log.js';

/** How a request came to its end: the handler answered it, or the client left before that. */
export type EndCause = 'answered' | 'gone';

/** Who is told of the end. */
export interface EndListener {
  ending(cause: EndCause): void;
}

/** What is decided by how the request is answered. */
export interface Decided {
  readonly isDecided: boolean;
  decide(succeeded: boolean): Promise<void>;
}

/** What a scope is told about the request (or job) that it serves. Read when it is needed, no earlier. */
export interface ScopeContext extends Holder {
  readonly pool: Pool;
  readonly settings: ScopeSettings;
  readonly optedOut: boolean;
  readonly log: QueryLog | null;
  /** The first byte of the answer has left, or is about to. */
  readonly answerBegun?: boolean;
  /** The response lasts for as long as its client likes: hijacked, upgraded, or a stream of events. */
  readonly isLongLived?: boolean;
  /**
   * A transaction begins that the answer decides: it must not leave before. Returns what takes back the headers that were
   * set since, for when it fails.
   */
  hold?(transaction: Decided): () => void;
  /** Called before the first query: watches for the end. Returns how it has ended already, if it has. */
  watch(life: EndListener): EndCause | null;
  /**
   * Watches for the client's leaving alone, for a scope whose signal is read before its first query. Returns how the
   * request has ended already, if it has. Absent = there is no client.
   */
  watchClient?(life: EndListener): EndCause | null;
  /** The end has been seen and decided. */
  unwatch(life: EndListener): void;
}
