import { createConnection } from 'mysql2/promise';
import { startServer, type ThrowawayServer } from '../../../scripts/database/index.mjs';

export interface BenchServerOptions {
  /** Further arguments of the server program, such as `--max-connections=1200`. */
  readonly args?: string[];
  /** How many rows the table has. @default 10000 */
  readonly rows?: number;
  readonly signal: AbortSignal;
}

/** A private server with one table: what parts and their children connect to. */
export interface BenchServer {
  /** mysql://user:password@127.0.0.1:port/bench */
  readonly url: string;
  /** For those that take no URL; plain data, so that it can be handed to a child. */
  readonly connection: ConnectionFacts;
  /** `SELECT … FROM items WHERE id = ?` has a row for 1 to this number. */
  readonly rows: number;
  readonly version: string;
  /** To freeze, kill and restart it. */
  readonly server: ThrowawayServer;
  /** Ends it and removes its files. May be called more than once. */
  stop(): Promise<void>;
}

export interface ConnectionFacts {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
}

const database = 'bench';

/** The table `items (id INT PRIMARY KEY, name VARCHAR(64), price INT, updated_at DATETIME)`, on a server of one's own. */
export async function startBenchServer({
  args = [],
  rows = 10_000,
  signal,
}: BenchServerOptions): Promise<BenchServer> {
  signal.throwIfAborted();
  const server = await startServer({ args });
  const { host, port, user, password, version } = server;
  const facts = { host, port, user, password };
  const stop = () => server.stop();
  try {
    // An interruption while it started: nobody else would end it.
    signal.throwIfAborted();
    await fill(facts, rows);
  } catch (error) {
    await stop();
    throw error;
  }
  return { url: `${server.url}${database}`, connection: { ...facts, database }, rows, version, server, stop };
}

/** `work`, with a server that is ended whatever happens. */
export async function withBenchServer<T>(
  options: BenchServerOptions,
  work: (server: BenchServer) => Promise<T>,
): Promise<T> {
  const server = await startBenchServer(options);
  try {
    return await work(server);
  } finally {
    await server.stop();
  }
}

const rowsPerInsert = 1_000;

async function fill(facts: Omit<ConnectionFacts, 'database'>, rows: number): Promise<void> {
  const connection = await createConnection(facts);
  try {
    await connection.query(`CREATE DATABASE ${database}`);
    await connection.query(`USE ${database}`);
    await connection.query(
      'CREATE TABLE items (id INT PRIMARY KEY, name VARCHAR(64) NOT NULL, price INT NOT NULL, updated_at DATETIME NOT NULL)',
    );
    for (let id = 1; id <= rows; id += rowsPerInsert) {
      await connection.query('INSERT INTO items VALUES ?', [
        items(id, Math.min(rows, id + rowsPerInsert - 1)),
      ]);
    }
  } finally {
    await connection.end();
  }
}

function items(from: number, to: number): unknown[][] {
  return Array.from({ length: to - from + 1 }, (_, i) => {
    const id = from + i;
    return [id, `item number ${id}`, (id * 7919) % 10_000, '2026-01-31 12:00:00'];
  });
}
