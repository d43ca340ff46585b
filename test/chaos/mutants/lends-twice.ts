import type { ContenderFactory } from '../app/contender.js';
import { lending } from '../app/contenders/lending.js';
import { mutated, soundPool } from './over-mysql2.js';

/** I1: every fifth request gets the connection that the one before it has. */
export const contend: ContenderFactory = async (task, tell) => {
  const pool = await soundPool(task);
  let last = await pool.take();
  let asked = 0;
  const acquire = async () => {
    if (++asked % 5 > 0) last = await pool.take();
    return pool.lend(last);
  };
  return lending(mutated(pool, { acquire }), tell);
};
