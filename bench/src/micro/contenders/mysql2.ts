import mysql from 'mysql2';
import mysqlPromise from 'mysql2/promise';
import type { CallbackPool, PoolSize, PromisePool } from '../contender.js';

/** Nothing in its documentation makes getConnection cheaper: `trace` is about statements. */
export function makeMysql2Callback({ max, connection }: PoolSize): CallbackPool {
  const pool = mysql.createPool({ ...connection, connectionLimit: max });
  const made: CallbackPool<mysql.PoolConnection> = {
    style: 'callback',
    acquire: (done) => pool.getConnection(done),
    release: (lent) => lent.release(),
  };
  return made as CallbackPool;
}

export function makeMysql2Promise({ max, connection }: PoolSize): PromisePool {
  const pool = mysqlPromise.createPool({ ...connection, connectionLimit: max });
  const made: PromisePool<mysqlPromise.PoolConnection> = {
    style: 'promise',
    acquire: () => pool.getConnection(),
    release: (lent) => lent.release(),
  };
  return made as PromisePool;
}
