import { bytesPerOperation, wholeHeapOptions } from '../measure/heap.js';
import { nsPerOperation } from '../measure/steady.js';
import { bursts } from './bursts.js';
import { cancelled } from './cancel.js';
import type { AnyPool } from './contender.js';
import { contendedLoop, fill, hold, idleLoop, syncLoop } from './loops.js';
import type { Measured } from './measured.js';
import { bytesPerWaiter, timersPerWaiter } from './waiters.js';

export interface Scenario {
  /** Connections of the pool. */
  readonly max: number;
  /** The most that will wait. */
  readonly waiters: number;
  /** Node's own. */
  readonly nodeOptions?: string[];
  run(pool: AnyPool): Promise<Measured>;
}

const size = 10;

/** `max` connections, of which all but one are lent out while that one goes back and forth. */
function inUse(max: number): Scenario {
  return {
    max,
    waiters: max,
    async run(pool) {
      await hold(pool, max - 1);
      await fill(pool, 1);
      return { ns: await nsPerOperation(idleLoop(pool)) };
    },
  };
}

function contended(callers: number): Scenario {
  return {
    max: size,
    waiters: callers,
    async run(pool) {
      await fill(pool, size);
      // Each caller has several turns, so that beginning and ending weigh little.
      const loop = contendedLoop(pool, callers);
      return { ns: await nsPerOperation(loop, { least: Math.max(5_000, callers * 4), repetitions: 3 }) };
    },
  };
}

export const scenarios = {
  idle: {
    max: size,
    waiters: size,
    async run(pool) {
      await fill(pool, size);
      return { ns: await nsPerOperation(idleLoop(pool)) };
    },
  },
  idleBytes: {
    max: size,
    waiters: size,
    nodeOptions: wholeHeapOptions,
    async run(pool) {
      await fill(pool, size);
      return { bytes: await bytesPerOperation(idleLoop(pool)) };
    },
  },
  sync: {
    max: size,
    waiters: size,
    async run(pool) {
      await fill(pool, size);
      return { ns: await nsPerOperation(syncLoop(pool)) };
    },
  },
  syncBytes: {
    max: size,
    waiters: size,
    nodeOptions: wholeHeapOptions,
    async run(pool) {
      await fill(pool, size);
      return { bytes: await bytesPerOperation(syncLoop(pool)) };
    },
  },
  contended100: contended(100),
  contended10000: contended(10_000),
  burst: {
    max: size,
    waiters: 100_000,
    async run(pool) {
      await fill(pool, size);
      return bursts(pool, [1_000, 10_000, 100_000]);
    },
  },
  waiters: {
    max: size,
    waiters: 100_000,
    nodeOptions: wholeHeapOptions,
    async run(pool) {
      await hold(pool, size);
      const timers = await timersPerWaiter(pool, 1_000);
      return { timers, bytes: await bytesPerWaiter(pool, 50_000) };
    },
  },
  cancel: {
    max: size,
    waiters: 100_000,
    async run(pool) {
      await hold(pool, size);
      return cancelled(pool, [1_000, 10_000, 100_000]);
    },
  },
  inUse10: inUse(10),
  inUse1000: inUse(1_000),
} as const satisfies Record<string, Scenario>;

export type ScenarioId = keyof typeof scenarios;
