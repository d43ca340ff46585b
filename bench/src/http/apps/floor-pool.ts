import { type Connection, createConnection } from 'mysql2';

/**
 * The least that gives a request a connection: an array of open ones, and one of those who wait. No limit in time, no
 * look at whether a connection lives, nothing is cleaned.
 */
export class FloorPool {
  readonly #idle: Connection[];
  readonly #waiting: Array<(connection: Connection) => void> = [];
  readonly #all: Connection[];

  constructor(uri: string, max = 10) {
    this.#idle = Array.from({ length: max }, () => createConnection(uri));
    this.#all = [...this.#idle];
  }

  take(work: (connection: Connection) => void): void {
    const connection = this.#idle.pop();
    if (connection) work(connection);
    else this.#waiting.push(work);
  }

  giveBack(connection: Connection): void {
    const next = this.#waiting.shift();
    if (next) next(connection);
    else this.#idle.push(connection);
  }

  /** A statement as a promise: the one that an application awaits. */
  query(connection: Connection, sql: string, values: unknown[]): Promise<unknown[]> {
    return new Promise((resolve, reject) => {
      connection.query(sql, values, (error, rows) => {
        if (error) reject(error);
        else resolve(rows as unknown[]);
      });
    });
  }

  end(): void {
    for (const connection of this.#all) connection.end();
  }
}
