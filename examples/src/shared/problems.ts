/** What a client did wrong, as the handlers say it. */
export class Problem extends Error {
  readonly statusCode: number;

  constructor(statusCode: number, message: string) {
    super(message);
    this.statusCode = statusCode;
  }
}

export interface Answer {
  status: number;
  headers: Record<string, string>;
  body: { error: string };
}

/** What errors say to HTTP: our own, Handback's 503s, and those of the body parsers, one of which knows only `status`. */
interface HttpError {
  statusCode?: number;
  status?: number;
  message?: string;
  headers?: Record<string, string>;
}

const CLIENT_LEFT: unknown[] = ['CLIENT_GONE', 'ERR_STREAM_PREMATURE_CLOSE', 'ECONNRESET', 'EPIPE'];

/** Whether all that happened is that nobody is there any more to read the answer. */
export function isClientLeft(error: unknown): boolean {
  return CLIENT_LEFT.includes((error as { code?: unknown } | null)?.code);
}

export function report(error: unknown): void {
  if (!isClientLeft(error)) console.error(error);
}

/** The JSON answer to an error, the same on every framework. What the public can't use goes to `log` instead. */
export function answerTo(error: unknown, log: (error: unknown) => void): Answer {
  const { statusCode, status = statusCode ?? 500, message = '', headers = {} } = (error ?? {}) as HttpError;
  if (status >= 500) log(error);
  const shown = status === 500 ? 'Internal Server Error' : message;
  return { status, headers, body: { error: shown } };
}
