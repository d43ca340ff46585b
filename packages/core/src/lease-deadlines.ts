import type { Entry, Holding } from './entry.js';
import type { Lease } from './lease.js';
import type { LeaseHost, LeaseOwner } from './lease-host.js';
import { LeaseClock, type LeaseLimits } from './lease-limits.js';
import type { Line } from './line.js';
import { queryTimedOut, streamOpen, streamOutlived } from './refusals.js';
import { StreamedStatement } from './row-stream.js';
import type { TrackedStatement } from './statement.js';

const NEVER = Number.POSITIVE_INFINITY;

/** For a report of what has not come back. */
export const STILL_RUNS = 'a statement, or a stream, has not come to its end';

/** What becomes of a lease, and of what runs on it, when its time is over or its caller has gone. */
export class LeaseDeadlines implements Holding {
  readonly #lease: Lease;
  readonly #host: LeaseHost;
  readonly #entry: Entry;
  readonly #line: Line;
  readonly #limits: LeaseClock;
  #owner: LeaseOwner | null = null;

  constructor(lease: Lease, host: LeaseHost, entry: Entry, line: Line, limits: LeaseLimits) {
    this.#lease = lease;
    this.#host = host;
    this.#entry = entry;
    this.#line = line;
    this.#limits = new LeaseClock(limits, line, lease.since);
  }

  get dueAt(): number {
    return this.#lease.released ? NEVER : this.#limits.dueAt;
  }

  get statements(): number {
    return this.#lease.statements;
  }

  get lastActiveAt(): number {
    return this.#line.running ? this.#line.runningSince : this.#line.provenAt;
  }

  get usedMs(): number {
    const { usedMs, running, runningSince } = this.#line;
    return running ? usedMs + this.#host.clock.now() - runningSince : usedMs;
  }

  /** A statement waits for a stream that nobody reads: its socket, which is not read either, keeps no process alive. */
  get isStalled(): boolean {
    return !this.#lease.released && this.#limits.stallDueAt !== NEVER;
  }

  /** It was reported as a leak. */
  get reported(): boolean {
    return this.#limits.reported;
  }

  /** Something may be due sooner than it was. */
  expect(): void {
    this.#host.expectDue(this.#limits.dueAt, this.isStalled);
  }

  /** From here on its owner is told when it is unused. */
  ownedBy(owner: LeaseOwner): void {
    this.#owner = owner;
    this.#limits.hasOwner = true;
    this.quieter();
  }

  /** Why it has not come back, in a sentence: of a request or job its owner knows, else it is for the holder to give back. */
  get whyHeld(): string {
    if (this.#owner) return this.#owner.whyHeld;
    return this.#line.running ? STILL_RUNS : 'its release() has not been called';
  }

  /** Something less is under way: it may be unused from now on. */
  quieter(): void {
    this.#host.expectDue(this.#limits.idleDueAt, false);
  }

  /** A statement goes to the server. */
  sent(statement: TrackedStatement): void {
    // Nobody else gives up what has been sent.
    const mayBeGivenUp = statement.signal !== undefined || statement.bound;
    statement.onGivenUp = mayBeGivenUp ? () => this.#givenUp(statement) : null;
    if (statement instanceof StreamedStatement) {
      statement.begins(this.#host.clock);
      statement.onFlow = () => this.expect();
      statement.onAbandoned = () => {
        statement.abandonedAt = this.#host.clock.now();
        this.expect();
      };
    }
    this.expect();
  }

  #givenUp(statement: TrackedStatement): void {
    if (this.#line.running !== statement) return;
    this.#lease.note(statement, abortError(statement.signal));
    // A second KILL could come after the next holder has begun.
    if (this.#lease.killed) return;
    this.#host.cancel(this.#entry, this.#lease, statement, 'signal');
  }

  /** The pool begins to close. */
  poolCloses(): void {
    this.#lease.poolCloses();
  }

  due(now: number): void {
    if (this.#lease.released) return;
    if (this.#limits.isReportDue(now)) {
      this.#limits.reported = true;
      this.#host.leaked(this.#entry, this.#lease);
    }
    if (this.#limits.isOver(now)) return this.#lease.takeAway();
    if (this.#limits.isUnused(now)) return this.#owner?.unused();
    if (now >= this.#limits.stallDueAt) return this.#endStall();
    if (now < this.#limits.statementDueAt) return;
    const { running } = this.#line;
    if (running) this.#timeOut(running);
    else this.#host.silent(this.#entry);
  }

  /** Those who wait for a stream can't wait for its reader as well: most likely they are what its reader does. */
  #endStall(): void {
    const stream = this.#line.running as StreamedStatement;
    if (this.#line.streamIsOutranked) stream.abandon(streamOutlived());
    else this.#line.refuseWaiting(streamOpen(this.#limits.stallMs));
  }

  #timeOut(statement: TrackedStatement): void {
    statement.onGivenUp = null;
    const left = statement instanceof StreamedStatement && statement.isAbandoned;
    const error = queryTimedOut(this.#limits.limitOf(statement));
    this.#lease.note(statement, left ? null : error);
    this.#host.cancel(this.#entry, this.#lease, statement, left ? 'abandoned' : 'timeout');
    statement.giveUp(error);
  }

  /** How long what is in flight may go on when it may for `ms`: the rest of a stream no longer than while it was held. */
  drainWithin(ms: number): number {
    return Math.max(0, Math.min(ms, this.#limits.restDueAt - this.#host.clock.now()));
  }
}

/** A reason may be anything; what the log shows is its name. */
function abortError(signal: AbortSignal | undefined): Error {
  const reason: unknown = signal?.reason;
  return reason instanceof Error ? reason : Object.assign(new Error('aborted'), { name: 'AbortError' });
}
