import type { Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import mysql from 'mysql2';
import type { Connection, ConnectionOptions } from 'mysql2/promise';
import { CommandError } from './exit-codes.js';
import { PRIVATE_LOGIN } from './private-login.js';
import type { Target } from './target.js';

export type Row = Readonly<Record<string, unknown>>;

/** How a command asks the server. Rejects with the driver's error. */
export type Ask = (sql: string, values?: readonly unknown[]) => Promise<readonly Row[]>;

/** One session of a command on the server: read-only, and no statement of it lasts. */
export interface Session {
  readonly ask: Ask;
  /** This session's id on the server. */
  readonly id: number;
  /** Where it is a network connection. */
  readonly socket: SocketEnds | undefined;
  close(): Promise<void>;
}

export interface SocketEnds {
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localPort: number;
}

interface SessionOptions {
  readonly password: string;
  /** For connecting, and for each statement. */
  readonly timeoutMs: number;
}

const GOODBYE_MS = 1_000;

/** Rejects with CommandError, in which `code` is the driver's. */
export async function openSession(target: Target, options: SessionOptions): Promise<Session> {
  const { timeoutMs } = options;
  const { connection, faults } = await connect(configFor(target, options)).catch((error) => {
    throw new CommandError(`no connection to ${target.label}: ${reasonOf(error, timeoutMs)}`, error.code);
  });
  const ask: Ask = async (sql, values = []) => {
    const asked = connection.query({ sql, values: [...values], timeout: timeoutMs });
    // On a connection that is gone the driver says no more than that it is closed.
    const [rows] = await asked.catch((error) => Promise.reject(faults[0] ?? error));
    return rows as Row[];
  };
  try {
    await limitSession(ask, timeoutMs);
    return { ask, id: connection.threadId, socket: endsOf(connection), close: () => closeOf(connection) };
  } catch (error) {
    cut(connection);
    const refusal = error as Error & { code?: string };
    throw new CommandError(
      isSilence(refusal)
        ? `${target.label} lets us in, and then ${reasonOf(refusal, timeoutMs)}`
        : `${target.label} answered with an error: ${refusal.message}`,
      refusal.code,
    );
  }
}

/** The driver's own leaves the socket of a refused login open until the server hangs up, and the process with it. */
async function connect(config: ConnectionOptions): Promise<{ connection: Connection; faults: Error[] }> {
  const connection = mysql.createConnection(config).promise();
  const faults: Error[] = [];
  // What happens to it between two statements is told by the next one.
  connection.on('error', (error) => faults.push(error));
  try {
    await connection.connect();
    return { connection, faults };
  } catch (error) {
    cut(connection);
    throw error;
  }
}

function configFor(target: Target, { password, timeoutMs }: SessionOptions): ConnectionOptions {
  const { host, port, user, database, socketPath, ssl } = target;
  return {
    ...(socketPath === undefined ? { host, port } : { socketPath }),
    user,
    password,
    ...(database !== undefined && { database }),
    ...(ssl !== undefined && { ssl }),
    connectTimeout: timeoutMs,
    // A server can't ask for files.
    flags: ['-LOCAL_FILES'],
    authPlugins: PRIVATE_LOGIN,
    supportBigNumbers: true,
    dateStrings: true,
    connectAttributes: { program_name: 'handback' },
  };
}

/** What a server doesn't know (each of the two timeouts is of one family) is passed over. */
async function limitSession(ask: Ask, timeoutMs: number): Promise<void> {
  const seconds = Math.max(1, Math.ceil(timeoutMs / 1_000));
  await ask('SET SESSION TRANSACTION READ ONLY');
  const settings = [
    // Of the times that the server keeps in its own zone.
    "time_zone = 'SYSTEM'",
    `max_statement_time = ${seconds}`,
    `max_execution_time = ${seconds * 1_000}`,
    `lock_wait_timeout = ${seconds}`,
  ];
  for (const setting of settings) await ask(`SET SESSION ${setting}`).catch(ignoreUnknown);
}

function ignoreUnknown(error: Error & { errno?: number }): void {
  if (error.errno === undefined || error.errno < 0) throw error;
}

function endsOf(connection: Connection): SocketEnds | undefined {
  const { stream } = (connection as unknown as { connection: { stream?: Partial<SocketEnds> } }).connection;
  const { remoteAddress, remotePort, localPort } = stream ?? {};
  if (remoteAddress === undefined || remotePort === undefined || localPort === undefined) return undefined;
  return { remoteAddress, remotePort, localPort };
}

/** The driver's own destroy() waits for the peer to hang up too. */
function cut(connection: Connection): void {
  connection.destroy();
  (connection as unknown as { connection: { stream?: Socket } }).connection.stream?.destroy();
}

/** A server that stands still does not answer to a goodbye either. */
async function closeOf(connection: Connection): Promise<void> {
  const waited = new AbortController();
  const said = connection.end().catch(() => {});
  await Promise.race([said, pause(GOODBYE_MS, undefined, { signal: waited.signal }).catch(() => {})]);
  waited.abort();
  cut(connection);
}

function reasonOf(error: Error & { code?: string }, timeoutMs: number): string {
  if (isSilence(error)) return `no answer within ${timeoutMs} ms`;
  return error.message || String(error.code);
}

function isSilence({ code }: Error & { code?: string }): boolean {
  return code === 'ETIMEDOUT' || code === 'PROTOCOL_SEQUENCE_TIMEOUT';
}
