import { areCompatible } from './faults/rules.js';
import type { PlannedFault } from './faults/schedule.js';
import { Random } from './random.js';
import type { FaultName } from './types.js';

/** Those that need the least time to hurt. */
export const fastFaults: readonly FaultName[] = [
  'blackhole',
  'rst',
  'fin',
  'cut',
  'truncate',
  'duplicate-reply',
  'swallow-commit',
  'kill',
  'kill-query',
  'restart',
  'client-aborts',
  'pipelines',
];

const lastsMs = 900;
/** An outage in which connection attempts can be counted for a second. */
const outageMs = 2_000;
const healMs = 300;

/** Each fault once, two at a time where they don't undo each other, in two rounds. */
export function planSmoke(seed: number, faults: readonly FaultName[] = fastFaults): PlannedFault[][] {
  const steps = pairs(new Random(seed).sample(faults));
  const half = Math.ceil(steps.length / 2);
  return [steps.slice(0, half), steps.slice(half)].map(inTurn);
}

/** The first with the next that it can be paired with. */
function pairs(faults: FaultName[]): FaultName[][] {
  const [first, ...others] = faults;
  if (first === undefined) return [];
  const second = others.find((other) => areCompatible(first, other));
  const rest = others.filter((other) => other !== second);
  return [second === undefined ? [first] : [first, second], ...pairs(rest)];
}

function inTurn(steps: FaultName[][]): PlannedFault[] {
  let at = 0;
  return steps.flatMap((step) => {
    const stepMs = step.includes('restart') ? outageMs : lastsMs;
    const planned = step.map((fault) => ({ at, fault, lastsMs: stepMs }));
    at += stepMs + healMs;
    return planned;
  });
}
