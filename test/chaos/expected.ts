import { isLongOutage } from './fault-log.js';
import type { PlannedFault } from './faults/schedule.js';
import type { Invariant } from './types.js';
import { allInvariants } from './verdict.js';

/** What a run with these faults must have looked at: a storm only where there is an outage to storm in. */
export function expectedUnder(planned: readonly PlannedFault[]): Invariant[] {
  const hasOutage = planned.some(isLongOutage);
  return allInvariants.filter((invariant) => invariant !== 'I14' || hasOutage);
}
