import { createPool, type PoolConnection } from 'mysql2/promise';
import type { PoolState } from '../app/contender.js';
import { addressOf, readPassword } from '../app/contenders/connection-options.js';
import type { LendingPool, LentConnection } from '../app/contenders/lending.js';
import { lent } from '../app/contenders/mysql2.js';
import type { AppTask } from '../types.js';

/** A pool that is right but for what a mutant changes: mysql2's, which clears each session before it lends it again. */
export async function soundPool(task: AppTask, size = task.max) {
  const pool = createPool({
    ...addressOf(task),
    password: await readPassword(task),
    connectionLimit: size,
    flags: ['-IGNORE_SPACE'],
  });
  let leased = 0;
  let pending = 0;
  const give = async (connection: PoolConnection) => {
    try {
      await connection.query('USE chaos');
      await connection.query('SET NAMES utf8mb4');
      await connection.reset();
      connection.release();
    } catch {
      connection.destroy();
    }
  };
  return {
    inspected: undefined,
    stats: (): PoolState => ({ max: size, open: leased, leased, pending }),
    close: () => pool.end(),
    async take(): Promise<PoolConnection> {
      pending++;
      try {
        const connection = await pool.getConnection();
        leased++;
        return connection;
      } finally {
        pending--;
      }
    },
    /** Only the first time counts. */
    lend(connection: PoolConnection): LentConnection {
      let over = false;
      const release = async () => {
        if (over) return;
        over = true;
        leased--;
        await give(connection);
      };
      return { ...lent(connection), release };
    },
  };
}

export type SoundPool = Awaited<ReturnType<typeof soundPool>>;

/** The sound one, with some of it replaced. */
export function mutated(pool: SoundPool, wrong: Partial<LendingPool>): LendingPool {
  const acquire = async () => pool.lend(await pool.take());
  const { inspected, stats, close } = pool;
  return { acquire, inspected, stats, close, ...wrong };
}
