/** One kind of thing in a process of its own: what so many of them keep in the heap. */
import { taskOf } from '../measure/child.js';
import type { ConnectionFacts } from '../measure/server.js';
import { heldOnes } from './held.js';

export interface MemoryTask {
  held: keyof typeof heldOnes;
  counts: readonly number[];
  uri: string;
  connection: ConnectionFacts;
}

export interface Kept {
  /** How many there were, and what each of them kept. */
  bytesEach: [count: number, bytes: number][];
}

/** Not theirs: what the first ones load and set up. */
const SET_UP = 10;

const moment = () => new Promise((resolve) => setTimeout(resolve, 50));

async function heapUsed(): Promise<number> {
  // What has just ended is let go of in later turns.
  for (let i = 0; i < 3; i++) {
    await moment();
    globalThis.gc?.();
  }
  return process.memoryUsage().heapUsed;
}

const { held, counts, uri, connection } = taskOf<MemoryTask>();
const most = SET_UP + (counts.at(-1) ?? 0);
const { more, end } = await heldOnes[held]({ uri, connection, most });
await more(SET_UP);
const before = await heapUsed();
let made = 0;
const bytesEach: Kept['bytesEach'] = [];
for (const count of counts) {
  await more(count - made);
  made = count;
  bytesEach.push([count, ((await heapUsed()) - before) / count]);
}
const result: Kept = { bytesEach };
console.log(JSON.stringify(result));
await end();
process.exit(0);
