import { readFile } from 'node:fs/promises';
import type { RowDataPacket } from 'mysql2/promise';
import type { Database } from './server.js';

const CLOSE_WAIT = '08';

export interface Thread {
  readonly id: number;
  readonly user: string;
  readonly command: string;
  readonly statement: string | null;
}

/** What an operator asks the server, and the system. */
export class Operator {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  get #connection() {
    return this.#database.console;
  }

  /** `show full processlist`, without the server's own threads and this session. */
  async threads(): Promise<Thread[]> {
    const [rows] = await this.#connection.query<RowDataPacket[]>('SHOW FULL PROCESSLIST');
    return rows
      .filter(({ User }) => ['shop', 'billing'].includes(User))
      .map(({ Id, User, Command, Info }) => ({ id: Id, user: User, command: Command, statement: Info }));
  }

  /** `show global status like '…'`: a number. */
  async status(name: string): Promise<number> {
    const [rows] = await this.#connection.query<RowDataPacket[]>('SHOW GLOBAL STATUS LIKE ?', [name]);
    return Number(rows[0]?.Value);
  }

  /** `select count(*) from information_schema.innodb_trx`; asked again within 100 ms, the server says the same as before. */
  async openTransactions(): Promise<number> {
    const [rows] = await this.#connection.query<RowDataPacket[]>(
      'SELECT COUNT(*) AS count FROM information_schema.innodb_trx',
    );
    return Number(rows[0]?.count);
  }

  /** `lsof -i:3306`: sockets that the server has closed and the application has not. Known on Linux only. */
  async socketsInCloseWait(): Promise<number | undefined> {
    const table = await readFile('/proc/net/tcp', 'utf8').catch(() => undefined);
    const server = `:${this.#database.server.port.toString(16).toUpperCase().padStart(4, '0')}`;
    return table?.split('\n').filter((line) => {
      const [, , remote = '', state] = line.trim().split(/\s+/);
      return remote.endsWith(server) && state === CLOSE_WAIT;
    }).length;
  }

  /** `kill …`, each of them, until none is left. @returns how many there were at first */
  async killAll(): Promise<number> {
    const all = await this.threads();
    for (let left = all; left.length > 0; left = await this.threads())
      for (const { id } of left) await this.#connection.query(`KILL ${id}`).catch(() => {});
    return all.length;
  }

  /** Ends what an application has left on the server, its rows too. */
  async clear(): Promise<void> {
    await this.killAll();
    await this.#connection.query('DELETE FROM shop.orders');
  }
}

/** The process list, with how many there are of a kind. */
export function grouped(threads: readonly Thread[]): string[] {
  const kinds = new Map<string, number>();
  for (const { user, command, statement } of threads) {
    const kind = `${user.padEnd(8)} ${command.padEnd(8)} ${statement ?? 'NULL'}`;
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  }
  const lines = [...kinds]
    .sort(([, a], [, b]) => b - a)
    .map(([kind, count]) => `${String(count).padStart(3)} × ${kind}`);
  return ['      User     Command  Info', ...lines];
}
