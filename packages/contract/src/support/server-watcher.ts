import { type Connection, createConnection, type RowDataPacket } from 'mysql2/promise';
import { databaseUrl } from './database.js';

export interface Thread {
  id: number;
  statement: string | null;
}

/**
 * What the server had sent by now to anybody in this process has been read. Of two sockets with news the one with the
 * later may come first: a connection that the server no longer has would still look alive here.
 */
function allIsRead(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
}

/** The server's own word on what our user's sessions do, over a connection that no pool knows. */
export class ServerWatcher {
  readonly #connection: Connection;

  private constructor(connection: Connection) {
    this.#connection = connection;
  }

  static async open(): Promise<ServerWatcher> {
    return new ServerWatcher(await createConnection(databaseUrl()));
  }

  /** Every session of our user but this one. */
  async threads(): Promise<Thread[]> {
    const [rows] = await this.#connection.query<RowDataPacket[]>(
      `SELECT id, info AS statement FROM information_schema.processlist
       WHERE id <> CONNECTION_ID() AND SUBSTRING_INDEX(CURRENT_USER(), '@', 1) = user`,
    );
    await allIsRead();
    return rows.map((row) => ({ id: Number(row.id ?? row.ID), statement: row.statement as string | null }));
  }

  /** Every session of an account. */
  async threadsOf(user: string): Promise<Thread[]> {
    const [rows] = await this.#connection.query<RowDataPacket[]>(
      'SELECT id AS id, info AS statement FROM information_schema.processlist WHERE user = ?',
      [user],
    );
    await allIsRead();
    return rows.map(({ id, statement }) => ({ id: Number(id), statement: statement as string | null }));
  }

  /** The sessions that run a statement containing `text` at this moment. */
  async running(text: string): Promise<Thread[]> {
    return (await this.threads()).filter((thread) => thread.statement?.includes(text));
  }

  /** The one session that runs a statement containing `text`; throws while there is none. */
  async runner(text: string): Promise<Thread> {
    const [thread] = await this.running(text);
    if (!thread) throw new Error(`no session runs ${text}`);
    return thread;
  }

  async isConnected(id: number): Promise<boolean> {
    return (await this.threads()).some((thread) => thread.id === id);
  }

  /** Ends a statement that a test made long on purpose. Already over: nothing to do. */
  async interrupt(id: number): Promise<void> {
    await this.#connection.query(`KILL QUERY ${id}`).catch(() => {});
  }

  async disconnect(id: number): Promise<void> {
    await this.#connection.query(`KILL CONNECTION ${id}`).catch(() => {});
  }

  async close(): Promise<void> {
    await this.#connection.end();
  }
}
