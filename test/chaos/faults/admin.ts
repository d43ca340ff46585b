import { setTimeout as delay } from 'node:timers/promises';
import { type Connection, createConnection, type ResultSetHeader, type RowDataPacket } from 'mysql2/promise';

export interface Thread {
  id: number;
  statement: string | null;
}

const ANSWER_MS = 5_000;
const PATIENCE_MS = 15_000;
const PAUSE_MS = 100;

/**
 * A privileged session, straight to the server, that connects again when it is lost. Its statements may therefore run
 * twice: only such that don't mind belong here. It keeps its connection while others can't get one.
 */
export class Admin {
  readonly #url: string;
  #connecting: Promise<Connection> | undefined;
  #closed = false;

  constructor(url: string) {
    this.#url = url;
  }

  /** Tries for 15 s to reach the server; what the server answers, an error included, is the answer. */
  async query<T extends RowDataPacket[] | ResultSetHeader>(sql: string, values: unknown[] = []): Promise<T> {
    const deadline = performance.now() + PATIENCE_MS;
    for (;;) {
      const connecting = this.#connect();
      try {
        const connection = await connecting;
        const [result] = await connection.query<T>({ sql, values, timeout: ANSWER_MS });
        return result;
      } catch (error) {
        if (!isLost(error)) throw error;
        this.#forget(connecting);
        if (this.#closed || performance.now() > deadline) throw error;
      }
      await delay(PAUSE_MS);
    }
  }

  /** The sessions of an account. */
  async threadsOf(user: string): Promise<Thread[]> {
    const rows = await this.query<RowDataPacket[]>(
      'SELECT id AS id, info AS statement FROM information_schema.processlist WHERE user = ?',
      [user],
    );
    return rows.map(({ id, statement }) => ({ id: Number(id), statement: statement as string | null }));
  }

  /** Of all accounts, this one included. */
  async countThreads(): Promise<number> {
    const [row] = await this.query<RowDataPacket[]>(
      'SELECT COUNT(*) AS n FROM information_schema.processlist',
    );
    return Number(row?.n);
  }

  /** A session, or its statement, that is over already is none of our business. */
  async kill(what: 'CONNECTION' | 'QUERY', id: number): Promise<void> {
    await this.query(`KILL ${what} ${id}`).catch((error) => {
      if (error.code !== 'ER_NO_SUCH_THREAD') throw error;
    });
  }

  async killAllOf(user: string): Promise<void> {
    for (const { id } of await this.threadsOf(user)) await this.kill('CONNECTION', id);
  }

  async close(): Promise<void> {
    this.#closed = true;
    const connection = await this.#connecting?.catch(() => undefined); // told to whoever asked for it
    connection?.destroy();
  }

  #connect(): Promise<Connection> {
    this.#connecting ??= this.#open();
    return this.#connecting;
  }

  async #open(): Promise<Connection> {
    const connection = await createConnection({ uri: this.#url, connectTimeout: ANSWER_MS });
    // The next query hears of it.
    connection.on('error', () => {});
    // Whatever the server grants to others.
    await connection.query('SET SESSION wait_timeout = 28800');
    return connection;
  }

  #forget(connecting: Promise<Connection>): void {
    if (this.#connecting === connecting) this.#connecting = undefined;
    connecting.then(
      (connection) => connection.destroy(),
      () => {}, // told to whoever asked for it
    );
  }
}

const LOST = ['ER_CON_COUNT_ERROR', 'ER_SERVER_SHUTDOWN', 'ER_CONNECTION_KILLED'];

/** Did the connection fail, not the statement? */
function isLost(error: unknown): boolean {
  const { code, errno, sqlState } = error as { code?: string; errno?: number; sqlState?: string };
  // The server's errors have a state; the driver's and the socket's have none.
  return LOST.includes(code ?? '') || errno === undefined || sqlState === undefined;
}
