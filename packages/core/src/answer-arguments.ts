import { validateHeaderName, validateHeaderValue } from 'node:http';

/**
 * What Node refuses of an answer is refused where it is given, as without holding: behind COMMIT it would be an error
 * answer for what was committed.
 */

/** @throws {TypeError} ERR_INVALID_ARG_TYPE, ERR_STREAM_NULL_VALUES */
export function checkChunk(chunk: unknown): void {
  if (typeof chunk === 'string' || chunk instanceof Uint8Array) return;
  if (chunk === null) throw coded('ERR_STREAM_NULL_VALUES', 'May not write null values to stream');
  throw coded(
    'ERR_INVALID_ARG_TYPE',
    `The "chunk" argument must be of type string or an instance of Buffer or Uint8Array. Received type ${typeof chunk}`,
  );
}

/** The arguments of a `writeHead()`. @throws {TypeError} ERR_INVALID_CHAR, ERR_HTTP_INVALID_HEADER_VALUE and the like */
export function checkHead(args: readonly unknown[]): void {
  const [status, message] = args;
  if (typeof status === 'number' && (status < 100 || status > 999))
    throw Object.assign(new RangeError(`Invalid status code: ${status}`), {
      code: 'ERR_HTTP_INVALID_STATUS_CODE',
    });
  if (typeof message === 'string') validateHeaderValue('statusMessage', message);
  for (const [name, value] of headersOf(args)) {
    validateHeaderName(name);
    validateHeaderValue(name, value as string);
  }
}

/** The headers that are given to `writeHead()`: an object, pairs, or names and values in turn. */
export function headersOf(args: readonly unknown[]): Array<[string, unknown]> {
  const headers = args[1] !== null && typeof args[1] === 'object' ? args[1] : args[2];
  if (headers === null || typeof headers !== 'object') return [];
  if (!Array.isArray(headers)) return Object.entries(headers).filter(([name]) => name !== '');
  if (Array.isArray(headers[0])) return headers as Array<[string, unknown]>;
  return headers.flatMap((name, at) => (at % 2 === 0 ? [[name, headers[at + 1]] as [string, unknown]] : []));
}

/** The callback of a `write()` or `end()`. */
export function callbackOf(args: readonly unknown[]): ((error?: Error) => void) | undefined {
  return args.findLast((arg) => typeof arg === 'function') as ((error?: Error) => void) | undefined;
}

export function writtenAfterEnd(): Error {
  return coded('ERR_STREAM_WRITE_AFTER_END', 'write after end');
}

function coded(code: string, message: string): Error {
  const error = code === 'ERR_STREAM_WRITE_AFTER_END' ? new Error(message) : new TypeError(message);
  return Object.assign(error, { code });
}
