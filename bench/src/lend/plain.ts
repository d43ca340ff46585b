import { createConnection } from 'mysql2';
import type { Lender, LenderTask } from './lender.js';

/** The floor of opening: mysql2's connections with the smallest cache of statements, and no pool at all. */
export function openPlain({ url }: LenderTask): Lender {
  return {
    acquire() {
      const connection = createConnection({ uri: url, maxPreparedStatements: 1 });
      return new Promise((resolve, reject) => {
        connection.once('error', reject);
        connection.connect((error) => {
          if (error) return reject(error);
          resolve({
            query: (sql) =>
              new Promise((done, failed) => {
                connection.query(sql, (reason, rows) => (reason ? failed(reason) : done(rows)));
              }),
            release: () => connection.destroy(),
          });
        });
      });
    },
    async close() {},
  };
}
