import type { Readable } from 'node:stream';
import type { Contender, Exchange, Lent, PoolState, Row, Session, Statements, Tell } from '../contender.js';

// A pool that lends connections, used as careful users do: a request takes one on its first query, and gives it back in
// the `finally` of its handler, or when its client has left and nothing runs on it. Late work takes one for itself.

export interface LentConnection extends Statements {
  begin(): Promise<void>;
  commit(): Promise<void>;
  rollback(): Promise<void>;
  stream(sql: string, values: unknown[]): Readable;
  release(): unknown;
}

export interface LendingPool {
  acquire(): Promise<LentConnection>;
  stats(): PoolState;
  inspected: unknown;
  unbalanced?(quiet: boolean): string | undefined;
  close(): Promise<void>;
}

export function lending(pool: LendingPool, tell: Tell): Contender {
  const lend = (exchange: Exchange): Lent => {
    const session = new LentSession(pool, tell);
    exchange.res.once('close', () => session.left());
    return { session, settled: () => session.settled() };
  };
  const { unbalanced } = pool;
  return {
    lend,
    async once(work) {
      const connection = await pool.acquire();
      try {
        return await work(connection);
      } finally {
        await connection.release();
      }
    },
    stats: () => pool.stats(),
    inspected: pool.inspected,
    ...(unbalanced && { unbalanced: (quiet: boolean) => unbalanced.call(pool, quiet) }),
    close: () => pool.close(),
  };
}

class LentSession implements Session {
  readonly #pool: LendingPool;
  readonly #tell: Tell;
  #taking: Promise<LentConnection> | null = null;
  /** The last one that was given back, for who gives it back twice. */
  #last: LentConnection | null = null;
  #running = 0;
  #inTransaction = false;
  #settled = false;
  #streaming = false;
  #left = false;

  constructor(pool: LendingPool, tell: Tell) {
    this.#pool = pool;
    this.#tell = tell;
  }

  query(sql: string, values?: unknown[], timeoutMs?: number): Promise<Row[]> {
    if (this.#settled) return this.#late(sql, values, timeoutMs);
    return this.#run((connection) => connection.query(sql, values, timeoutMs));
  }

  execute(sql: string, values: unknown[]): Promise<Row[]> {
    return this.#run((connection) => connection.execute(sql, values));
  }

  async begin(): Promise<void> {
    await this.#run((connection) => connection.begin());
    this.#inTransaction = true;
  }

  async commit(): Promise<void> {
    await this.#run((connection) => connection.commit());
    this.#inTransaction = false;
  }

  async rollback(): Promise<void> {
    await this.#run((connection) => connection.rollback());
    this.#inTransaction = false;
  }

  async transaction<T>(work: (tx: Statements) => Promise<T>): Promise<T> {
    await this.begin();
    try {
      const result = await work(this);
      await this.commit();
      return result;
    } catch (error) {
      await this.rollback().catch(() => {});
      throw error;
    }
  }

  async stream(sql: string, values: unknown[]): Promise<Readable> {
    const rows = (await this.#take()).stream(sql, values);
    this.#running++;
    this.#streaming = true;
    rows.once('close', () => {
      this.#running--;
      this.#streaming = false;
      if (this.#settled) this.#giveBack();
      else if (this.#left) this.left();
    });
    return rows;
  }

  async release(): Promise<void> {
    if (this.#taking) this.#last = await this.#taking;
    this.#taking = null;
    await this.#last?.release();
  }

  settled(): void {
    this.#settled = true;
    if (!this.#streaming) this.#giveBack();
  }

  left(): void {
    this.#left = true;
    if (this.#running === 0 && !this.#inTransaction) this.#giveBack();
  }

  #giveBack(): void {
    const taking = this.#taking;
    this.#taking = null;
    taking?.then((connection) => connection.release()).catch(() => {});
  }

  async #acquire(): Promise<LentConnection> {
    const granted = this.#tell.asked();
    const connection = await this.#pool.acquire();
    granted();
    return connection;
  }

  #take(): Promise<LentConnection> {
    if (this.#taking) return this.#taking;
    const taking = this.#acquire();
    this.#taking = taking;
    taking.catch(() => {
      if (this.#taking === taking) this.#taking = null;
    });
    return taking;
  }

  async #run<T>(work: (connection: LentConnection) => Promise<T>): Promise<T> {
    this.#running++;
    try {
      return await work(await this.#take());
    } finally {
      this.#running--;
      if (this.#left && !this.#settled) this.left();
    }
  }

  async #late(sql: string, values?: unknown[], timeoutMs?: number): Promise<Row[]> {
    const connection = await this.#acquire();
    try {
      return await connection.query(sql, values, timeoutMs);
    } finally {
      await connection.release();
    }
  }
}
