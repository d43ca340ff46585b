import { isOkPacket } from '../answer.js';
import type {
  DriverConnection,
  RawConnection,
  Reading,
  ResetOptions,
  RowStatement,
  ServerStatus,
  Statement,
} from '../driver.js';
import { LinkedList } from '../linked-list.js';
import { bindCommands } from './mysql2-callbacks.js';
import { type Internals, internals } from './mysql2-internals.js';
import { tooWide } from './mysql2-narrow.js';
import { Mysql2Session } from './mysql2-session.js';
import { StatusWatch, statusIsSeen } from './mysql2-status.js';

/** What the driver warns of when a packet does not have the number that is due. */
type OutOfOrder = Error & { readonly expected?: number };

export class Mysql2Connection implements DriverConnection {
  readonly raw: RawConnection;
  readonly threadId: number;
  readonly address: DriverConnection['address'];
  onLost: (error: Error) => void = () => {};
  readonly #internals: Internals;
  readonly #inFlight = new LinkedList<Statement>();
  readonly #session: Mysql2Session;
  readonly #watch: StatusWatch;
  #statusDoubted = false;
  #exposed = false;
  #lost: Error | null = null;

  constructor(raw: RawConnection, serverVersion: string) {
    this.raw = raw;
    this.#internals = internals(raw);
    const { threadId, stream } = this.#internals;
    this.threadId = threadId;
    this.address =
      stream.remoteAddress === undefined || stream.remotePort === undefined
        ? undefined
        : { host: stream.remoteAddress, port: stream.remotePort };
    this.#session = new Mysql2Session(raw, serverVersion);
    this.#watch = new StatusWatch(raw);
    this.#listen();
  }

  #listen(): void {
    const gone = (error?: Error) => this.#lose(error);
    this.raw.on('error', gone);
    this.raw.on('end', () => gone());
    this.#internals.stream.on('close', () => gone());
    // A packet out of order means that answers and questions no longer match: the driver would go on.
    (this.raw as NodeJS.EventEmitter).on('warn', (error: OutOfOrder) => {
      if (!this.#mayCountAnew(error)) this.destroy(error);
    });
  }

  /** With compression the server counts anew within an answer, where one result ends and the next begins. */
  #mayCountAnew({ expected }: OutOfOrder): boolean {
    const isFirstOfAnswer = expected === 1;
    return Boolean(this.#internals.config.compress) && !isFirstOfAnswer;
  }

  #lose(error?: Error): void {
    if (this.#lost) return;
    this.#lost = error ?? connectionLost();
    // The driver settles what has a callback; give it its turn, then settle what it forgot.
    setImmediate(() => this.#settleForgotten());
    this.onLost(this.#lost);
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

  /** Whether this version of the driver lets the server's status be seen. */
  showsStatus(): Promise<boolean> {
    return statusIsSeen(this.raw, this.#watch);
  }

  doubtStatus(): void {
    this.#statusDoubted = true;
  }

  trackChanges(): Promise<void> {
    return this.#session.trackChanges();
  }

  get formatsItself(): boolean {
    return this.#internals.config.queryFormat != null;
  }

  get hasSchema(): boolean {
    return Boolean(this.#internals.config.database);
  }

  isUsable(): boolean {
    return this.#lost === null && this.#internals.state === 'authenticated';
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
    const done = (error: Error | null, result?: unknown, fields?: unknown) => {
      // The driver calls back twice when a prepared statement's connection is lost, or after its `timeout`.
      if (settled) return;
      settled = true;
      if (error) process.nextTick(finish, error);
      else finish(null, result, fields);
    };
    // An error is reported from inside the packet handler, while the driver still counts the command as running.
    const finish = (error: Error | null, result?: unknown, fields?: unknown) => {
      this.#inFlight.remove(statement);
      statement.settle(error, result, fields);
    };
    this.#inFlight.push(statement);
    try {
      this.#refuseWide(statement);
      if (statement.prepared) this.raw.execute(statement.sql as string, statement.values as [], done);
      else if (statement.values === undefined) this.raw.query(statement.sql as string, done);
      else this.raw.query(statement.sql as string, statement.values as [], done);
    } catch (error) {
      done(error as Error);
    }
  }

  stream(statement: RowStatement): Reading {
    let settled = false;
    let header: unknown;
    const done = (error: Error | null) => {
      if (settled) return;
      settled = true;
      process.nextTick(() => {
        this.#inFlight.remove(statement);
        statement.settle(error, header);
      });
    };
    this.#inFlight.push(statement);
    try {
      this.#refuseWide(statement);
      const command =
        statement.values === undefined
          ? this.raw.query(statement.sql as string)
          : this.raw.query(statement.sql as string, statement.values as []);
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

  /** The values of a prepared statement are never read as SQL. */
  #refuseWide({ sql, values, prepared }: Statement): void {
    const refusal = tooWide(this.#internals.config.charsetNumber, sql, prepared ? undefined : values);
    if (refusal) throw refusal;
  }

  #resume(): void {
    if (!this.#lost && this.#internals._paused) this.raw.resume();
  }

  expose(): RawConnection {
    if (!this.#exposed) bindCommands(this.raw);
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
    this.#lose(error);
  }
}

export function connectionLost(): Error {
  return Object.assign(new Error('Connection lost: The server closed the connection.'), {
    code: 'PROTOCOL_CONNECTION_LOST',
    fatal: true,
  });
}
