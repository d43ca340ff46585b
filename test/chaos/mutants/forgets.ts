import type { ContenderFactory } from '../app/contender.js';
import { lending } from '../app/contenders/lending.js';
import { mutated, soundPool } from './over-mysql2.js';

/** I8: now and then a lease is forgotten; one more connection is made for each, so that the load goes on. */
export const contend: ContenderFactory = async (task, tell) => {
  const pool = await soundPool(task, task.max - 2);
  let leases = 0;
  const acquire = async () => {
    const lent = pool.lend(await pool.take());
    const forgotten = ++leases === 20 || leases === 40;
    return forgotten ? { ...lent, release: () => {} } : lent;
  };
  return lending(mutated(pool, { acquire }), tell);
};
