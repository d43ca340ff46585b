import type { Queue, Waits } from './estimate.js';
import { offeredBy } from './estimate.js';
import { holdTimes } from './hold-times.js';
import { exponential, randomNumbers } from './random.js';

export interface Simulated extends Waits {
  /** Requests that were looked at, the warm-up not among them. */
  readonly requests: number;
  /** The mean wait lies within plus or minus this in 95 of 100 runs, in milliseconds. */
  readonly errorMs: number;
}

const FEWEST = 400_000;
const MOST = 4_000_000;
const WARM_UP = 0.1;
const BATCHES = 20;
/** Student's t, 95 %, for the batches. */
const T = 2.093;

/** Requests arrive at random, wait in one line, and take the connection that is free first. `undefined` where the line never ends. */
export function simulate(queue: Queue, seed: number): Simulated | undefined {
  if (offeredBy(queue) >= queue.servers) return undefined;
  const requests = requestsFor(queue);
  const waits = waitsOf(queue, Math.ceil(requests * (1 + WARM_UP)), seed).subarray(-requests);
  return summary(waits, queue.rate);
}

/** Many times as many as one crowd has: the fuller, the longer it lasts; and as many as come in a thousand hold times. */
function requestsFor(queue: Queue): number {
  const offered = offeredBy(queue);
  const load = offered / queue.servers;
  const crowd = load / (1 - Math.sqrt(load)) ** 2;
  return Math.ceil(Math.min(MOST, Math.max(FEWEST, 100 * crowd, 1_000 * offered)));
}

function waitsOf({ servers, rate, holdMs, cv }: Queue, requests: number, seed: number): Float64Array {
  const random = randomNumbers(seed);
  const hold = holdTimes(random, holdMs, cv);
  const free = new EarliestFirst(servers);
  const waits = new Float64Array(requests);
  let now = 0;
  for (let n = 0; n < requests; n++) {
    now += exponential(random, 1_000 / rate);
    const start = Math.max(now, free.earliest);
    free.replaceEarliest(start + hold());
    waits[n] = start - now;
  }
  return waits;
}

function summary(waits: Float64Array, rate: number): Simulated {
  const errorMs = errorOf(waits);
  const meanMs = mean(waits);
  const sorted = waits.toSorted();
  const ofNone = firstAbove(0, sorted);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return {
    waiting: (waits.length - ofNone) / waits.length,
    meanMs,
    p95Ms: at(0.95),
    p99Ms: at(0.99),
    queued: (rate * meanMs) / 1_000,
    requests: waits.length,
    errorMs,
  };
}

/** Waits that follow each other are alike; means of long stretches are not. */
function errorOf(waits: Float64Array): number {
  const length = Math.floor(waits.length / BATCHES);
  const means = Array.from({ length: BATCHES }, (_, n) => mean(waits.subarray(n * length, (n + 1) * length)));
  const middle = means.reduce((sum, each) => sum + each, 0) / BATCHES;
  const squares = means.reduce((sum, each) => sum + (each - middle) ** 2, 0);
  return T * Math.sqrt(squares / (BATCHES - 1) / BATCHES);
}

/** A loop: of millions of numbers a function for each takes most of the time. */
function mean(waits: Float64Array): number {
  let sum = 0;
  for (let n = 0; n < waits.length; n++) sum += waits[n] as number;
  return sum / waits.length;
}

/** Where in a sorted list they begin; its length where none is. */
function firstAbove(limit: number, sorted: Float64Array): number {
  let from = 0;
  let to = sorted.length;
  while (from < to) {
    const middle = (from + to) >> 1;
    if ((sorted[middle] as number) > limit) to = middle;
    else from = middle + 1;
  }
  return from;
}

/** When each connection is free again: a heap with the earliest on top. */
class EarliestFirst {
  readonly #times: Float64Array;

  constructor(count: number) {
    this.#times = new Float64Array(count);
  }

  get earliest(): number {
    return this.#times[0] as number;
  }

  replaceEarliest(time: number): void {
    const times = this.#times;
    let at = 0;
    for (let child = 1; child < times.length; child = 2 * at + 1) {
      if (child + 1 < times.length && (times[child + 1] as number) < (times[child] as number)) child++;
      if ((times[child] as number) >= time) break;
      times[at] = times[child] as number;
      at = child;
    }
    times[at] = time;
  }
}
