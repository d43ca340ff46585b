import type { Clock } from './clock.js';
import type { Entry, Holder } from './entry.js';
import type { ErrorClass } from './error-classes.js';
import type { Lease } from './lease.js';
import type { Dialect } from './queryable.js';
import type { Retry } from './retries.js';
import type { TrackedStatement } from './statement.js';

/** What a lease needs from its pool. */
export interface LeaseHost {
  readonly dialect: Dialect;
  readonly clock: Clock;
  readonly acquireTimeoutMs: number;
  /** Statements are to be {@link mark}ed before they are sent. */
  readonly marks: boolean;
  /** The pool closes: nothing begins any more. */
  readonly closing: boolean;
  /** What was handed out bare, as a lease in full. */
  furnish(entry: Entry): Lease;
  /** The one door in. */
  takeBack(entry: Entry, lease: Lease, drainTimeoutMs: number | undefined): void;
  /** The same, for what was never furnished. */
  takeBackUnused(entry: Entry): void;
  /** Nothing runs any more on a lease that was given back while something did. */
  drained(entry: Entry, lease: Lease): void;
  /** Something about a lease falls due then. */
  expectDue(at: number, awaited: boolean): void;
  /** A statement has failed in this way. */
  failed(entry: Entry, of: ErrorClass): void;
  /** Nobody waits for the running statement any more: it is to be killed. */
  cancel(entry: Entry, lease: Lease, statement: TrackedStatement, reason: CancelReason): void;
  /** What the pool itself asked on a held connection was not answered in time. */
  silent(entry: Entry): void;
  leaked(entry: Entry, lease: Lease): void;
  /** Nobody has it any more, and nobody gave it back. */
  forgotten(entry: Entry): void;
  resent(): void;
  /** A statement is about to be sent: it gets its tag, and what of it would hold on to a proxy's connection is told. */
  mark(statement: TrackedStatement, holder: Holder): void;
  /** All of a transaction is about to be run again. */
  retrying(entry: Entry, lease: Lease, retry: Retry): void;
}

/** Whoever has a lease for longer than one statement, and does not release it by hand: a scope. */
export interface LeaseOwner {
  /** Nothing was sent on it for `idleHandBackMs`. */
  unused(): void;
  /** Why it has not come back, in a sentence for a report. */
  readonly whyHeld: string;
}

export type CancelReason = 'timeout' | 'signal' | 'abandoned';
