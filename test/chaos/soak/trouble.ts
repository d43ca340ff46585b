import { setTimeout as sleep } from 'node:timers/promises';
import { runFaults } from '../faults/runner.js';
import { type PlanOptions, plan } from '../faults/schedule.js';
import type { Stage } from '../faults/stage.js';
import type { Child } from '../support/child.js';
import { type FaultName, faultNames } from '../types.js';

const MINUTE_MS = 60_000;
/** Of a process that has just suffered a fault nothing is measured. */
const CALM_AFTER_MS = 10_000;

type Times = Pick<PlanOptions, 'everyMs' | 'healedWindowMs' | 'longestMs'>;

/**
 * One fault after the other: what the first of a kind makes the process compile and fill is there before anything is
 * measured, and is not taken for a leak.
 */
export function closely(durationMs: number): Times {
  return { everyMs: [500, 1_500], healedWindowMs: Math.min(5_000, durationMs / 3), longestMs: 2_000 };
}

/** One a minute, with enough time between them to measure. */
export function oneAMinute(durationMs: number): Times {
  const everyMs = [durationMs / 4, durationMs / 2].map((ms) => Math.round(Math.min(ms, 0.9 * MINUTE_MS)));
  return {
    everyMs: everyMs as [number, number],
    healedWindowMs: Math.min(30_000, durationMs / 3),
    longestMs: 10_000,
  };
}

export interface Sufferer {
  stage: Stage;
  app: Child;
}

/** Faults of every kind, one at a time, for so long. */
export class Trouble {
  readonly faults: FaultName[] = [];
  readonly #sufferer: Sufferer;
  #until = 0;

  constructor(sufferer: Sufferer) {
    this.#sufferer = sufferer;
  }

  /** No fault is at work, nor was a moment ago. */
  get isOver(): boolean {
    return performance.now() > this.#until;
  }

  async run(seed: number, durationMs: number, times: Times, signal: AbortSignal): Promise<void> {
    const { stage, app } = this.#sufferer;
    const injecting = runFaults({
      plan: plan({ seed, durationMs, faults: faultNames, atMost: 1, ...times }),
      stage,
      seed,
      signal,
      onActive: (active) => {
        this.faults.push(...active);
        this.#until = performance.now() + CALM_AFTER_MS;
        if (app.process.connected) app.tell({ kind: 'faults', active });
      },
    });
    await Promise.all([injecting, sleep(durationMs, undefined, { signal }).catch(() => {})]);
    signal.throwIfAborted();
  }
}
