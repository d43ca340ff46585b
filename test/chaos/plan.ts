import { type PlannedFault, type PlanOptions, plan } from './faults/schedule.js';
import { recoveryWindowMs } from './recovery.js';

/** To start the processes, to let the load end, to look at what is left. */
const overheadMs = 8_000;

/** How the time of one contender on one framework is spent: about a minute of faults at a time, at least twice. */
export function planPhase(
  phaseMs: number,
  options: Pick<PlanOptions, 'seed' | 'faults'>,
): { warmUpMs: number; baselineMs: number; rounds: PlannedFault[][] } {
  const warmUpMs = 3_000;
  const baselineMs = 10_000;
  const forRounds = Math.max(2 * (recoveryWindowMs + 4_000), phaseMs - overheadMs - warmUpMs - baselineMs);
  const rounds = Math.max(2, Math.round(forRounds / 60_000));
  const roundMs = Math.floor(forRounds / rounds);
  const planned = plan({
    ...options,
    durationMs: rounds * roundMs,
    healedWindowEveryMs: roundMs,
    healedWindowMs: recoveryWindowMs,
  });
  return { warmUpMs, baselineMs, rounds: split(planned, rounds, roundMs) };
}

/** The faults of each round, from its start. */
export function split(planned: PlannedFault[], rounds: number, roundMs: number): PlannedFault[][] {
  return Array.from({ length: rounds }, (_, round) =>
    planned
      .filter(({ at }) => Math.floor(at / roundMs) === round)
      .map((fault) => ({ ...fault, at: fault.at - round * roundMs })),
  );
}
