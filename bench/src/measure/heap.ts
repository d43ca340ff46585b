import { GCProfiler } from 'node:v8';
import { median } from './median.js';

/** For `runChild`: the collector never runs while bytes are counted, unless it is asked to. */
export const wholeHeapOptions = ['--expose-gc', '--min-semi-space-size=256', '--max-semi-space-size=256'];

export function collectGarbage(): void {
  if (!globalThis.gc) throw new Error('needs --expose-gc');
  globalThis.gc();
}

export interface AllocationOptions {
  readonly operations?: number;
  readonly repetitions?: number;
  readonly warmUpOperations?: number;
}

/**
 * What one operation allocates in bytes, kept or not: the heap grows by it as long as nothing is collected, which is
 * looked at (a repetition in which the collector ran does not count).
 */
export async function bytesPerOperation(
  run: (operations: number) => Promise<void> | void,
  { operations = 10_000, repetitions = 5, warmUpOperations = 100_000 }: AllocationOptions = {},
): Promise<number> {
  for (let done = 0; done < warmUpOperations; done += operations) await run(operations);
  const sizes: number[] = [];
  for (let i = 0; i < repetitions * 2 && sizes.length < repetitions; i++) {
    const bytes = await allocated(() => run(operations));
    if (bytes !== undefined) sizes.push(bytes / operations);
  }
  if (sizes.length === 0) throw new Error('the garbage collector ran in every repetition');
  return median(sizes);
}

async function allocated(work: () => Promise<void> | void): Promise<number | undefined> {
  collectGarbage();
  const profiler = new GCProfiler();
  profiler.start();
  const before = process.memoryUsage().heapUsed;
  await work();
  const after = process.memoryUsage().heapUsed;
  return profiler.stop().statistics.length === 0 ? after - before : undefined;
}

/** What is kept in bytes for each of `count`, once garbage is collected, while `keep` holds it. */
export async function bytesKept(count: number, keep: () => Promise<void> | void): Promise<number> {
  collectGarbage();
  const before = process.memoryUsage().heapUsed;
  await keep();
  collectGarbage();
  return (process.memoryUsage().heapUsed - before) / count;
}
