import type { Look } from './evidence.js';
import type { Second, Span } from './types.js';

/** That much of what it was before the first fault. */
export const recovered = 0.95;
/** That soon after the last fault is healed. */
export const recoveryMs = 5_000;
/** A single second says little: a rate is the mean of so many. */
const smoothing = 2;

/** The rates over every `smoothing` whole seconds in a row within the span, in answers per second. */
export function rates(seconds: Second[], span: Span): number[] {
  const within = seconds
    .filter(({ at }) => at >= span.from && at + 1_000 <= span.to)
    .sort((a, b) => a.at - b.at);
  const rates: number[] = [];
  for (let first = 0; first + smoothing <= within.length; first++) {
    const some = within.slice(first, first + smoothing);
    rates.push(some.reduce((sum, { ok }) => sum + ok, 0) / smoothing);
  }
  return rates;
}

export function median(numbers: number[]): number | undefined {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

/** The usual rate without any fault. */
export function baselineOf(seconds: Second[], span: Span): number | undefined {
  return median(rates(seconds, span));
}

/** When the last rate that counts has been measured. */
export const recoveryWindowMs = recoveryMs + smoothing * 1_000;

/** The best rate that began within the time allowed for recovery. */
export function rateAfter(seconds: Second[], healedAt: number): number | undefined {
  const best = Math.max(...rates(seconds, { from: healedAt, to: healedAt + recoveryMs + smoothing * 1_000 }));
  return Number.isFinite(best) ? best : undefined;
}

/** I9 after one healing, or undefined when there was nothing to compare. */
export function lookAtRecovery(seconds: Second[], baseline: number, healedAt: number): Look | undefined {
  const rate = rateAfter(seconds, healedAt);
  if (rate === undefined || baseline === 0) return undefined;
  const percent = Math.round((rate / baseline) * 100);
  return {
    invariant: 'I9',
    beyond: rate < baseline * recovered,
    detail: `${rate.toFixed(0)} answers per second within ${recoveryMs / 1_000} s of the healing, ${baseline.toFixed(0)} before the first fault: ${percent} %`,
  };
}
