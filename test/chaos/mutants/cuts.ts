import type { ContenderFactory } from '../app/contender.js';
import { lending } from '../app/contenders/lending.js';
import { mutated, soundPool } from './over-mysql2.js';
import { timedOut, withTimeout } from './timeout.js';

/** I6: a statement that takes too long is left by cutting its socket, and its place is free at once. */
export const contend: ContenderFactory = async (task, tell) => {
  const pool = await soundPool(task);
  const acquire = async () => {
    const connection = await pool.take();
    const lent = pool.lend(connection);
    const cut = () => {
      connection.destroy();
      return timedOut();
    };
    return { ...lent, query: withTimeout(lent.query, cut) };
  };
  return lending(mutated(pool, { acquire }), tell);
};
