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

  /**
   * To be called before a statement is sent: from here on it may have had its effect.
   *
   * @returns whether it is plain and not about a transaction either
   */
  willRun(sql: string): boolean {
    this.uses++;
    this.lastStatement = sql;
    const shape = readSql(sql);
    if (shape.plain) return !shape.needsSession;
    this.dirty ??= 'it ran a statement that may change the session';
    if (shape.changesSession) this.altered = true;
    if (shape.selectsSchema) this.schemaChanged = true;
    if (shape.temporaryTable !== undefined) this.temporaryTables.push(shape.temporaryTable);
    return false;
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
    if ((ok.serverStatus & IN_TRANSACTION) !== 0) this.#markOpen(sql);
    else this.#markClosed();
  }

  /** Rows were read one by one: their end carries no status that the driver shows. */
  didStream(sql: string): void {
    this.didRun(sql, undefined);
  }

  failed(sql: string, error: DriverError): void {
    const reason = UNUSABLE_AFTER.get(error.errno ?? 0);
    if (reason) this.unusable ??= reason;
    else if (error.fatal) this.unusable ??= 'the connection failed';
    this.#errorSinceOk = true;
    if (error.errno === DEADLOCK) this.#markClosed();
    // An error packet carries no status: a procedure or a multi-statement may have begun a transaction.
    else if (readSql(sql).compound) this.#markOpen(sql);
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
    this.#markClosed();
  }

  #observeChanges(changes: NonNullable<OkPacket['stateChanges']>): void {
    this.dirty ??= 'the server reported a change of session state';
    if (changes.schema !== null) this.schemaChanged = true;
  }

  #markOpen(sql: string): void {
    if (!this.inTransaction) this.#openedBy = sql;
    this.inTransaction = true;
  }

  #markClosed(): void {
    this.inTransaction = false;
    this.#openedBy = undefined;
  }
}

/** The status of the last OK packet: of a single result, or of the last one of several (CALL, multi-statements). */
function lastOk(result: unknown): OkPacket | undefined {
  if (isOk(result)) return result;
  if (!Array.isArray(result)) return undefined;
  // Rows are plain objects too, so only a packet that says so counts.
  for (let index = result.length - 1; index >= 0; index--) {
    if (isOk(result[index])) return result[index];
    if (!Array.isArray(result[index])) return undefined;
  }
  return undefined;
}

function isOk(value: unknown): value is OkPacket {
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.getPrototypeOf(value)?.constructor?.name === 'ResultSetHeader'
  );
}
