import type { Look } from './evidence.js';
import type { Span } from './types.js';

/** Attempts per second that a server that is down has to bear from one pool while somebody waits: see docs/faults.md. */
export const attemptsPerSecond = 25;
/** The pool needs a moment to find out; what was under way until then is no storm. */
const noticeMs = 500;

/** I14: one look per whole second of an outage, at when the proxy took connections. */
export function lookAtAttempts(acceptedAt: number[], outages: Span[]): Look[] {
  return outages.flatMap(({ from, to }) => {
    const looks: Look[] = [];
    for (let start = from + noticeMs; start + 1_000 <= to; start += 1_000) {
      const attempts = acceptedAt.filter((at) => at >= start && at < start + 1_000).length;
      looks.push({
        invariant: 'I14',
        beyond: attempts > attemptsPerSecond,
        detail: `${attempts} connection attempts in one second of an outage, ${attemptsPerSecond} allowed`,
      });
    }
    return looks;
  });
}
