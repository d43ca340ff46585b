/** What a server's session answers, as far as the pool can tell the difference. */

const IN_TRANSACTION = 1;
const AUTOCOMMIT = 2;

/** Known to the core by its name, as the driver's packets are. */
export class ResultSetHeader {
  readonly affectedRows = 1;
  readonly serverStatus: number;
  readonly stateChanges?: { schema: string | null };

  constructor(serverStatus: number, stateChanges?: { schema: string | null }) {
    this.serverStatus = serverStatus;
    if (stateChanges) this.stateChanges = stateChanges;
  }
}

export type ServerError = Error & { errno?: number; code?: string; fatal?: boolean; sql?: string };

export function serverError(errno: number, more: Partial<ServerError> = {}): ServerError {
  return Object.assign(new Error(`server error ${errno}`), { errno, ...more });
}

/** The socket failed under a statement. */
export function lostError(): ServerError {
  return Object.assign(new Error('Connection lost: The server closed the connection.'), {
    code: 'PROTOCOL_CONNECTION_LOST',
    fatal: true,
  });
}

/** An attempt to connect failed. */
export function connectError(code: string, errno?: number): ServerError {
  return Object.assign(new Error(`connect ${code}`), errno === undefined ? { code } : { code, errno });
}

/** One session: knows about transactions and autocommit, and whether anything else was changed. */
export class FakeSession {
  touched = false;
  /** `SELECT ready`, which a test may give as `onConnect`, has run since the last reset. */
  ready = false;
  /** Of the last statement. */
  warnings = 0;
  /** Changes that last. */
  readonly committed: string[] = [];
  #changes: string[] = [];
  #inTransaction = false;
  #autocommit = true;

  get inTransaction(): boolean {
    return this.#inTransaction;
  }

  /** When it ends otherwise than by a COMMIT its changes are gone. */
  set inTransaction(open: boolean) {
    if (!open) this.#changes = [];
    this.#inTransaction = open;
  }

  reset(): void {
    this.inTransaction = false;
    this.touched = false;
    this.ready = false;
    this.#autocommit = true;
  }

  get ok(): ResultSetHeader {
    return new ResultSetHeader(
      (this.inTransaction ? IN_TRANSACTION : 0) | (this.#autocommit ? AUTOCOMMIT : 0),
    );
  }

  /** @returns rows or an OK packet */
  answer(sql: string): unknown {
    const text = sql.trim().toLowerCase();
    if (/^(commit|create table|alter|drop table|begin|start transaction)/.test(text)) this.#commit();
    if (/^(begin|start transaction)/.test(text)) this.inTransaction = true;
    else if (/^(commit|rollback(?! to)|create table|alter|drop table)/.test(text)) this.inTransaction = false;
    else if (/^set autocommit\s*=\s*0/.test(text)) this.#autocommit = false;
    else if (/^(select|insert|update|delete)/.test(text) && !this.#autocommit) this.inTransaction = true;
    if (/^update/.test(text)) (this.inTransaction ? this.#changes : this.committed).push(sql);
    if (/^set|my_function/.test(text)) this.touched = true;
    if (text === 'select ready') this.ready = true;
    return /^(select|show|with|values)/.test(text) ? [{ value: 1 }] : this.ok;
  }

  #commit(): void {
    this.committed.push(...this.#changes);
    this.#changes = [];
  }
}
