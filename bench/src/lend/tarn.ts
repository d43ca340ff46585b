import { type Connection, createConnection } from 'mysql2/promise';
import { Pool } from 'tarn';
import type { Lender, LenderTask } from './lender.js';

/** mysql2's connections in tarn's pool, set up as knex does it. */
export function openTarn({ url, max, options, queryTimeoutMs: timeout }: LenderTask): Lender {
  const pool = new Pool<Connection>({
    create: () => opened(url),
    validate: isAlive,
    destroy: (connection) => connection.destroy(),
    min: 0,
    max,
    ...options,
  });
  return {
    async acquire() {
      const connection = await pool.acquire().promise;
      return {
        query: (sql) => connection.query(timeout === undefined ? { sql } : { sql, timeout }),
        release: () => pool.release(connection),
      };
    },
    close: () => pool.destroy(),
  };
}

async function opened(url: string): Promise<Connection> {
  const connection = await createConnection({ uri: url });
  // Without a listener the end of an idle connection would end the process.
  connection.on('error', () => {});
  return connection;
}

/** What knex looks at before it hands one out: no round trip. */
function isAlive(connection: Connection): boolean {
  const { state, stream } = (connection as unknown as Wrapper).connection;
  return state === 'authenticated' && !stream.destroyed;
}

/** What mysql2's promises are wrapped around; its types leave it out. */
interface Wrapper {
  connection: { state: string; stream: { destroyed: boolean } };
}
