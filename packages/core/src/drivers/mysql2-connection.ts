import type { Socket } from 'node:net';
import mysql from 'mysql2';
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
import { PLAIN_ROWS } from '../statement.js';

import { charsetOf, collationOf } from './mysql2-charsets.js';
import { tooWide } from './mysql2-narrow.js';
import { StatusWatch, statusIsSeen } from './mysql2-status.js';

/** What is used of mysql2's connection beyond its types (3.24.6: lib/base/connection.js). */
export interface Internals {
  readonly stream: Socket;
  readonly state: string;
  readonly threadId: number;
  /** `compress`: what the handshake has agreed on. */
  readonly config: {
    ssl: object | false;
    charsetNumber: number;
    database?: string;
    queryFormat?: unknown;
    compress?: unknown;
  };
  readonly _command: unknown;
  readonly _commands: { readonly length: number };
  readonly _paused: boolean;
}

export const internals = (raw: RawConnection): Internals => raw as unknown as Internals;

/** What the driver warns of when a packet does not have the number that is due. */
type OutOfOrder = Error & { readonly expected?: number };

/** What a reset leaves, and procedures, functions and triggers can bring about. */
const SURVIVORS =
  'SELECT CURRENT_ROLE() AS role, (SELECT COUNT(*) FROM information_schema.PROFILING) AS profiles';
/** Session tracking beyond the schema and a few variables; a reset turns it off again. */
const TRACK_CHANGES = 'SET SESSION session_track_state_change = 1';

export class Mysql2Connection implements DriverConnection {
  readonly raw: RawConnection;
  readonly threadId: number;
  readonly address: DriverConnection['address'];
  onLost: (error: Error) => void = () => {};
  readonly #internals: Internals;
  readonly #inFlight = new LinkedList<Statement>();
  readonly #watch: StatusWatch;
  readonly #isMariaDb: boolean;
  /** What the handshake agreed on, and MariaDB's reset restores. */
  readonly #openedCharset: number;
  /** What it is meant to be, after `onConnect`. */
  #charset: number;
  #role: string | null = null;
  #statusDoubted = false;
  #changesTracked = false;
  #lost: Error | null = null;

  constructor(raw: RawConnection, serverVersion: string) {
    this.raw = raw;
    this.#internals = internals(raw);
    const { threadId, stream, config } = this.#internals;
    this.threadId = threadId;
    this.address =
      stream.remoteAddress === undefined || stream.remotePort === undefined
        ? undefined
        : { host: stream.remoteAddress, port: stream.remotePort };
    this.#openedCharset = config.charsetNumber;
    this.#charset = config.charsetNumber;
    this.#isMariaDb = /mariadb/i.test(serverVersion);
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

  /**
   * MariaDB then reports every change of a variable, a temporary table, a prepared statement or the schema, in
   * stored code too. MySQL's version of it was not tried.
   */
  async trackChanges(): Promise<void> {
    if (!this.#isMariaDb) return;
    this.#changesTracked = await this.#ask(TRACK_CHANGES).then(
      () => true,
      // A server, or a proxy, that doesn't know the variable: the reading of the SQL has to do.
      (error: Error & { sqlState?: string }) => {
        if (error.sqlState === undefined) throw error;
        return false;
      },
    );
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
    const { charsetNumber } = this.#internals.config;
    return charsetNumber !== this.#charset && charsetOf(charsetNumber) !== charsetOf(this.#charset);
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
        if (isOkPacket(row)) header = row;
        if (!statement.onRow(row)) this.raw.pause();
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

  async settled(): Promise<void> {
    this.#charset = this.#internals.config.charsetNumber;
    if (this.#isMariaDb) this.#role = await this.#currentRole();
  }

  ping(done: (error: Error | null) => void): void {
    // Called back with an error, or with nothing.
    (this.raw as unknown as { ping(done: (error?: Error) => void): void }).ping((error) =>
      done(error ?? null),
    );
  }

  reset(options: ResetOptions, done: (error: Error | null) => void): void {
    this.#reset(options).then(() => done(null), done);
  }

  async #reset({ restoreSchema, checkSurvivors, rollBackFirst, replay }: ResetOptions): Promise<void> {
    const { config } = this.#internals;
    // Refused in an XA transaction, after which a reset leaves a session without InnoDB.
    if (rollBackFirst) await this.#ask('ROLLBACK');
    await this.#resetSession();
    config.charsetNumber = this.#openedCharset;
    // MariaDB's reset restores the handshake's character set, MySQL's takes the global one.
    if (!this.#isMariaDb) {
      const [charset, collation] = [charsetOf(this.#openedCharset), collationOf(this.#openedCharset)];
      await this.#ask(`SET NAMES ${charset} COLLATE ${collation}`);
    }
    if (restoreSchema && config.database) await this.#ask(`USE ${mysql.escapeId(config.database, true)}`);
    if (this.#changesTracked) await this.#ask(TRACK_CHANGES);
    await replay?.();
    // MariaDB keeps both over a reset.
    if (checkSurvivors && this.#isMariaDb) await this.#refuseSurvivors();
    if (this.charsetChanged()) throw new Error('the character set is not what it was');
  }

  #resetSession(): Promise<void> {
    const { raw } = this as unknown as { raw: { reset(done: (error: Error | null) => void): void } };
    return new Promise((resolve, reject) => {
      raw.reset((error) => (error ? reject(error) : resolve()));
    });
  }

  async #currentRole(): Promise<string | null> {
    const rows = (await this.#ask('SELECT CURRENT_ROLE() AS role')) as { role: string | null }[];
    return rows[0]?.role ?? null;
  }

  async #refuseSurvivors(): Promise<void> {
    const [row] = (await this.#ask(SURVIVORS)) as { role: string | null; profiles: number }[];
    if ((row?.role ?? null) !== this.#role) throw new Error('the session has taken on a role');
    if (Number(row?.profiles) !== 0) throw new Error('its statements were profiled');
  }

  #ask(sql: string): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.raw.query({ sql, ...PLAIN_ROWS }, (error, result) => (error ? reject(error) : resolve(result)));
    });
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
