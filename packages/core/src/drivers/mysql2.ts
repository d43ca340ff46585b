import { AsyncResource } from 'node:async_hooks';
import { connect, type Socket } from 'node:net';
import mysql, { type ConnectionOptions } from 'mysql2';
import type {
  Driver,
  DriverConnection,
  Formatter,
  OpenDone,
  OpenSettings,
  RawConnection,
  Reading,
  ResetOptions,
  RowStatement,
  Statement,
} from '../driver.js';
import { HandbackError } from '../errors.js';
import { LinkedList } from '../linked-list.js';
import { isOkPacket } from '../session.js';
import { charsetOf, collationOf } from './mysql2-charsets.js';
import { completeConfig, withIdentityCheck } from './mysql2-config.js';

/** What is used of mysql2's connection beyond its types (3.24.6: lib/base/connection.js). */
interface Internals {
  readonly stream: Socket;
  readonly state: string;
  readonly threadId: number;
  readonly config: { ssl: object | false; charsetNumber: number; database?: string };
  readonly _command: unknown;
  readonly _commands: { readonly length: number };
  readonly _paused: boolean;
}

const internals = (raw: RawConnection): Internals => raw as unknown as Internals;

/**
 * A socket keeps the async context in which it was opened. Without this, the first request's AsyncLocalStorage
 * store would live as long as the pooled connection.
 */
const neutralContext = new AsyncResource('handback');

class Mysql2Connection implements DriverConnection {
  readonly raw: RawConnection;
  readonly threadId: number;
  readonly address: DriverConnection['address'];
  onLost: (error: Error) => void = () => {};
  readonly #internals: Internals;
  readonly #inFlight = new LinkedList<Statement>();
  readonly #openedCharset: number;
  /** MariaDB's reset restores the handshake's character set, MySQL's takes the global one. */
  readonly #resetLosesCharset: boolean;
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
    this.#resetLosesCharset = !/mariadb/i.test(serverVersion);
    this.#watch();
  }

  #watch(): void {
    const gone = (error?: Error) => this.#lose(error);
    this.raw.on('error', gone);
    this.raw.on('end', () => gone());
    this.#internals.stream.on('close', () => gone());
    // A packet out of order means that answers and questions no longer match: the driver would go on.
    (this.raw as NodeJS.EventEmitter).on('warn', (error: Error) => this.destroy(error));
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
    return (
      charsetNumber !== this.#openedCharset && charsetOf(charsetNumber) !== charsetOf(this.#openedCharset)
    );
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

  #resume(): void {
    if (!this.#lost && this.#internals._paused) this.raw.resume();
  }

  reset({ restoreSchema, checkRole }: ResetOptions, done: (error: Error | null) => void): void {
    const { config } = this.#internals;
    const steps: string[] = [];
    if (this.#resetLosesCharset) {
      steps.push(`SET NAMES ${charsetOf(this.#openedCharset)} COLLATE ${collationOf(this.#openedCharset)}`);
    }
    if (restoreSchema && config.database) steps.push(`USE ${mysql.escapeId(config.database, true)}`);
    // MariaDB keeps the role over a reset; MySQL does not.
    const roleMayStay = checkRole && !this.#resetLosesCharset;
    const next = (error: Error | null) => {
      config.charsetNumber = this.#openedCharset;
      const step = steps.shift();
      if (error) return done(error);
      if (step !== undefined) return void this.raw.query(step, next);
      if (roleMayStay) this.#refuseRole(done);
      else done(null);
    };
    (this.raw as unknown as { reset(cb: (error: Error | null) => void): void }).reset(next);
  }

  #refuseRole(done: (error: Error | null) => void): void {
    this.raw.query('SELECT CURRENT_ROLE() AS role', (error, rows) => {
      const [row] = (rows ?? []) as { role: string | null }[];
      done(error ?? (row?.role == null ? null : new Error('the session has taken on a role')));
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

function connectionLost(): Error {
  return Object.assign(new Error('Connection lost: The server closed the connection.'), {
    code: 'PROTOCOL_CONNECTION_LOST',
    fatal: true,
  });
}

function open(settings: OpenSettings, done: OpenDone): (reason: Error) => void {
  const config = completeConfig(settings.config, settings);
  const { address } = settings;
  if (address) config.stream = () => connect(address.port, address.host).setNoDelay(true);
  let raw: RawConnection;
  try {
    raw = neutralContext.runInAsyncScope(() => mysql.createConnection(config));
  } catch (error) {
    // An unknown character set or TLS profile: the driver throws before it connects.
    process.nextTick(done, error as Error);
    return () => {};
  }
  const { config: used } = internals(raw);
  if (used.ssl) used.ssl = withIdentityCheck(used.ssl);
  let settled = false;
  const settle: OpenDone = (error, connection) => {
    if (settled) return;
    settled = true;
    if (error) internals(raw).stream.destroy();
    done(error, connection);
  };
  // Permanent: an 'error' event without a listener ends the process.
  raw.on('error', (error) => settle(error));
  raw.on('end', () => settle(connectionLost()));
  (raw as NodeJS.EventEmitter).once('connect', (handshake: { serverVersion?: string }) => {
    // Said from inside the handshake command, which the driver counts as running until it returns.
    process.nextTick(() => {
      if (!settled) settle(null, new Mysql2Connection(raw, handshake.serverVersion ?? ''));
    });
  });
  return (reason) => {
    if (settled) return;
    internals(raw).stream.destroy(reason);
    settle(reason);
  };
}

function formatter(config: ConnectionOptions): Formatter {
  // The driver's own reading of the options, those in the uri's query string included.
  const { ConnectionConfig } = mysql as unknown as {
    ConnectionConfig: new (config: object) => ConnectionOptions;
  };
  let read: ConnectionOptions;
  try {
    read = new ConnectionConfig({ ...config });
  } catch (error) {
    const { message } = error as Error;
    throw new HandbackError(
      'INVALID_OPTION',
      `The driver refuses the option 'uri' or 'connection': ${message}.`,
    );
  }
  const { stringifyObjects, timezone, namedPlaceholders } = read;
  return {
    namedPlaceholders: namedPlaceholders === true,
    format: (sql, values) => mysql.format(sql, values as [], stringifyObjects, timezone as never),
    escape: (value) => mysql.escape(value as never, stringifyObjects, timezone as never),
    escapeId: (identifier) => mysql.escapeId(identifier),
  };
}

export const mysql2Driver: Driver = { open, formatter };
