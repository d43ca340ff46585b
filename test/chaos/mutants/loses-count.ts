import type { ContenderFactory } from '../app/contender.js';
import { lending } from '../app/contenders/lending.js';
import { mutated, soundPool } from './over-mysql2.js';

/** I17: every fifth acquire is not counted, and each release is. */
export const contend: ContenderFactory = async (task, tell) => {
  const pool = await soundPool(task);
  let leases = 0;
  let acquired = 0;
  let released = 0;
  const acquire = async () => {
    const lent = pool.lend(await pool.take());
    if (++leases % 5 > 0) acquired++;
    let over = false;
    const release = async () => {
      if (!over) released++;
      over = true;
      await lent.release();
    };
    return { ...lent, release };
  };
  const unbalanced = () => {
    const out = acquired - released;
    const { leased } = pool.stats();
    return out < leased ? `acquired - released = ${out}, leased = ${leased}` : undefined;
  };
  return lending(mutated(pool, { acquire, unbalanced }), tell);
};
