import type { LenderTask } from '../lend/lender.js';
import { Worker } from '../measure/worker.js';
import type { Call } from './call.js';
import type { CallerTask } from './caller.js';

export interface CallerOf extends Pick<LenderTask, 'kind' | 'options' | 'queryTimeoutMs'> {
  name: string;
}

export interface CallPlan {
  callers: readonly CallerOf[];
  url: string;
  max: number;
  /** Of each of them. */
  perSecond: number;
  sql: string;
  signal: AbortSignal;
}

/**
 * All of them call at the same time, each from its own process and pool, while `fault` does what it does to the server
 * that they share: so the same happens to all.
 *
 * @returns the calls of each, by name
 */
export async function callDuring<T>(
  plan: CallPlan,
  { fault, settleMs }: { fault: () => Promise<T>; settleMs: number },
): Promise<{ fault: T; calls: Map<string, Call[]> }> {
  const workers: [string, Worker][] = [];
  try {
    for (const { name, ...settings } of plan.callers) {
      const { url, max, perSecond, sql, signal } = plan;
      const task: CallerTask = { lender: { url, max, ...settings }, perSecond, sql };
      const program = new URL('./caller.js', import.meta.url);
      workers.push([name, await Worker.start({ program, task, signal })]);
    }
    await Promise.all(workers.map(([, worker]) => worker.ask('start')));
    const happened = await fault();
    const calls = workers.map(
      async ([name, worker]) => [name, await worker.ask<Call[]>('stop', settleMs)] as const,
    );
    return { fault: happened, calls: new Map(await Promise.all(calls)) };
  } finally {
    await Promise.all(workers.map(([, worker]) => worker.end()));
  }
}
