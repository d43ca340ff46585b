import { setTimeout as sleep } from 'node:timers/promises';
import type { ContenderFactory } from '../app/contender.js';
import { lending } from '../app/contenders/lending.js';
import { mutated, soundPool } from './over-mysql2.js';

const pauseMs = 2;

/** I14: who gets no connection asks for one again, at once, until its time is over. */
export const contend: ContenderFactory = async (task, tell) => {
  const pool = await soundPool(task);
  const acquire = async () => {
    const end = performance.now() + task.deadlines.acquireTimeoutMs;
    for (;;) {
      try {
        return pool.lend(await pool.take());
      } catch (error) {
        if (performance.now() > end) throw error;
        await sleep(pauseMs);
      }
    }
  };
  return lending(mutated(pool, { acquire }), tell);
};
