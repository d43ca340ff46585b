import { createPool, type PoolConnection } from 'mysql2/promise';
import type { Lender, LenderTask, Lent } from './lender.js';

export function openMysql2({ url, max, options, queryTimeoutMs }: LenderTask): Lender {
  const pool = createPool({ uri: url, connectionLimit: max, ...options });
  return {
    acquire: async () => lent(await pool.getConnection(), queryTimeoutMs),
    close: () => pool.end(),
  };
}

function lent(connection: PoolConnection, timeout: number | undefined): Lent {
  if (timeout === undefined) {
    return { query: (sql) => connection.query(sql), release: () => connection.release() };
  }
  let timedOut = false;
  return {
    query: (sql) =>
      connection.query({ sql, timeout }).catch((error) => {
        timedOut ||= error.code === 'PROTOCOL_SEQUENCE_TIMEOUT';
        throw error;
      }),
    // Its statement still runs: to give it to anybody else would be a mistake.
    release: () => (timedOut ? connection.destroy() : connection.release()),
  };
}
