import {
  type Answer,
  AUTOCOMMIT,
  IN_READ_ONLY_TRANSACTION,
  IN_TRANSACTION,
  SESSION_STATE_CHANGED,
} from './answer.js';
import type { Statement } from './driver.js';
import { classify, type ErrorClass, rollsBack, unusableAfter } from './error-classes.js';
import { Leftovers } from './leftovers.js';
import { maskValues } from './mask.js';
import { NOTHING_STORED, SessionChanges, type Surroundings } from './session-changes.js';
import type { ReadText } from './sql.js';
import { TransactionRecord } from './transaction-record.js';

/** A whole ROLLBACK, not one to a savepoint. */
export function isRollback(sql: string): boolean {
  return /^\s*rollback(?:\s+work)?\s*;?\s*$/i.test(sql);
}

type DriverError = Error & { readonly errno?: number; readonly code?: string; readonly fatal?: boolean };

export function textOf(statement: Pick<Statement, 'sql'>): string {
  return typeof statement.sql === 'string' ? statement.sql : String(statement.sql?.sql);
}

/**
 * What is known of one connection's session since it was last clean, from what was sent and what the server
 * answered. Never asks the server.
 */
export class Session {
  /** A transaction is open, as far as the server has told. */
  inTransaction = false;
  /** What was changed in it. */
  readonly changes: SessionChanges;
  /** Why the connection must not be used again at all. */
  unusable: string | null = null;
  /** The raw connection was handed out: what happened on it can't be known. */
  exposed = false;
  /** An error has left open whether a transaction is open: the server has to be asked. */
  unsure = false;
  /** An error has ended the transaction behind its owner's back; ROLLBACK says that the owner knows. */
  abandoned = false;
  /** How the last transaction ended: by ROLLBACK, by an error that rolls back, or by a statement that commits. */
  ended: 'asked' | 'rolled back' | 'statement' = 'asked';
  /** The error that has ended it. */
  endedBy: Error | undefined;
  /** The transaction that is open, or was last. */
  transaction = new TransactionRecord();
  /** The connection was lost between COMMIT and its answer. */
  commitUnanswered = false;
  /** Statements sent since the connection was opened. */
  uses = 0;
  /** Text of the last statement sent by whoever has it. */
  lastStatement: string | undefined;
  /** Text of the statement after which the transaction was open. */
  #openedBy: string | undefined;
  /** What plain statements left behind, and who may see it. */
  readonly leftovers = new Leftovers();
  /** `SET TRANSACTION`, ours, has no transaction yet. */
  nextTransactionSet = false;
  readonly #surroundings: Surroundings;
  #autocommitByDefault = true;
  #autocommit = true;
  #errorSinceOk = false;
  #rollsBack = false;
  #lastError: Error | undefined;
  #readOnlyTransaction = false;
  /** Statements since the session was clean. */
  #usesSinceClean = 0;

  constructor(surroundings: Surroundings = NOTHING_STORED) {
    this.#surroundings = surroundings;
    this.changes = new SessionChanges(surroundings);
  }

  /** The connection is open. A reset comes back to `autocommit`. */
  opened(autocommit: boolean): void {
    this.#autocommitByDefault = autocommit;
    this.#autocommit = autocommit;
  }

  /** Somebody else has it from here on. */
  beginLease(): void {
    this.lastStatement = undefined;
    this.changes.beginLease();
    this.leftovers.inherit(this.#usesSinceClean > 0, this.uses > 0);
  }

  /** What has to be run before this statement, lest it see what others have left; null = nothing. */
  clearBefore({ text, shape }: ReadText): string | null {
    if (!this.leftovers.any) return null;
    return this.leftovers.clearBefore(shape, this.#surroundings.reached(text, shape) !== null);
  }

  /**
   * To be called before a statement is sent: from here on it may have had its effect.
   *
   * `carriesSql` = its values hold SQL that its text does not show.
   */
  willRun(statement: ReadText & { readonly setsNextTransaction: boolean }, carriesSql: boolean): void {
    const { text, shape } = statement;
    this.uses++;
    this.#usesSinceClean++;
    this.lastStatement = text;
    this.changes.willRun(shape);
    this.transaction.willRun(shape, carriesSql);
    if (statement.setsNextTransaction) this.nextTransactionSet = true;
    else if (!shape.plain || carriesSql) this.changes.willChange(statement, carriesSql);
    else this.changes.willRunPlain(statement);
  }

  didRun({ text: sql, shape }: ReadText, answer: Answer): void {
    this.leftovers.answered(answer, shape);
    if (shape.begins) this.nextTransactionSet = false;
    if (shape.definesRoutines) this.#surroundings.schemaChanged();
    const { flags } = answer;
    if (flags === undefined) {
      this.changes.stain('the driver does not show the status of the session');
      // Without autocommit even a SELECT opens a transaction.
      if (!this.#autocommit) this.#markOpen(sql);
      return;
    }
    this.#errorSinceOk = false;
    this.#autocommit = (flags & AUTOCOMMIT) !== 0;
    this.#readOnlyTransaction = (flags & IN_READ_ONLY_TRANSACTION) !== 0;
    if (this.#autocommit !== this.#autocommitByDefault) this.changes.stain('autocommit was changed');
    if ((flags & SESSION_STATE_CHANGED) !== 0)
      this.changes.stain('the server reported a change of session state');
    if (answer.schemaChanged) this.changes.schemaChanged = true;
    const open = (flags & IN_TRANSACTION) !== 0;
    if (this.inTransaction && !open) this.ended = /^\s*rollback\b/i.test(sql) ? 'asked' : 'statement';
    this.#lastError = undefined;
    if ((this.abandoned || this.endedBy !== undefined) && isRollback(sql)) this.#acknowledged();
    this.transaction.didRun(sql, shape);
    this.unsure = false;
    if (open) this.#markOpen(sql);
    else this.#markClosed();
  }

  failed(
    { text, shape, setsNextTransaction }: ReadText & { readonly setsNextTransaction?: boolean },
    error: DriverError,
  ): ErrorClass {
    if (setsNextTransaction) this.nextTransactionSet = false;
    // It, or SET SESSION TRANSACTION READ ONLY, may be its owner's own doing.
    const of = classify(error, this.#readOnlyTransaction || this.changes.altered);
    const { plain, compound } = shape;
    // A statement of several parts may have come as far as that.
    if (shape.definesRoutines) this.#surroundings.schemaChanged();
    this.unusable ??= unusableAfter(of);
    const isLost = of === 'lost' || of === 'unreachable';
    if (isLost && this.inTransaction && /^\s*commit\b/i.test(text)) this.commitUnanswered = true;
    // What the driver refuses, the server has not heard of.
    if (error.errno !== undefined) this.leftovers.failed();
    // The refusal of a value tells nothing new of a session that was in autocommit and in no transaction.
    const harmless = of === 'data' && plain && !this.inTransaction && this.#autocommit && !this.unsure;
    if (!harmless) this.#errorSinceOk = true;
    this.#rollsBack = rollsBack(error) && !shape.commitsFirst;
    if (this.inTransaction) {
      this.transaction.failed(text, shape, error);
      // Kept no longer than needed: an error holds on to the statement, and to the async context, that it comes from.
      this.#lastError = error;
    }
    if (of === 'deadlock' && this.inTransaction) this.#abandon();
    // An error packet carries no status: the transaction may be gone, or one may have begun.
    else if (this.inTransaction || compound) this.unsure = true;
    return of;
  }

  /** The server was asked, after an error, whether a transaction is open. */
  probed(error: DriverError | null, answer: Answer): void {
    const status = error ? undefined : answer.flags;
    this.unsure = false;
    if (status === undefined) {
      this.unusable ??= 'it did not say whether a transaction is open';
      this.#abandon();
    } else if ((status & IN_TRANSACTION) !== 0) {
      this.#lastError = undefined;
      this.#markOpen(this.lastStatement ?? '');
    } else if (this.inTransaction) {
      this.#abandon();
    }
  }

  /** An error has ended the transaction: what its owner sends next must not run by itself. */
  #abandon(): void {
    this.abandoned = true;
    this.ended = this.#rollsBack ? 'rolled back' : 'statement';
    this.endedBy = this.#lastError;
    this.#lastError = undefined;
    this.#markClosed();
  }

  /** The error says nothing against this connection that would not hold for a new one. */
  pardon(): void {
    this.unusable = null;
  }

  /** Its owner knows that the transaction is over. */
  #acknowledged(): void {
    this.abandoned = false;
    this.endedBy = undefined;
    this.#lastError = undefined;
  }

  /** Whether BEGIN would commit what is open. Without autocommit a transaction is open most of the time. */
  get beginWouldCommit(): boolean {
    return this.inTransaction && this.#autocommit;
  }

  /** Why a reset is due now; null when the session is provably as it was. */
  get needsReset(): string | null {
    return (
      this.needsRollback ??
      this.changes.dirty ??
      this.changes.schemaMoved ??
      (this.nextTransactionSet ? 'a setting waits for the next transaction' : null)
    );
  }

  /** Why a transaction may be open, or would be by the next statement; null when certainly none is. */
  get needsRollback(): string | null {
    if (this.inTransaction) return 'a transaction was left open';
    if (this.#errorSinceOk) return 'the last statement failed';
    return this.changedAutocommit === null ? null : 'autocommit was changed';
  }

  /** What autocommit was when the connection was opened; null = it still is. */
  get changedAutocommit(): boolean | null {
    return this.#autocommit === this.#autocommitByDefault ? null : this.#autocommitByDefault;
  }

  /** It ran something since it was last reset. */
  get isUsed(): boolean {
    return this.#usesSinceClean > 0;
  }

  /** Whether its owner would lose nothing with it, as far as is known by now. */
  get holdsNothing(): boolean {
    return this.changes.holdNothing && this.#untouched;
  }

  /**
   * Whether a statement of this lease means the same on any other connection: no transaction, no state, nothing
   * that can't be known.
   */
  get hasNothingToLose(): boolean {
    return this.changes.dirty === null && this.#untouched;
  }

  /** No transaction, nothing said about the next one, and nothing that can't be known. */
  get #untouched(): boolean {
    const { inTransaction, unsure, abandoned, commitUnanswered, exposed } = this;
    return !(inTransaction || unsure || abandoned || commitUnanswered || exposed || this.nextTransactionSet);
  }

  /** The statement that opened the transaction, its values masked. */
  get openedBy(): string | undefined {
    return this.#openedBy === undefined ? undefined : maskValues(this.#openedBy);
  }

  /** The connection has been reset: everything is as after the handshake. */
  wasReset(): void {
    this.changes.wereReset();
    this.#autocommit = this.#autocommitByDefault;
    this.#errorSinceOk = false;
    this.#usesSinceClean = 0;
    this.nextTransactionSet = false;
    this.unsure = false;
    this.#acknowledged();
    this.ended = 'asked';
    this.#markClosed();
  }

  /** Its transaction was rolled back, autocommit is as it was, and nothing else was done. */
  wasRolledBack(): void {
    this.#autocommit = this.#autocommitByDefault;
    this.#errorSinceOk = false;
    this.unsure = false;
    this.#acknowledged();
    this.ended = 'asked';
    this.#markClosed();
  }

  #markOpen(sql: string): void {
    if (!this.inTransaction) {
      this.#openedBy = sql;
      this.ended = 'asked';
      this.endedBy = undefined;
      this.transaction = new TransactionRecord();
    }
    this.inTransaction = true;
  }

  #markClosed(): void {
    this.inTransaction = false;
    this.#openedBy = undefined;
  }
}
