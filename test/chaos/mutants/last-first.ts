import type { ContenderFactory } from '../app/contender.js';
import { lending } from '../app/contenders/lending.js';
import { mutated, soundPool } from './over-mysql2.js';

/** Few, so that requests have to wait. */
const size = 2;

/** I16: who came last is served first. */
export const contend: ContenderFactory = async (task, tell) => {
  const pool = await soundPool(task, size);
  const waiting: Array<() => void> = [];
  let out = 0;
  const acquire = async () => {
    if (out >= size) await new Promise<void>((resolve) => waiting.push(resolve));
    else out++;
    const lent = pool.lend(await pool.take());
    let over = false;
    const release = async () => {
      if (over) return;
      over = true;
      await lent.release();
      const last = waiting.pop();
      if (last) last();
      else out--;
    };
    return { ...lent, release };
  };
  return lending(mutated(pool, { acquire }), tell);
};
