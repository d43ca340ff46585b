import { median } from '../measure/median.js';
import { cpuNs, warmUp } from '../measure/steady.js';
import type { AnyPool } from './contender.js';
import { burst } from './loops.js';
import type { Measured } from './measured.js';

const budgetNs = 400e6;
const warmUpNs = 100e6;

/** What a waiter costs in ns, by how many there are at once: `ns1000`, `ns10000`, … */
export async function bursts(pool: AnyPool, sizes: readonly number[]): Promise<Measured> {
  const run = burst(pool);
  const measured: Measured = {};
  for (const waiters of sizes) {
    // A pool that gives up on so many may well have served fewer.
    measured[`ns${waiters}`] = await nsPerWaiter(run, waiters).catch((error: Error) => error.message);
    if (typeof measured[`ns${waiters}`] === 'string') break;
  }
  return measured;
}

/** Those that need seconds for a burst get one; the smaller ones before it have warmed it up. */
async function nsPerWaiter(run: (waiters: number) => Promise<void>, waiters: number): Promise<number> {
  const pace = await warmUp(run, warmUpNs, waiters);
  const repetitions = Math.min(25, Math.floor(budgetNs / (pace * waiters)));
  if (repetitions === 0) return pace;
  const costs: number[] = [];
  for (let i = 0; i < repetitions; i++) costs.push(await cpuNs(run, waiters));
  return median(costs);
}
