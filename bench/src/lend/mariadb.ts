import { createPool } from 'mariadb';
import type { Lender, LenderTask } from './lender.js';

export function openMariadb({ url, max, options, queryTimeoutMs }: LenderTask): Lender {
  const { hostname: host, port, username: user, password, pathname } = new URL(url);
  const database = pathname.slice(1);
  const pool = createPool({
    ...{ host, port: Number(port), user, password: decodeURIComponent(password) },
    ...(database && { database }),
    connectionLimit: max,
    ...options,
  });
  return {
    async acquire() {
      const connection = await pool.getConnection();
      return {
        query: (sql) =>
          connection.query(queryTimeoutMs === undefined ? sql : { sql, timeout: queryTimeoutMs }),
        release: () => connection.release(),
      };
    },
    close: () => pool.end(),
  };
}
