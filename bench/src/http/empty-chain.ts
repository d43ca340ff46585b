/**
 * Row 6 in a process of its own: the same chain without a request behind it, once with a middleware or hook that does
 * nothing and once with Handback's, in turns.
 */
import { taskOf } from '../measure/child.js';
import { median } from '../measure/median.js';
import { chains } from './chains.js';
import type { Framework } from './contender.js';

export interface ChainTask {
  framework: Framework;
  uri: string;
}

export interface ChainResult {
  emptyNs: number;
  handbackNs: number;
}

const CALLS = 20_000;
const TURNS = 60;
const WARM_UP_TURNS = 20;

type Chain = () => unknown;

/** CPU time, so that what else runs on the machine does not count. */
async function nsPerCall(chain: Chain): Promise<number> {
  const before = process.cpuUsage();
  for (let call = 0; call < CALLS; call++) {
    const result = chain();
    // Koa's are promises: the next request begins when this one is over.
    if (result instanceof Promise) await result;
  }
  const { user, system } = process.cpuUsage(before);
  return (1000 * (user + system)) / CALLS;
}

const { framework, uri } = taskOf<ChainTask>();
const { empty, handback, close } = await chains[framework](uri);
const turns: { empty: number; handback: number }[] = [];
for (let turn = 0; turn < WARM_UP_TURNS + TURNS; turn++) {
  const first = turn % 2 === 0;
  const before = first ? await nsPerCall(empty) : 0;
  const measured = await nsPerCall(handback);
  turns.push({ empty: first ? before : await nsPerCall(empty), handback: measured });
}
await close();
const kept = turns.slice(WARM_UP_TURNS);
const result: ChainResult = {
  emptyNs: median(kept.map((turn) => turn.empty)),
  handbackNs: median(kept.map((turn) => turn.handback)),
};
console.log(JSON.stringify(result));
