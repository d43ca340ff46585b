import { setTimeout as sleep } from 'node:timers/promises';
import { type Lender, type LenderTask, openLender } from '../lend/lender.js';
import { taskOf } from '../measure/child.js';

// Opens many connections at once, in a process that has done nothing else but open a few before.

export interface OpenTask extends LenderTask {
  count: number;
}

export interface Opened {
  wallMs: number;
  /** User and system time of this process. */
  cpuMs: number;
  /** Of the heap, per connection, after a collection. */
  heapBytes: number;
}

const { count, ...lenderTask } = taskOf<OpenTask>();
const FEW = 5;

function heapUsed(): number {
  globalThis.gc?.();
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

async function openAll(lender: Lender, many: number) {
  return Promise.all(Array.from({ length: many }, () => lender.acquire()));
}

/** The code is loaded and has run before it is measured: it is not what a connection costs. */
async function practise(): Promise<void> {
  const lender = openLender({ ...lenderTask, max: FEW });
  const few = await openAll(lender, FEW);
  await Promise.all(few.map((lent) => lent.query('SELECT 1')));
  await Promise.all(few.map((lent) => lent.release()));
  await lender.close();
  await sleep(100);
}

await practise();
const lender = openLender({ ...lenderTask, max: count });
const heapBefore = heapUsed();
const cpuBefore = process.cpuUsage();
const start = performance.now();
const all = await openAll(lender, count);
const wallMs = performance.now() - start;
const { user, system } = process.cpuUsage(cpuBefore);
// What the opening itself has left behind is gone by then.
await sleep(100);
const heapBytes = (heapUsed() - heapBefore) / all.length;
const opened: Opened = { wallMs, cpuMs: (user + system) / 1_000, heapBytes };
process.stdout.write(`${JSON.stringify(opened)}\n`, () => process.exit());
