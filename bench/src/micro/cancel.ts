import { median } from '../measure/median.js';
import { cpuNs } from '../measure/steady.js';
import type { AnyPool, Cancellable } from './contender.js';

const leastWaiters = 10_000;

/** What calling off one of so many waiters costs in ns, in random order, until each has been told: `ns1000`, … */
export async function cancelled(pool: AnyPool, sizes: readonly number[]): Promise<Record<string, number>> {
  if (pool.style !== 'promise' || !pool.acquireCancellable)
    throw new Error('its waiters can not be called off');
  const ask = pool.acquireCancellable.bind(pool);
  const measured: Record<string, number> = {};
  for (let i = 0; i < 5; i++) await nsPerCancel(ask, sizes[0] as number); // compiled by then
  for (const waiters of sizes) {
    const costs: number[] = [];
    // Few take so little time that one measurement says little.
    for (let done = 0; done < leastWaiters; done += waiters) costs.push(await nsPerCancel(ask, waiters));
    measured[`ns${waiters}`] = median(costs);
  }
  return measured;
}

async function nsPerCancel(ask: () => Cancellable, waiters: number): Promise<number> {
  const all = shuffled(Array.from({ length: waiters }, ask));
  const told = Promise.all(all.map(({ settled }) => settled.then(unexpected, () => {})));
  return cpuNs(async () => {
    for (const one of all) one.cancel();
    await told;
  }, waiters);
}

function unexpected(): never {
  throw new Error('it was called off, and got a connection');
}

/** The same order in each run. */
function shuffled<Item>(items: Item[]): Item[] {
  let state = 1;
  for (let i = items.length - 1; i > 0; i--) {
    state = (state * 48_271) % 2_147_483_647;
    const j = state % (i + 1);
    [items[i], items[j]] = [items[j] as Item, items[i] as Item];
  }
  return items;
}
