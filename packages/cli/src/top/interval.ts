import { UsageError } from '../exit-codes.js';

const FORM = /^(\d+(?:\.\d+)?)(ms|s)?$/;
const LEAST_MS = 100;
const MOST_MS = 3_600_000;

/** `1s`, `500ms`, `2` (seconds). Throws UsageError. */
export function intervalOf(given: string): number {
  const [, number, unit] = FORM.exec(given.trim()) ?? [];
  const ms = Number(number) * (unit === 'ms' ? 1 : 1_000);
  if (ms >= LEAST_MS && ms <= MOST_MS) return ms;
  throw new UsageError('--interval is a time from 100ms to 3600s: 500ms, 1s, 2');
}
