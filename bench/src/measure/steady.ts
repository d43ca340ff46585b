import { setImmediate as nextTurn } from 'node:timers/promises';
import { median } from './median.js';

export interface SteadyOptions {
  /** How long it is run before anything counts, in ms: until it is compiled. */
  readonly warmUpMs?: number;
  /** How long one repetition takes, in ms, about. */
  readonly repetitionMs?: number;
  readonly repetitions?: number;
  /** Operations of a repetition, at least. */
  readonly least?: number;
}

type Run = (operations: number) => Promise<void> | void;

/**
 * What one operation costs this process, in ns of CPU time: the median of repetitions after a warm-up, so that neither
 * the compiler nor a collection of garbage that one of them happens to pay decides.
 *
 * @param run does so many operations
 */
export async function nsPerOperation(
  run: Run,
  { warmUpMs = 100, repetitionMs = 30, repetitions = 7, least = 1_000 }: SteadyOptions = {},
): Promise<number> {
  const pace = await warmUp(run, warmUpMs * 1e6, least);
  const operations = Math.max(least, Math.round((repetitionMs * 1e6) / pace));
  const costs: number[] = [];
  for (let i = 0; i < repetitions; i++) costs.push(await cpuNs(run, operations));
  return median(costs);
}

/** The clock counts microseconds: so few operations may seem to take none of them, and then there would be no end to what is run. */
const FASTEST_NS = 1;
/** So many times without getting faster: it is compiled. */
const steadyAfter = 5;
const fasterBy = 0.95;
const longestWarmUp = 10;

/** At least so long, and until it gets no faster. @returns what an operation cost at best, in ns */
export async function warmUp(run: Run, ns: number, operations: number): Promise<number> {
  let best = Number.POSITIVE_INFINITY;
  let same = 0;
  for (let spent = 0; spent < ns || (same < steadyAfter && spent < ns * longestWarmUp); ) {
    const pace = Math.max(FASTEST_NS, await cpuNs(run, operations));
    spent += pace * operations;
    same = pace < best * fasterBy ? 0 : same + 1;
    best = Math.min(best, pace);
  }
  return best;
}

/**
 * CPU time and not what the clock says: on a machine that others use too, it is what differs between two pieces of code
 * and not between two moments. The collector's other threads are in it.
 *
 * @returns ns per operation
 */
export async function cpuNs(run: Run, operations: number): Promise<number> {
  const start = process.cpuUsage();
  await run(operations);
  const { user, system } = process.cpuUsage(start);
  // What timers and sockets have to do is done between the repetitions.
  await nextTurn();
  return ((user + system) * 1_000) / operations;
}
