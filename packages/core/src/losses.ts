import type { HandbackError } from './errors.js';
import type { Lease } from './lease.js';
import { resultsHandedBack, resultsLost, rolledBackWith, stateLost } from './refusals.js';
import type { TrackedStatement } from './statement.js';

/** What a request has lost with a connection, and what is refused for that. */
export class Losses {
  /** Why statements are refused until `rollback()` (an open transaction was lost) or `release()` (session state was). */
  broken: HandbackError | null = null;
  /** The lost connection that `broken` is about. */
  #brokenBy: Lease | null = null;
  /** Why a connection is gone on which statements had run, while none has run on another since. */
  #resultsGone: (() => HandbackError) | null = null;

  /** What `rollback()` acknowledges. */
  get ofTransaction(): boolean {
    return this.broken?.code === 'TRANSACTION_ROLLED_BACK' || this.broken?.code === 'OUTCOME_UNKNOWN';
  }

  /** The connection died under the request. Silently going on with another is right only if nothing was lost with it. */
  died(lease: Lease): void {
    const { commitUnanswered, changes } = lease.session;
    if (commitUnanswered) this.broken = lease.transactions.notOpen();
    else if (lease.mayHaveBegun) this.broken = rolledBackWith('because its connection was lost');
    else if (changes.altered || changes.temporaryTables.length > 0) this.broken = stateLost();
    this.#brokenBy = this.broken ? lease : null;
    this.#resultsGone = lease.statements > 0 ? resultsLost : null;
  }

  /** It goes back. A BEGIN under way counts: its caller would go on in autocommit. */
  handedBack(lease: Lease): void {
    if (!lease.mayBeInTransaction) return;
    this.broken = rolledBackWith('because it was still open when its connection was given back');
    this.#brokenBy = null;
  }

  /** It went back because nobody has used it for a while. */
  handedBackUnused(): void {
    this.#resultsGone = resultsHandedBack;
  }

  /** A statement that could not be sent there goes to another: from here on its own results are the last ones. */
  resent(lease: Lease): void {
    if (this.#brokenBy === lease) this.broken = null;
    this.#resultsGone = null;
  }

  /** The caller knows that the transaction is gone. */
  transactionAcknowledged(): void {
    if (this.ofTransaction) this.broken = null;
  }

  /** The caller knows that the session's state is gone. */
  stateAcknowledged(): void {
    if (this.broken?.code === 'CONNECTION_LOST') this.broken = null;
  }

  /**
   * What an earlier statement left on a connection that is gone, another one can't know. One that went back unused had
   * no insert id to ask for: stored code may run on the next, as after `release()`, and finds nothing there.
   */
  missing({ shape: { reads, namesResults } }: TrackedStatement): Error | null {
    if (!this.#resultsGone) return null;
    const mayAsk = reads.insertId || reads.warnings || reads.counts;
    if (this.#resultsGone === resultsHandedBack ? namesResults : mayAsk) return this.#resultsGone();
    this.#resultsGone = null;
    return null;
  }
}
