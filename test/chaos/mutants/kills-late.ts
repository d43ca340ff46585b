import { setTimeout as sleep } from 'node:timers/promises';
import { createConnection } from 'mysql2/promise';
import type { ContenderFactory } from '../app/contender.js';
import { addressOf, readPassword } from '../app/contenders/connection-options.js';
import { lending } from '../app/contenders/lending.js';
import { mutated, soundPool } from './over-mysql2.js';
import { timedOut, withTimeout } from './timeout.js';

/** I11: nobody waits for the KILL QUERY of a statement that took too long; to be sure it is sent more than once. */
export const contend: ContenderFactory = async (task, tell) => {
  const pool = await soundPool(task);
  const killer = await createConnection({ ...addressOf(task), password: await readPassword(task) });
  const kill = async (threadId: number) => {
    for (let time = 0; time < 20; time++) {
      await killer.query(`KILL QUERY ${threadId}`).catch(() => {});
      await sleep(5);
    }
  };
  const acquire = async () => {
    const connection = await pool.take();
    const lent = pool.lend(connection);
    const late = () => {
      void kill(connection.threadId);
      return timedOut();
    };
    return { ...lent, query: withTimeout(lent.query, late) };
  };
  return lending(mutated(pool, { acquire }), tell);
};
