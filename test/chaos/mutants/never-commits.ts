import type { ContenderFactory } from '../app/contender.js';
import { lending } from '../app/contenders/lending.js';
import { mutated, soundPool } from './over-mysql2.js';

/** I4: every fifth COMMIT is acknowledged and not sent; what it would have kept is rolled back. */
export const contend: ContenderFactory = async (task, tell) => {
  const pool = await soundPool(task);
  let commits = 0;
  const acquire = async () => {
    const lent = pool.lend(await pool.take());
    return { ...lent, commit: () => (++commits % 5 > 0 ? lent.commit() : lent.rollback()) };
  };
  return lending(mutated(pool, { acquire }), tell);
};
