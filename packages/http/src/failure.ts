import { type ServerResponse, STATUS_CODES } from 'node:http';
import { HandbackError } from '@handback/core';

interface Described {
  readonly status?: unknown;
  readonly statusCode?: unknown;
  readonly expose?: unknown;
  readonly message?: unknown;
}

/** What an error is to the public. */
interface Failure {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

function failureOf(error: unknown): Failure {
  const described: Described = typeof error === 'object' && error !== null ? error : {};
  const status = [described.statusCode, described.status].find(isFailure) ?? 500;
  const ours = error instanceof HandbackError && error.statusCode !== undefined ? error : undefined;
  const shown = ours || described.expose === true;
  return {
    status,
    headers: ours?.headers ?? {},
    text: shown ? String(described.message) : (STATUS_CODES[status] ?? `Error ${status}`),
  };
}

function isFailure(status: unknown): status is number {
  return Number.isInteger(status) && (status as number) >= 400 && (status as number) <= 599;
}

/**
 * The answer to a request whose handler has failed; one that has begun is cut off.
 *
 * @returns whether there is an answer, this one or the handler's
 */
export function answerFailure(res: ServerResponse, error: unknown): boolean {
  if (res.writableEnded) return true;
  if (res.headersSent) {
    cutOff(res);
    return false;
  }
  const { status, headers, text } = failureOf(error);
  // They were meant for another answer: its length, its ETag, its cookies.
  for (const name of res.getHeaderNames()) res.removeHeader(name);
  res.writeHead(status, {
    ...headers,
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': Buffer.byteLength(text),
    'X-Content-Type-Options': 'nosniff',
  });
  res.end(text);
  return true;
}

/** RFC 9113, section 7. */
const HTTP2_INTERNAL_ERROR = 2;

/** So that half of an answer is not taken for the whole. HTTP/2 would tell the end of a destroyed stream as a good one. */
function cutOff(res: ServerResponse): void {
  const { stream } = res as { stream?: { close(code: number): void } };
  if (stream) stream.close(HTTP2_INTERNAL_ERROR);
  else res.destroy();
}

/**
 * The default of `onError`: to stderr, as what nobody else will tell. Not what is the client's fault or meant for it, and
 * not an exhausted pool, which gives its own warnings.
 */
export function report(error: unknown): void {
  if (failureOf(error).status >= 500 && !isKnown(error)) console.error(textOf(error));
}

function isKnown(error: unknown): boolean {
  if (!(error instanceof HandbackError)) return false;
  return error.statusCode !== undefined || error.code === 'CLIENT_GONE';
}

/** The server's own words stay on its errors, not in a log: they quote values, such as that of a duplicate key. */
function textOf(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { code, sql, sqlMessage } = error as Error & { code?: string; sql?: string; sqlMessage?: string };
  if (sqlMessage === undefined) return error.stack;
  // `Error.prepareStackTrace` may give anything.
  const lines = typeof error.stack === 'string' ? error.stack.split('\n') : [];
  const frames = lines.filter((line) => /^\s+at /.test(line));
  return [`${error.name}: ${code}${sql === undefined ? '' : ` in ${sql}`}`, ...frames].join('\n');
}
