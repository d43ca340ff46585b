import type { ContenderFactory } from '../app/contender.js';
import { lending } from '../app/contenders/lending.js';
import { mutated, soundPool } from './over-mysql2.js';

const hourMs = 3_600_000;

/** I12: each lease has a timer for its end, and none is cleared. */
export const contend: ContenderFactory = async (task, tell) => {
  const pool = await soundPool(task);
  const acquire = async () => {
    const lent = pool.lend(await pool.take());
    setTimeout(() => lent.release(), hourMs);
    return lent;
  };
  return lending(mutated(pool, { acquire }), tell);
};
