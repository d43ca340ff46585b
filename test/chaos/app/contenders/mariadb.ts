import { createPool, type Pool, type PoolConnection } from 'mariadb';
import type { ContenderFactory, PoolState, Row } from '../contender.js';
import { addressOf, readPassword } from './connection-options.js';
import { type LentConnection, lending } from './lending.js';

/** The pool of MariaDB's own connector. Its password can't be a function: what was read at the start stays. */
export const contend: ContenderFactory = async (task, tell) => {
  const { acquireTimeoutMs } = task.deadlines;
  const pool = createPool({
    ...addressOf(task),
    password: await readPassword(task),
    connectionLimit: task.max,
    acquireTimeout: acquireTimeoutMs,
    insertIdAsNumber: true,
    bigIntAsNumber: true,
    logger: { error: (error) => tell.said('an error that its pool logs', error) },
  });
  return lending(
    {
      acquire: async () => lent(await pool.getConnection()),
      stats: () => stateOf(pool, task.max),
      inspected: pool,
      close: () => pool.end(),
    },
    tell,
  );
};

function stateOf(pool: Pool, max: number): PoolState {
  return {
    max,
    open: pool.totalConnections(),
    leased: pool.activeConnections(),
    pending: pool.taskQueueSize(),
  };
}

function lent(connection: PoolConnection): LentConnection {
  return {
    query: (sql, values = [], timeout) =>
      connection.query(timeout === undefined ? { sql } : { sql, timeout }, values) as Promise<Row[]>,
    execute: (sql, values) => connection.execute(sql, values) as Promise<Row[]>,
    begin: () => connection.beginTransaction(),
    commit: () => connection.commit(),
    rollback: () => connection.rollback(),
    stream: (sql, values) => connection.queryStream(sql, values),
    release: () => connection.release(),
  };
}
