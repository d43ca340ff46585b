import { setTimeout as sleep } from 'node:timers/promises';
import { type Connection, createConnection, type RowDataPacket } from 'mysql2/promise';

const retryMs = 100;
/** Longer than any freeze: what is still silent then is never answered. */
const silenceMs = 20_000;

/** One connection to the server that outlives restarts, freezes and a full server: it asks until it is answered. */
export class PatientConnection {
  readonly #url: string;
  #connection: Connection | undefined;
  #closed = false;

  constructor(url: string) {
    this.#url = url;
  }

  /** The rows, or undefined when the connection was lost on the way or there is none: ask again. */
  async ask(sql: string, values: unknown[] = []): Promise<RowDataPacket[] | undefined> {
    try {
      this.#connection ??= await this.#connect();
      const [rows] = await this.#connection.query<RowDataPacket[]>({ sql, values, timeout: silenceMs });
      return rows;
    } catch (error) {
      if (isOfTheStatement(error)) throw error;
      this.#connection?.destroy();
      this.#connection = undefined;
      if (!this.#closed) await sleep(retryMs);
      return undefined;
    }
  }

  /** Asks until there is an answer. @throws {Error} when there is none at the deadline */
  async insist(sql: string, values: unknown[] = [], deadlineMs = 30_000): Promise<RowDataPacket[]> {
    const end = performance.now() + deadlineMs;
    for (;;) {
      const rows = await this.ask(sql, values);
      if (rows) return rows;
      if (this.#closed || performance.now() > end) throw new Error(`the server does not answer: ${sql}`);
    }
  }

  async #connect(): Promise<Connection> {
    const connection = await createConnection({ uri: this.#url, connectTimeout: silenceMs });
    // A loss between two statements: the next one notices.
    connection.on('error', () => {});
    return connection;
  }

  close(): void {
    this.#closed = true;
    this.#connection?.destroy();
  }
}

/** Full, going down, or this session of it was killed. */
const lost = [1040, 1053, 1077, 1079, 1203, 1226, 1317, 1927];

/** The server understood and refused: asking again would not help. The errors of sockets have negative numbers. */
function isOfTheStatement(error: unknown): boolean {
  const { errno = 0 } = error as { errno?: number };
  return errno > 0 && !lost.includes(errno);
}
