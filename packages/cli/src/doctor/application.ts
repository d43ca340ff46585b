import { maskValues } from '@handback/core';
import { UsageError } from '../exit-codes.js';
import { isCutInItsPassword } from '../target.js';
import { oneLine } from '../text.js';
import { DEFAULTS, type PoolLimits } from './expectation.js';

/** A connection of the pool that is out, as `pool.holders()` tells of it. */
export interface ApplicationHolder {
  readonly route: string;
  readonly ageMs: number;
  /** Without its values, which an application that is not ours may have sent. */
  readonly statement: string | undefined;
  readonly threadId: number | undefined;
}

/** One of the pool's connections, as `pool.connections()` tells of it. */
export interface ApplicationConnection {
  readonly threadId: number;
  /** `idle`, `leased`, … */
  readonly state: string;
}

/** One pool of the application, as far as it told of it. */
export interface ApplicationPool {
  readonly name: string;
  /** The numbers of `pool.stats()`. */
  readonly stats: Readonly<Record<string, number>>;
  readonly holders: readonly ApplicationHolder[];
  /** All of them; undefined where it did not tell. */
  readonly connections?: readonly ApplicationConnection[];
  /** Of the process that answered; undefined where it did not tell. */
  readonly pid?: number;
  /** Of the pool's options, those that are held against the server. */
  readonly options: Partial<PoolLimits>;
}

type Json = Readonly<Record<string, unknown>>;

/** Longer answers are not statistics. */
const MOST_BYTES = 4 * 1024 * 1024;
/** Nothing is older than a century. */
const MOST_MS = 100 * 366 * 86_400_000;
/** Of a route or a pool: more would push everything else off the screen. */
const LONGEST_NAME = 200;

interface Fetching {
  readonly timeoutMs: number;
  readonly env: NodeJS.ProcessEnv;
  /** Whoever asked has no use for the answer any more. */
  readonly signal?: AbortSignal;
}

/** Throws UsageError, without the url: there may be a password in it. */
export function checkAppUrl(given: string): void {
  const url = URL.canParse(given) ? new URL(given) : null;
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new UsageError('--app is a url: http://127.0.0.1:3000/stats');
  if (isCutInItsPassword(url) || basicOf(url) === null)
    throw new UsageError(
      'in the url of --app, characters such as % / ? # @ in a user or password are percent-encoded, and @ in a path is',
    );
}

/** Rejects with a sentence without the url's user and password. */
export async function fetchApplication(given: string, asking: Fetching): Promise<ApplicationPool[]> {
  const { timeoutMs, signal } = asking;
  const deadline = AbortSignal.timeout(timeoutMs);
  const until = signal ? AbortSignal.any([signal, deadline]) : deadline;
  const body = await answerOf(given, asking, until).catch((error) => {
    throw new Error(deadline.aborted ? `no answer within ${timeoutMs} ms` : reasonOf(error));
  });
  return poolsOf(parse(body));
}

async function answerOf(given: string, { env }: Fetching, signal: AbortSignal): Promise<string> {
  const url = new URL(given);
  const headers = headersFor(url, env);
  url.username = '';
  url.password = '';
  const response = await fetch(url, { headers, signal });
  if (response.ok) return limitedText(response);
  await response.body?.cancel();
  throw new Error(`it answered ${response.status}`);
}

/** `fetch` says "fetch failed" or "terminated", and its cause what happened. */
function reasonOf(error: Error & { cause?: Error }): string {
  return error.cause?.message || error.message;
}

function headersFor(url: URL, { HANDBACK_APP_AUTHORIZATION: given }: NodeJS.ProcessEnv): Headers {
  const headers = new Headers({ accept: 'application/json' });
  const authorization = given || basicOf(url);
  try {
    if (authorization) headers.set('authorization', authorization);
  } catch {
    // The error of `Headers` repeats it.
    throw new Error('HANDBACK_APP_AUTHORIZATION is no header: one line of Latin letters, digits and signs');
  }
  return headers;
}

/** '' = there is no user in it; null = it is not percent-encoded text. */
function basicOf({ username, password }: URL): string | null {
  if (!username && !password) return '';
  try {
    const plain = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
    return `Basic ${Buffer.from(plain).toString('base64')}`;
  } catch {
    return null;
  }
}

async function limitedText(response: Response): Promise<string> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of response.body ?? []) {
    size += piece.length;
    if (size > MOST_BYTES) throw new Error(`its answer is longer than ${MOST_BYTES} bytes`);
    pieces.push(piece);
  }
  return new TextDecoder().decode(Buffer.concat(pieces));
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    throw new Error('its answer is not JSON');
  }
}

/**
 * What a route of the application may answer with: `pool.stats()`; `{ stats, holders, connections, options, name, pid }`; a list of
 * either; or `{ pools }` with such a list, or with an object of them by name.
 */
export function poolsOf(answer: unknown): ApplicationPool[] {
  const found = listOf(answer).flatMap(([name, value]) => poolOf(name, value) ?? []);
  if (found.length === 0) throw new Error('its answer has no statistics of a pool in it (pool.stats())');
  return found;
}

function listOf(answer: unknown): [string, unknown][] {
  if (Array.isArray(answer)) return answer.map((value, i) => [String(i), value]);
  if (!isObject(answer)) return [];
  if (Array.isArray(answer.pools)) return listOf(answer.pools);
  if (isObject(answer.pools)) return Object.entries(answer.pools);
  return [['default', answer]];
}

function poolOf(name: string, value: unknown): ApplicationPool | null {
  if (!isObject(value)) return null;
  const stats = countsOf(isObject(value.stats) ? value.stats : value);
  const { max, leased } = stats;
  if (max === undefined || max === 0 || leased === undefined) return null;
  const { pid } = value;
  return {
    name: shortened(typeof value.name === 'string' ? value.name : name),
    stats,
    holders: Array.isArray(value.holders) ? value.holders.flatMap((holder) => holderOf(holder) ?? []) : [],
    ...(Array.isArray(value.connections) && {
      connections: value.connections.flatMap((each) => connectionOf(each) ?? []),
    }),
    ...(isCount(pid) && { pid }),
    options: { max, ...(isObject(value.options) && limitsOf(value.options)) },
  };
}

/** JSON has no `Infinity`: it writes null, which of the options only this one may be. */
function limitsOf(options: Json): Partial<PoolLimits> {
  const told = Object.entries(countsOf(options)).filter(
    ([name, value]) => Object.hasOwn(DEFAULTS, name) && (name !== 'max' || value > 0),
  );
  return {
    ...Object.fromEntries(told),
    ...(options.acquireTimeoutMs === null && { acquireTimeoutMs: Number.POSITIVE_INFINITY }),
  };
}

function holderOf(value: unknown): ApplicationHolder | null {
  if (!isObject(value)) return null;
  const { route, ageMs, statement, threadId } = value;
  if (typeof route !== 'string' || typeof ageMs !== 'number' || !(ageMs >= 0 && ageMs <= MOST_MS))
    return null;
  return {
    route: shortened(route),
    ageMs,
    statement: typeof statement === 'string' ? oneLine(maskValues(statement)) : undefined,
    threadId: isCount(threadId) ? threadId : undefined,
  };
}

function connectionOf(value: unknown): ApplicationConnection | null {
  if (!isObject(value) || !isCount(value.threadId) || typeof value.state !== 'string') return null;
  return { threadId: value.threadId, state: shortened(value.state) };
}

/** What is not a count is left out. */
function countsOf(object: Json): Record<string, number> {
  const entries = Object.entries(object).filter(([, value]) => isCount(value));
  return Object.fromEntries(entries) as Record<string, number>;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function shortened(name: string): string {
  return name.length > LONGEST_NAME ? `${name.slice(0, LONGEST_NAME)}…` : name;
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
