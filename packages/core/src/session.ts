import type { Statement } from './driver.js';
import { maskValues } from './mask.js';
import { readSql } from './sql.js';

/** Status flags of the protocol's OK packet (dev.mysql.com, "SERVER_STATUS_flags_enum"). */
const IN_TRANSACTION = 0x0001;
const AUTOCOMMIT = 0x0002;

/** Errors after which the connection cannot serve on, whatever the driver says (docs/decisions.md). */
const UNUSABLE_AFTER = new Map<number, string>([
  [1153, 'the server closes the connection after a packet that is too large'],
  [1047, 'the cluster node is not prepared'],
  [1290, 'the server is read-only'],
  [1792, 'the server is read-only'],
  [1836, 'the server is read-only'],
]);
/** ER_LOCK_DEADLOCK: the one error after which the whole transaction has certainly been rolled back. */
const DEADLOCK = 1213;

/** After these, a transaction that is gone was rolled back: deadlock, lock wait (innodb_rollback_on_timeout), snapshot. */
const ROLLS_BACK = new Set([DEADLOCK, 1205, 1020]);
const ENDS_TRANSACTION = /^\s*(?:commit|rollback)\b/i;

/** A whole ROLLBACK, not one to a savepoint. */
export function isRollback(sql: string): boolean {
  return /^\s*rollback(?:\s+work)?\s*;?\s*$/i.test(sql);
}

interface OkPacket {
  readonly serverStatus?: number;
  readonly stateChanges?: { readonly schema: string | null };
}

type DriverError = Error & { readonly errno?: number; readonly fatal?: boolean };

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
  /** Why the session must be reset before anybody else uses it; null = plain statements only. */
  dirty: string | null = null;
  /** Why the connection must not be used again at all. */
  unusable: string | null = null;
  /** The default schema may no longer be the configured one. */
  schemaChanged = false;
  /** The raw connection was handed out: what happened on it can't be known. */
  exposed = false;
  /** It took on another role, which no reset undoes. */
  roleChanged = false;
  /** An error has left open whether a transaction is open: the server has to be asked. */
  unsure = false;
  /** An error has ended the transaction behind its owner's back; ROLLBACK says that the owner knows. */
  abandoned = false;
  /** How the last transaction ended: as asked, by an error that rolls back, or by a statement that commits. */
  ended: 'asked' | 'rolled back' | 'statement' = 'asked';
  /** The connection was lost between COMMIT and its answer. */
  commitUnanswered = false;
  /** What ran can't be read from the text: several statements in one, or SQL in the values. */
  opaque = false;
  /** Statements sent since the connection was opened. */
  uses = 0;
  /** Changed what later statements mean: on another connection they would mean something else. */
  altered = false;
  readonly temporaryTables: string[] = [];
  /** Text of the last statement sent. */
  lastStatement: string | undefined;
  /** Text of the statement after which the transaction was open. */
  #openedBy: string | undefined;
  #autocommitOff = false;
  #errorSinceOk = false;
  #rollsBack = false;

  /**
   * To be called before a statement is sent: from here on it may have had its effect.
   *
   * `carriesSql` = its values hold SQL that its text does not show.
   */
  willRun(sql: string, carriesSql: boolean): void {
    this.uses++;
    this.lastStatement = sql;
    const shape = readSql(sql);
    if (shape.plain && !carriesSql) return;
    this.dirty ??= 'it ran a statement that may change the session';
    if (shape.compound || carriesSql) this.opaque = true;
    if (shape.changesSession) this.altered = true;
    if (shape.selectsSchema) this.schemaChanged = true;
    if (shape.changesRole) this.roleChanged = true;
    if (shape.temporaryTable !== undefined) this.temporaryTables.push(shape.temporaryTable);
  }

  didRun(sql: string, result: unknown): void {
    const ok = lastOk(result);
    if (ok?.serverStatus === undefined) {
      // A result set: the driver drops its status. Without autocommit even a SELECT opens a transaction.
      if (this.#autocommitOff) this.#markOpen(sql);
      return;
    }
    this.#errorSinceOk = false;
    this.#autocommitOff = (ok.serverStatus & AUTOCOMMIT) === 0;
    if (this.#autocommitOff) this.dirty ??= 'autocommit is off';
    if (ok.stateChanges) this.#observeChanges(ok.stateChanges);
    const open = (ok.serverStatus & IN_TRANSACTION) !== 0;
    if (this.inTransaction && !open) this.ended = ENDS_TRANSACTION.test(sql) ? 'asked' : 'statement';
    if (isRollback(sql)) this.abandoned = false;
    this.unsure = false;
    if (open) this.#markOpen(sql);
    else this.#markClosed();
  }

  failed(sql: string, error: DriverError): void {
    const reason = UNUSABLE_AFTER.get(error.errno ?? 0);
    if (reason) this.unusable ??= reason;
    else if (error.fatal) this.unusable ??= 'the connection failed';
    if (error.fatal && this.inTransaction && /^\s*commit\b/i.test(sql)) this.commitUnanswered = true;
    this.#errorSinceOk = true;
    this.#rollsBack = ROLLS_BACK.has(error.errno ?? 0);
    if (error.errno === DEADLOCK && this.inTransaction) this.#abandon();
    // An error packet carries no status: the transaction may be gone, or one may have begun.
    else if (this.inTransaction || readSql(sql).compound) this.unsure = true;
  }

  /** The server was asked, after an error, whether a transaction is open. */
  probed(error: DriverError | null, result: unknown): void {
    const status = error ? undefined : lastOk(result)?.serverStatus;
    this.unsure = false;
    if (status === undefined) {
      this.unusable ??= 'it did not say whether a transaction is open';
      this.#abandon();
    } else if ((status & IN_TRANSACTION) !== 0) {
      this.#markOpen(this.lastStatement ?? '');
    } else if (this.inTransaction) {
      this.#abandon();
    }
  }

  /** An error has ended the transaction: what its owner sends next must not run by itself. */
  #abandon(): void {
    this.abandoned = true;
    this.ended = this.#rollsBack ? 'rolled back' : 'statement';
    this.#markClosed();
  }

  /** Why a reset is due now; null when the session is provably as it was. */
  get needsReset(): string | null {
    if (this.inTransaction) return 'a transaction was left open';
    if (this.#errorSinceOk) return 'the last statement failed';
    return this.dirty;
  }

  /** The statement that opened the transaction, its values masked. */
  get openedBy(): string | undefined {
    return this.#openedBy === undefined ? undefined : maskValues(this.#openedBy);
  }

  /** The connection has been reset: everything is as after the handshake. */
  wasReset(): void {
    this.dirty = null;
    this.schemaChanged = false;
    this.altered = false;
    this.temporaryTables.length = 0;
    this.#autocommitOff = false;
    this.#errorSinceOk = false;
    this.unsure = false;
    this.abandoned = false;
    this.opaque = false;
    this.ended = 'asked';
    this.#markClosed();
  }

  #observeChanges(changes: NonNullable<OkPacket['stateChanges']>): void {
    this.dirty ??= 'the server reported a change of session state';
    if (changes.schema !== null) this.schemaChanged = true;
  }

  #markOpen(sql: string): void {
    if (!this.inTransaction) {
      this.#openedBy = sql;
      this.ended = 'asked';
    }
    this.inTransaction = true;
  }

  #markClosed(): void {
    this.inTransaction = false;
    this.#openedBy = undefined;
  }
}

/** The status of the last OK packet: of a single result, or of the last one of several (CALL, multi-statements). */
function lastOk(result: unknown): OkPacket | undefined {
  if (isOkPacket(result)) return result;
  if (!Array.isArray(result)) return undefined;
  // Rows are plain objects too, so only a packet that says so counts.
  for (let index = result.length - 1; index >= 0; index--) {
    if (isOkPacket(result[index])) return result[index];
    if (!Array.isArray(result[index])) return undefined;
  }
  return undefined;
}

export function isOkPacket(value: unknown): value is OkPacket {
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.getPrototypeOf(value)?.constructor?.name === 'ResultSetHeader'
  );
}
