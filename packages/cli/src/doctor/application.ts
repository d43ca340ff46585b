import { DEFAULTS, type PoolLimits } from './expectation.js';

/** A connection of the pool that is out, as `pool.holders()` tells of it. */
export interface ApplicationHolder {
  readonly route: string;
  readonly ageMs: number;
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

interface Fetching {
  readonly timeoutMs: number;
  readonly env: NodeJS.ProcessEnv;
  /** Whoever asked has no use for the answer any more. */
  readonly signal?: AbortSignal;
}

/** Rejects with a sentence without the url's user and password. */
export async function fetchApplication(
  given: string,
  { timeoutMs, env, signal }: Fetching,
): Promise<ApplicationPool[]> {
  const url = new URL(given);
  const headers: Record<string, string> = { accept: 'application/json' };
  const { username, password } = url;
  if (env.HANDBACK_APP_AUTHORIZATION) headers.authorization = env.HANDBACK_APP_AUTHORIZATION;
  else if (username || password) headers.authorization = basic(username, password);
  url.username = '';
  url.password = '';
  const deadline = AbortSignal.timeout(timeoutMs);
  const until = signal ? AbortSignal.any([signal, deadline]) : deadline;
  const response = await fetch(url, { headers, signal: until }).catch((error) => {
    const { cause, name, message } = error as Error & { cause?: Error };
    throw new Error(name === 'TimeoutError' ? `no answer within ${timeoutMs} ms` : cause?.message || message);
  });
  if (!response.ok) {
    await response.body?.cancel();
    throw new Error(`it answered ${response.status}`);
  }
  return poolsOf(parse(await limitedText(response)));
}

function basic(user: string, password: string): string {
  const plain = `${decodeURIComponent(user)}:${decodeURIComponent(password)}`;
  return `Basic ${Buffer.from(plain).toString('base64')}`;
}

async function limitedText(response: Response): Promise<string> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of response.body ?? []) {
    size += piece.length;
    if (size > MOST_BYTES) throw new Error(`its answer is longer than ${MOST_BYTES} bytes`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString('utf8');
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
  const stats = numbersOf(isObject(value.stats) ? value.stats : value);
  if (stats.max === undefined || stats.leased === undefined) return null;
  const options = isObject(value.options) ? numbersOf(value.options) : {};
  return {
    name: typeof value.name === 'string' ? value.name : name,
    stats,
    holders: Array.isArray(value.holders) ? value.holders.flatMap((holder) => holderOf(holder) ?? []) : [],
    ...(Array.isArray(value.connections) && {
      connections: value.connections.flatMap((each) => connectionOf(each) ?? []),
    }),
    ...(typeof value.pid === 'number' && { pid: value.pid }),
    options: { max: stats.max, ...limitsOf(options) },
  };
}

function limitsOf(options: Readonly<Record<string, number>>): Partial<PoolLimits> {
  return Object.fromEntries(Object.entries(options).filter(([name]) => Object.hasOwn(DEFAULTS, name)));
}

function holderOf(value: unknown): ApplicationHolder | null {
  if (!isObject(value) || typeof value.route !== 'string' || typeof value.ageMs !== 'number') return null;
  const { route, ageMs, statement, threadId } = value;
  return {
    route,
    ageMs,
    statement: typeof statement === 'string' ? statement : undefined,
    threadId: typeof threadId === 'number' ? threadId : undefined,
  };
}

function connectionOf(value: unknown): ApplicationConnection | null {
  if (!isObject(value) || typeof value.threadId !== 'number' || typeof value.state !== 'string') return null;
  return { threadId: value.threadId, state: value.state };
}

function numbersOf(object: Json): Record<string, number> {
  const entries = Object.entries(object).filter(
    ([, value]) => typeof value === 'number' && Number.isFinite(value),
  );
  return Object.fromEntries(entries) as Record<string, number>;
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
