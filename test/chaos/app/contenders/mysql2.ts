import type { Readable } from 'node:stream';
import { createPool, type PoolConnection, type PoolOptions } from 'mysql2';
import type { PoolConnection as PromiseConnection } from 'mysql2/promise';
import type { ContenderFactory, PoolState, Row } from '../contender.js';
import { addressOf, readPassword } from './connection-options.js';
import { type LendingPool, type LentConnection, lending } from './lending.js';

/** mysql2's pool with its defaults. Its password can't be a function: what was read at the start stays. */
export const contend: ContenderFactory = async (task, tell) => {
  const pool = mysql2Pool({
    ...addressOf(task),
    password: await readPassword(task),
    connectionLimit: task.max,
  });
  return lending(pool, tell);
};

/** For the contenders that are this pool with something wrong in it. */
export function mysql2Pool(options: PoolOptions): LendingPool {
  const pool = createPool(options);
  const promises = pool.promise();
  return {
    acquire: async () => lent(await promises.getConnection()),
    stats: () => stateOf(pool, options.connectionLimit ?? 10),
    inspected: pool,
    close: () => promises.end(),
  };
}

/** What its pool has no public name for. */
interface Internals {
  _allConnections: { length: number };
  _freeConnections: { length: number };
  _connectionQueue: { length: number };
}

function stateOf(pool: unknown, max: number): PoolState {
  const { _allConnections: all, _freeConnections: free, _connectionQueue: queue } = pool as Internals;
  return { max, open: all.length, leased: all.length - free.length, pending: queue.length };
}

export function lent(connection: PromiseConnection): LentConnection {
  return {
    async query(sql, values = [], timeout) {
      const [rows] = await connection.query(timeout === undefined ? { sql } : { sql, timeout }, values);
      return rows as Row[];
    },
    async execute(sql, values) {
      const [rows] = await connection.execute(sql, values as never[]);
      return rows as Row[];
    },
    begin: () => connection.beginTransaction(),
    commit: () => connection.commit(),
    rollback: () => connection.rollback(),
    stream: (sql, values) => rowsOf(connection.connection as unknown as PoolConnection, sql, values),
    release: () => connection.release(),
  };
}

function rowsOf(connection: PoolConnection, sql: string, values: unknown[]): Readable {
  return connection.query(sql, values).stream();
}
