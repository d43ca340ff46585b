import type { ConnectionOptions, Connection as CoreConnection, QueryOptions } from 'mysql2';
import type { Linked } from './linked-list.js';

/**
 * The few things Handback needs from a database driver. Everything else of mysql2 stays in
 * `drivers/`, and tests put a fake in its place.
 */
export interface Driver {
  /**
   * Starts to open one connection. `done` is called exactly once. The returned function gives the attempt up
   * (`done` then reports `reason`); after `done` it does nothing.
   */
  open(settings: OpenSettings, done: OpenDone): (reason: Error) => void;
  /** What options that were given take away of the protection, in sentences for the operator. */
  hazards(config: ConnectionOptions): string[];
  /** What the server and its schema are like, asked on a connection that nobody uses yet. */
  survey(ask: Ask): Promise<Survey>;
  /** What can be done with these options without a connection; null = they are known only when one is opened. */
  formatter(config: ConnectionOptions | null): Formatter;
}

/** Runs a statement and gives its rows. */
export type Ask = (sql: string) => Promise<Record<string, unknown>[]>;

export interface ServerFacts {
  readonly version: string;
  /** The session's own, after `onConnect`. */
  readonly sqlMode: string;
  readonly isMariaDb: boolean;
  /** The session's own: after this long without a statement the server hangs up. */
  readonly waitTimeoutMs: number;
  readonly interactiveTimeoutMs: number;
  readonly maxConnections: number;
  /** Of this account; 0 = no limit. */
  readonly maxUserConnections: number;
  /** Where the server listens. Who connects to another port has something in between: a proxy, a container's mapping. */
  readonly port: number;
}

export interface Survey {
  /** null = it would not say. */
  readonly facts: ServerFacts | null;
  readonly reach: StoredCode;
}

/** Which statements run code that is stored in the schema, although their text does not show it. */
export interface StoredCode {
  /** Why this one may; null = it can't. `onlyReads` = it executes no write. */
  reached(sql: string, onlyReads: boolean, identifierPlaceholder: boolean): string | null;
  /** For the operator: why part of it can't be seen; null = all of it can. */
  readonly blind: string | null;
}

export interface Formatter {
  /** `query()` takes `:name` placeholders unless told otherwise; undefined = known only when a connection is opened. */
  readonly namedPlaceholders: boolean | undefined;
  /** `:name` placeholders and an object of values, as the driver makes `?` and a list of them. */
  unnamed(sql: string, values: object): { readonly sql: string; readonly values: unknown };
  format(sql: string, values?: unknown): string;
  escape(value: unknown): string;
  escapeId(identifier: string | string[]): string;
}

export interface OpenSettings {
  /** mysql2's own options, already resolved, with a password in them: never print them. */
  readonly config: ConnectionOptions;
  readonly poolName: string;
  /** Connect to this address instead of `config.host` (the name stays for TLS). */
  readonly address?: { readonly host: string; readonly port: number };
  /** Absent = each command waits for the answer to the one before it. */
  readonly pipelining?: Pipelining;
  /** Nothing will be set on it before it is `settled`. */
  readonly settlesAtOnce?: boolean;
}

/** Whether several commands may be sent before the first is answered. */
export interface Pipelining {
  /** `port`: of the other end; undefined = a unix socket. */
  allows(port: number | undefined): boolean;
  /** A connection has ended over it. */
  failed(): void;
}

export type OpenDone = (error: Error | null, connection?: DriverConnection) => void;

/** The raw mysql2 connection, as `connection()` hands it out. */
export type RawConnection = CoreConnection;

/** One statement on its way to the server; `settle` may be called more than once and acts once. */
export interface Statement extends Linked<Statement> {
  readonly prepared: boolean;
  readonly sql: string | QueryOptions;
  readonly values: unknown;
  /** Sent with it; absent = nothing. */
  readonly tag?: StatementTag | null;
  settle(error: Error | null, result?: unknown, fields?: unknown): void;
}

/** What goes to the server of a statement. */
export type Sent = Pick<Statement, 'prepared' | 'sql' | 'values'>;

/** Where a statement comes from, for those who look at the server. */
export interface StatementTag {
  /** With its marks. */
  readonly comment: string;
  /** The same for servers that take attributes beside the text, which `prepared` statements have with each execution. */
  readonly attributes: Readonly<Record<string, string>>;
}

/** A statement whose rows are consumed one by one. */
export interface RowStatement extends Statement {
  onFields(fields: unknown): void;
  /** @returns false to ask for a pause; `resume()` of the reading goes on. */
  onRow(row: unknown): boolean;
}

/** What the server said with its last OK or EOF packet (dev.mysql.com, "SERVER_STATUS_flags_enum"). */
export interface ServerStatus {
  /** undefined = nothing was seen: an error packet carries none. */
  readonly flags: number | undefined;
  /** Warnings of that statement. */
  readonly warnings: number;
  forget(): void;
}

export interface DriverConnection {
  /** null = this version of the driver hides it; see docs/decisions.md. */
  readonly status: ServerStatus | null;
  /** The server's id of this session, for KILL and for reports. */
  readonly threadId: number;
  /** Address of the server's end, so that KILL reaches the same server; undefined on a unix socket. */
  readonly address: { readonly host: string; readonly port: number } | undefined;
  /** The port of our end: the server's list of sessions has it, where nothing in between changes it. */
  readonly localPort: number | undefined;
  /** The version in the handshake, of whoever answered it: a server or a proxy. */
  readonly greeting?: string;
  /** Which server it leads to, in that server's own words, once it is `settled`; null = that is not known. */
  readonly server: string | null;
  /** It was lost while a statement ran, and neither the server said so nor we did it: the thread there may go on. */
  readonly lostAtWork: boolean;
  /** A default schema was configured, so that it can be selected again. */
  readonly hasSchema: boolean;
  /** Called once, when the connection is gone for whatever reason. Set by the pool. */
  onLost: (error: Error) => void;
  /** The application has given the driver a function (`queryFormat`) that puts values into a text: it may put in SQL. */
  readonly formatsItself: boolean;
  /** Whether the driver believes in it: authenticated, no fatal error, socket alive. */
  isUsable(): boolean;
  /** Whether a command runs or waits, or rows lie unread. */
  isBusy(): boolean;
  /**
   * Of one that was usable and quiet when it was last looked at: whether it still is, as far as that can change without a word. Every
   * acquire asks, so it asks less than the two above.
   */
  isReady(): boolean;
  /** Whether the session speaks another character set than it was opened with (see docs/decisions.md). */
  charsetChanged(): boolean;
  /** What was set until now is how the connection is meant to be: `reset` comes back to it. */
  settled(): Promise<void>;
  /** Asks whether the other end still answers. */
  ping(done: (error: Error | null) => void): void;
  run(statement: Statement): void;
  stream(statement: RowStatement): Reading;
  /** The driver's own connection, for the application; it is not used by anybody else afterwards. */
  expose(): RawConnection;
  /** Clears the session: COM_RESET_CONNECTION, then what that loses on this server, then `ResetOptions.replay`. */
  reset(options: ResetOptions, done: (error: Error | null) => void): void;
  /** Says COM_QUIT and closes. */
  end(): void;
  /** Cuts the socket now; every pending statement is settled with `error`. */
  destroy(error: Error): void;
}

export interface ResetOptions {
  /** The default schema may have been changed. */
  readonly restoreSchema: boolean;
  /** Something ran whose text does not tell whether it took on a role or profiled statements. */
  readonly checkSurvivors: boolean;
  /** A transaction may be open of which it is not known that it is not an XA one. */
  readonly rollBackFirst: boolean;
  /** What was run when the connection was opened (option `onConnect`). */
  readonly replay: (() => Promise<void>) | null;
}

/** A row-wise reading in progress. */
export interface Reading {
  resume(): void;
}
