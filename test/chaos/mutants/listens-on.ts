import type { ContenderFactory } from '../app/contender.js';
import { lending } from '../app/contenders/lending.js';
import { mutated, soundPool } from './over-mysql2.js';

/** I10: each lease listens to its connection, and none stops. */
export const contend: ContenderFactory = async (task, tell) => {
  const pool = await soundPool(task);
  const acquire = async () => {
    const connection = await pool.take();
    connection.connection.on('error', () => {});
    return pool.lend(connection);
  };
  return lending(mutated(pool, { acquire }), tell);
};
