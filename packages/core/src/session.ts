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
import type { ReadText, SqlShape } from './sql.js';
import { TransactionRecord } from './transaction-record.js';

/** A whole ROLLBACK, not one to a savepoint. */
export function isRollback(sql: string): boolean {
  return /^\s*rollback(?:\s+work)?\s*;?\s*$/i.test(sql);
}

/** Why a plain statement may have reached stored code: it is not known yet what there is. */
export const NOBODY_LOOKED = 'the schema has not been looked at';
/** Of more than that it does not matter any more why. */
const UNSEEN_KEPT = 20;

type DriverError = Error & { readonly errno?: number; readonly code?: string; readonly fatal?: boolean };

export function textOf(statement: Pick<Statement, 'sql'>): string {
  return typeof statement.sql === 'string' ? statement.sql : String(statement.sql?.sql);
}

/** What the session's surroundings add to the reading of a statement. */
export interface Surroundings {
  /** Why a statement that looks plain may run code that is stored in the schema; null = it can't. */
  reached(sql: string, shape: SqlShape): string | null;
  /** A statement changes, or has changed, what is stored there. */
  schemaChanged(): void;
  /** How often that was said. */
  readonly schemaChanges: number;
}

const NOTHING_STORED: Surroundings = { reached: () => null, schemaChanged: () => {}, schemaChanges: 0 };

/**
 * What is known of one connection's session since it was last clean, from what was sent and what the server
 * answered. Never asks the server.
 */
export class Session {
  /** A transaction is open, as far as the server has told. */
  inTransaction = false;
  #dirty: string | null = null;
  /** Plain statements that ran before anybody had looked at the schema. */
  readonly #unseen: ReadText[] = [];
  /** Why the connection must not be used again at all. */
  unusable: string | null = null;
  /** The default schema may no longer be the configured one. */
  schemaChanged = false;
  /** The raw connection was handed out: what happened on it can't be known. */
  exposed = false;
  /** It took on another role, which no reset undoes. */
  roleChanged = false;
  /** Why a reset would not make it clean; null = it would. */
  unresettable: string | null = null;
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
  /** What ran can't be read from the text: several statements in one, stored code, SQL in the values. */
  opaque = false;
  /** Statements sent since the connection was opened. */
  uses = 0;
  /** A KILL was sent to a statement of it; should it come too late, the reset is what it hits. */
  killed = false;
  /** Changed what later statements mean: on another connection they would mean something else. */
  altered = false;
  readonly temporaryTables: string[] = [];
  /** Text of the last statement sent. */
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
  /** `schemaChanges` before the first statement of this lease; null = there was none. */
  #schemaSeen: number | null = null;
  /** Statements since the session was clean. */
  #usesSinceClean = 0;

  constructor(surroundings: Surroundings = NOTHING_STORED) {
    this.#surroundings = surroundings;
  }

  /** The connection is open. A reset comes back to `autocommit`. */
  opened(autocommit: boolean): void {
    this.#autocommitByDefault = autocommit;
    this.#autocommit = autocommit;
  }

  /** Somebody else has it from here on. */
  beginLease(): void {
    this.#schemaSeen = null;
    // With `reset: 'rollback'` what was set stays, and is nobody's in particular.
    this.#dirty = null;
    this.#unseen.length = 0;
    this.killed = false;
    this.altered = false;
    this.temporaryTables.length = 0;
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
    // Others may get to run before it is answered, and before or after it on the server.
    if (shape.definesRoutines) this.#surroundings.schemaChanged();
    this.#schemaSeen ??= this.#surroundings.schemaChanges;
    this.transaction.willRun(shape, carriesSql);
    if (statement.setsNextTransaction) this.nextTransactionSet = true;
    else if (!shape.plain || carriesSql) this.#markChanged(text, shape, carriesSql);
    else if (!this.opaque || this.#dirty === null) this.#markReached(statement);
  }

  #markReached({ text, shape }: ReadText): void {
    const why = this.#surroundings.reached(text, shape);
    if (why === null) return;
    this.opaque = true;
    if (why === NOBODY_LOOKED && this.#unseen.length < UNSEEN_KEPT) this.#unseen.push({ text, shape });
    else this.#dirty ??= why;
  }

  #markChanged(sql: string, shape: SqlShape, carriesSql: boolean): void {
    this.#dirty ??= 'it ran a statement that may change the session';
    if (shape.compound || shape.runsStoredCode || carriesSql) this.opaque = true;
    if (shape.changesSession) this.altered = true;
    if (shape.selectsSchema) this.schemaChanged = true;
    if (shape.changesRole) this.roleChanged = true;
    this.unresettable ??= survivorOf(sql, shape);
    if (shape.temporaryTable !== undefined) this.temporaryTables.push(shape.temporaryTable);
  }

  didRun({ text: sql, shape }: ReadText, answer: Answer): void {
    this.leftovers.answered(answer, shape);
    if (shape.begins) this.nextTransactionSet = false;
    if (shape.definesRoutines) this.#surroundings.schemaChanged();
    const { flags } = answer;
    if (flags === undefined) {
      this.#dirty ??= 'the driver does not show the status of the session';
      // Without autocommit even a SELECT opens a transaction.
      if (!this.#autocommit) this.#markOpen(sql);
      return;
    }
    this.#errorSinceOk = false;
    this.#autocommit = (flags & AUTOCOMMIT) !== 0;
    this.#readOnlyTransaction = (flags & IN_READ_ONLY_TRANSACTION) !== 0;
    if (this.#autocommit !== this.#autocommitByDefault) this.#dirty ??= 'autocommit was changed';
    if ((flags & SESSION_STATE_CHANGED) !== 0)
      this.#dirty ??= 'the server reported a change of session state';
    if (answer.schemaChanged) this.schemaChanged = true;
    const open = (flags & IN_TRANSACTION) !== 0;
    if (this.inTransaction && !open) this.ended = /^\s*rollback\b/i.test(sql) ? 'asked' : 'statement';
    this.#lastError = undefined;
    if (isRollback(sql)) this.#acknowledged();
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
    const of = classify(error, this.#readOnlyTransaction || this.altered);
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
      this.dirty ??
      this.#schemaMoved ??
      (this.nextTransactionSet ? 'a setting waits for the next transaction' : null)
    );
  }

  /** A trigger may have run that was not there when the statement was looked at. */
  get #schemaMoved(): string | null {
    const { schemaChanges } = this.#surroundings;
    return this.#schemaSeen === null || this.#schemaSeen === schemaChanges
      ? null
      : 'the schema was changed while it was in use';
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

  /** Why the session must be reset before anybody else uses it; null = plain statements only. */
  get dirty(): string | null {
    if (this.#dirty !== null) return this.#dirty;
    if (this.#unseen.length > 0) return NOBODY_LOOKED;
    return this.killed ? 'a statement was killed' : null;
  }

  set dirty(why: string) {
    this.#dirty = why;
  }

  /**
   * Whether its owner would lose anything with it: {@link hasNothingToLose}, but what ran before anybody had looked at
   * the schema is judged by what is known of it now.
   */
  get holdsNothing(): boolean {
    return (
      this.#dirty === null &&
      this.#untouched &&
      this.#unseen.every(({ text, shape }) => this.#surroundings.reached(text, shape) === null)
    );
  }

  /**
   * Whether a statement of this lease means the same on any other connection: no transaction, no state, nothing
   * that can't be known.
   */
  get hasNothingToLose(): boolean {
    return this.dirty === null && this.#untouched;
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
    this.#dirty = null;
    this.#unseen.length = 0;
    this.killed = false;
    this.#schemaSeen = null;
    this.schemaChanged = false;
    this.altered = false;
    this.temporaryTables.length = 0;
    this.#autocommit = this.#autocommitByDefault;
    this.#errorSinceOk = false;
    this.#usesSinceClean = 0;
    this.nextTransactionSet = false;
    this.unsure = false;
    this.#acknowledged();
    this.opaque = false;
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

/**
 * What COM_RESET_CONNECTION leaves behind (MariaDB 10.11): a prepared XA transaction, after which no InnoDB table can be
 * used on the session; and the profiles, with the texts of the statements.
 */
function survivorOf(sql: string, { changesSession }: SqlShape): string | null {
  if (/\bxa\b/i.test(sql)) return 'it took part in an XA transaction';
  return changesSession && /\bprofiling/i.test(sql) ? 'its statements were profiled' : null;
}
