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

/** What an error says to HTTP: our own, Handback's 503s, and those of the body parsers, one of which knows only `status`. */
interface HttpError {
  statusCode?: number;
  status?: number;
  message?: string;
  headers?: Record<string, string>;
}

/** Nobody is there to read an answer, and nothing went wrong here. */
const CLIENT_LEFT: unknown[] = ['CLIENT_GONE', 'ERR_STREAM_PREMATURE_CLOSE', 'ECONNRESET', 'EPIPE'];

/** Prints an error, unless all that happened is that the client left. */
export function report(error: unknown): void {
  if (!CLIENT_LEFT.includes((error as { code?: unknown } | null)?.code)) console.error(error);
}

/** The JSON answer to an error, the same on every framework. What the public can't use goes to `log` instead. */
export function answerTo(error: unknown, log: (error: unknown) => void): Answer {
  const { statusCode = 500, message = '', headers = {} } = (error ?? {}) as HttpError;
  if (statusCode >= 500) log(error);
  return {
    status: statusCode,
    headers,
    body: { error: statusCode === 500 ? 'Internal Server Error' : message },
  };
}
