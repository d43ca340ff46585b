import type { DriverError } from './statement.js';

/** Failures that pass by themselves: whoever waits goes on waiting, up to its own deadline. */
const PASSING = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'ENOENT',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EAI_AGAIN',
  'PROTOCOL_CONNECTION_LOST',
]);
/** ER_CON_COUNT_ERROR, ER_TOO_MANY_USER_CONNECTIONS, ER_USER_LIMIT_REACHED: the server has no room for us. */
const FULL = new Set([1040, 1203, 1226]);
/** ER_SERVER_SHUTDOWN, WSREP not prepared. */
const NOT_READY = new Set([1053, 1047]);

const PASSING_DELAY_MS = { least: 40, most: 80 };
const FULL_DELAY_MS = { least: 500, most: 1_000 };
/** A wrong password tried in a loop gets the host blocked. */
const LASTING_DELAY_MS = { least: 1_000, most: 1_500 };
/** While nobody waits (only `minIdle` wants a connection). */
const UNATTENDED_MAX_DELAY_MS = 5_000;

export type OpenFailure = 'passing' | 'full' | 'lasting';

export function classify(error: DriverError): OpenFailure {
  if (FULL.has(error.errno ?? 0)) return 'full';
  if (NOT_READY.has(error.errno ?? 0) || PASSING.has(error.code ?? '')) return 'passing';
  return 'lasting';
}

/** How long to wait before the next attempt: jittered, so that many processes don't come back at once. */
export function retryDelayMs(
  failure: OpenFailure,
  attempt: number,
  attended: boolean,
  random: number,
): number {
  const delays = { passing: PASSING_DELAY_MS, full: FULL_DELAY_MS, lasting: LASTING_DELAY_MS };
  const { least, most } = delays[failure];
  const jittered = least + random * (most - least);
  if (attended) return jittered;
  return Math.min(UNATTENDED_MAX_DELAY_MS, Math.max(200, jittered * 2 ** Math.min(attempt, 10)));
}
