import { isOkPacket } from '../answer.js';
import type {
  DriverConnection,
  Pipelining,
  RawConnection,
  Reading,
  ResetOptions,
  RowStatement,
  Sent,
  ServerStatus,
  Statement,
} from '../driver.js';
import { type ErrorFacts, isNotWritten } from '../error-classes.js';
import { LinkedList } from '../linked-list.js';
import { bindCommands } from './mysql2-callbacks.js';
import { named } from './mysql2-error-names.js';
import { type Done, type Escaping, execute, query } from './mysql2-execute.js';
import { readsFiles } from './mysql2-files.js';
import { withoutBackslashes } from './mysql2-format.js';
import type { PacketGate } from './mysql2-gate.js';
import { type Internals, internals } from './mysql2-internals.js';
import { cannotCarry } from './mysql2-narrow.js';
import { Mysql2Session } from './mysql2-session.js';
import { makeRoom } from './mysql2-statements.js';
import { StatusWatch, statusIsSeen } from './mysql2-status.js';
import { tagged } from './mysql2-tag.js';

/** What the server says of itself before anything else. */
export interface Handshake {
  readonly serverVersion?: string;
  readonly statusFlags?: number;
}

export class Mysql2Connection implements DriverConnection, Escaping {
  readonly raw: RawConnection;
  readonly threadId: number;
  readonly address: DriverConnection['address'];
  readonly localPort: number | undefined;
  readonly greeting: string;
  lostAtWork = false;
  onLost: (error: Error) => void = () => {};
  readonly #internals: Internals;
  readonly #inFlight = new LinkedList<Statement>();
  readonly #session: Mysql2Session;
  readonly #watch: StatusWatch;
  #statusDoubted = false;
  #exposed = false;
  #lost: Error | null = null;

  /** `gate`: what its packets come by, since before the login. */
  constructor(
    raw: RawConnection,
    { serverVersion = '', statusFlags }: Handshake,
    gate: PacketGate,
    pipelining: Pipelining | undefined,
  ) {
    this.raw = raw;
    this.#internals = internals(raw);
    const { threadId, stream } = this.#internals;
    this.threadId = threadId;
    this.address =
      stream.remoteAddress === undefined || stream.remotePort === undefined
        ? undefined
        : { host: stream.remoteAddress, port: stream.remotePort };
    this.localPort = stream.localPort;
    this.greeting = serverVersion;
    this.#session = new Mysql2Session(raw, serverVersion, threadId, pipelining);
    this.#watch = new StatusWatch(gate, statusFlags);
    this.#listen();
    gate.onFault = (error) => this.#fail(error);
    gate.loggedIn();
  }

  #listen(): void {
    // Of some errors the driver only tells, and reads on.
    this.raw.on('error', (error) => this.#fail(error));
    this.raw.on('end', () => this.#lose(undefined, true));
    this.#internals.stream.on('close', () => this.#lose(undefined, true));
    // Where its packets can't be looked at beforehand: it would take one that is out of order for what is due.
    (this.raw as NodeJS.EventEmitter).on('warn', (error: Error) => {
      if (!this.#internals.config.compress) this.#fail(error);
    });
  }

  /** It can't go on; nobody here wanted that. */
  #fail(error: Error & { errno?: number }): void {
    // The numbers of sockets' errors are negative.
    const isServersWord = (error.errno ?? 0) > 0;
    this.#internals.stream.destroy(error);
    this.#lose(error, !isServersWord);
  }

  /** `unasked`: neither did the server say so, nor did we cut it. */
  #lose(error: Error | undefined, unasked: boolean): void {
    if (this.#lost) return;
    this.#lost = error ?? connectionLost();
    this.lostAtWork ||= unasked && this.#inFlight.size > 0;
    // The driver settles what has a callback; give it its turn, then settle what it forgot.
    setImmediate(() => this.#settleForgotten());
    this.onLost(this.#lost);
  }

  /** A statement has failed: the driver tells it of a loss before it tells us. */
  #heed(error: ErrorFacts): void {
    if (this.#lost === null && isLoss(error)) this.lostAtWork = true;
  }

  #settleForgotten(): void {
    for (const statement of this.#inFlight) {
      this.#inFlight.remove(statement);
      statement.settle(this.#lost ?? connectionLost());
    }
  }

  get status(): ServerStatus | null {
    return this.#statusDoubted ? null : this.#watch;
  }

  /** Whether this version of the driver lets the server's status be seen; null = it can't be told on this one. */
  showsStatus(): Promise<boolean | null> {
    return statusIsSeen(this.raw, this.#watch);
  }

  doubtStatus(): void {
    this.#statusDoubted = true;
  }

  /** `settlesAtOnce`: nothing will be set on it before it is `settled`. */
  begin(settlesAtOnce: boolean): Promise<void> {
    return this.#session.begin(settlesAtOnce);
  }

  get formatsItself(): boolean {
    return this.#internals.config.queryFormat != null;
  }

  get server(): string | null {
    return this.#session.server;
  }

  get hasSchema(): boolean {
    return Boolean(this.#internals.config.database);
  }

  isUsable(): boolean {
    return this.#lost === null && this.#internals.state === 'authenticated';
  }

  isReady(): boolean {
    const { stream, _command, _commands, _paused } = this.#internals;
    return this.#lost === null && !stream.destroyed && !_command && _commands.length === 0 && !_paused;
  }

  isBusy(): boolean {
    const { _command, _commands, _paused } = this.#internals;
    return Boolean(_command) || _commands.length > 0 || _paused;
  }

  charsetChanged(): boolean {
    return this.#session.charsetChanged();
  }

  settled(): Promise<void> {
    return this.#session.settled();
  }

  run(statement: Statement): void {
    let settled = false;
    const done: Done = (error, result, fields) => {
      // The driver calls back twice when a prepared statement's connection is lost, or after its `timeout`.
      if (settled) return;
      settled = true;
      if (error) this.#failed(statement, error);
      else this.#finish(statement, null, result, fields);
    };
    this.#inFlight.push(statement);
    try {
      this.#refuse(statement);
      const sent = tagged(statement);
      if (sent.prepared) execute(this.raw, sent, this, done);
      else query(this.raw, this.#escaped(sent), done);
    } catch (error) {
      done(error as Error);
    }
  }

  /** It is reported from inside the packet handler, while the driver still counts the command as running. */
  #failed(statement: Statement, error: Error): void {
    this.#heed(error);
    process.nextTick(() => this.#finish(statement, named(error)));
  }

  #finish(statement: Statement, error: Error | null, result?: unknown, fields?: unknown): void {
    this.#inFlight.remove(statement);
    statement.settle(error, result, fields);
  }

  /** What the driver escapes in its values is read by the server as it was meant. */
  escapesSafely({ sql, values }: Sent): boolean {
    const { charsetNumber } = this.#internals.config;
    return (
      this.#watch.escapesByBackslash === true &&
      !this.charsetChanged() &&
      !cannotCarry(charsetNumber, sql, values)
    );
  }

  stream(statement: RowStatement): Reading {
    let settled = false;
    let header: unknown;
    const done = (error: Error | null) => {
      if (settled) return;
      settled = true;
      if (error) this.#heed(error);
      process.nextTick(() => {
        this.#inFlight.remove(statement);
        statement.settle(error && named(error), header);
      });
    };
    this.#inFlight.push(statement);
    try {
      this.#refuse(statement);
      const { sql, values } = this.#escaped(tagged(statement));
      const command =
        values === undefined ? this.raw.query(sql as string) : this.raw.query(sql as string, values as []);
      command.on('fields', (fields: unknown) => statement.onFields(fields));
      command.on('result', (row: unknown) => {
        // What ends a CALL, or is all of an UPDATE's answer, is no row.
        if (isOkPacket(row)) header = row;
        else if (!statement.onRow(row)) this.raw.pause();
      });
      command.on('error', done);
      command.on('end', () => done(null));
    } catch (error) {
      done(error as Error);
    }
    return { resume: () => this.#resume() };
  }

  /** The driver escapes by backslash, whatever the server says. */
  #escaped(statement: Sent): Pick<Sent, 'sql' | 'values'> {
    if (this.#watch.escapesByBackslash !== false || this.formatsItself) return statement;
    return withoutBackslashes(this.#internals.config, statement.sql, statement.values);
  }

  #refuse({ sql, values, prepared }: Statement): void {
    const { charsetNumber, clientFlags } = this.#internals.config;
    // The values of a prepared statement are never read as SQL.
    const refusal =
      cannotCarry(charsetNumber, sql, prepared ? undefined : values) ?? readsFiles(clientFlags, sql);
    if (refusal) throw refusal;
  }

  #resume(): void {
    if (!this.#lost && this.#internals._paused) this.raw.resume();
  }

  expose(): RawConnection {
    if (!this.#exposed) {
      bindCommands(this.raw);
      makeRoom(this.raw);
    }
    this.#exposed = true;
    return this.raw;
  }

  ping(done: (error: Error | null) => void): void {
    // Called back with an error, or with nothing.
    (this.raw as unknown as { ping(done: (error?: Error) => void): void }).ping((error) =>
      done(error ?? null),
    );
  }

  reset(options: ResetOptions, done: (error: Error | null) => void): void {
    this.#session.reset(options).then(() => done(null), done);
  }

  end(): void {
    this.raw.end();
  }

  destroy(error: Error): void {
    // The driver's own destroy() is stream.end(): it settles nothing and kills nothing.
    this.#internals.stream.destroy(error);
    this.#lose(error, false);
  }
}

/** Neither the server's word, nor that the statement never left. */
function isLoss(error: ErrorFacts): boolean {
  const { fatal, errno = 0, code } = error;
  return fatal === true && errno <= 0 && code !== 'EPIPE' && !isNotWritten(error);
}

export function connectionLost(): Error {
  return Object.assign(new Error('Connection lost: The server closed the connection.'), {
    code: 'PROTOCOL_CONNECTION_LOST',
    fatal: true,
  });
}
