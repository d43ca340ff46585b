/**
 * Every failure Handback itself reports, in one catalogue. A code is never renamed and never reused;
 * `docs/errors.md` explains each, and a test pins the two to one another.
 */
interface CatalogueEntry {
  /** HTTP status for frameworks that read it from an error; absent = the framework's own default (500). */
  readonly status?: number;
}

const UNAVAILABLE: CatalogueEntry = { status: 503 };
/** What the client sent is at fault. */
const BAD_REQUEST: CatalogueEntry = { status: 400 };
const PLAIN: CatalogueEntry = {};

export const ERROR_CATALOGUE = {
  INVALID_OPTION: PLAIN,
  ALREADY_REGISTERED: PLAIN,
  ROUTE_OPTED_OUT: PLAIN,
  ACQUIRE_TIMEOUT: UNAVAILABLE,
  QUEUE_FULL: UNAVAILABLE,
  OVERLOADED: UNAVAILABLE,
  POOL_CLOSED: UNAVAILABLE,
  OPEN_FAILED: UNAVAILABLE,
  CLIENT_GONE: PLAIN,
  SCOPE_ENDED: PLAIN,
  LEASE_RELEASED: PLAIN,
  DOUBLE_ACQUIRE: PLAIN,
  NO_CURRENT_DB: PLAIN,
  TRANSACTION_ROLLED_BACK: PLAIN,
  TRANSACTION_TOO_LATE: PLAIN,
  TRANSACTION_NESTED: PLAIN,
  OUTCOME_UNKNOWN: PLAIN,
  QUERY_TIMEOUT: PLAIN,
  QUERY_CANCELLED: PLAIN,
  CONNECTION_LOST: PLAIN,
  UNSAFE_PARAMETER: BAD_REQUEST,
  STREAM_OPEN: PLAIN,
} as const satisfies Record<string, CatalogueEntry>;

export type ErrorCode = keyof typeof ERROR_CATALOGUE;

/** Who holds a connection, as an operator needs to see it. Statements never carry values. */
export interface HolderReport {
  /** Route pattern, or METHOD + '(unmatched)', or the job's name. */
  readonly route: string;
  /** Of a request. */
  readonly method?: string;
  /** The framework's own id of the request, else its header `x-request-id`. */
  readonly requestId?: string;
  /** How long the connection has been held, in milliseconds. */
  readonly ageMs: number;
  /** The last statement's text, its values replaced by `?`; undefined before the first. */
  readonly statement: string | undefined;
  /** Statements sent so far. */
  readonly statements: number;
  /** Since the last statement was sent, if it still runs, else since it was answered, in milliseconds; undefined before the first. */
  readonly sinceStatementMs: number | undefined;
  /** The server's thread id (`CONNECTION_ID()`). */
  readonly threadId: number | undefined;
  /** Where it was asked for, innermost first: of one acquire in 4096, and of more once something has leaked. */
  readonly stack?: readonly string[];
  /** It waits for another connection meanwhile; known with the option `context`, or of `acquire({ scope })`. */
  readonly waiting?: boolean;
}

/** A request, or a job, that holds a connection and asks for another one of the same pool. */
export interface DoubleAcquireReport {
  /** Route pattern, or METHOD + '(unmatched)', or the job's name. */
  readonly route: string;
  /** The line of the application that asked for the connection it holds (or waits for). */
  readonly first: string;
  /** The line that asks for another. */
  readonly second: string;
}

/** The facts behind an exhausted or unreachable pool. Never part of a message: they are not for the public. */
export interface PoolReport {
  readonly pool: string;
  readonly waitedMs: number;
  /** How long this acquire might have waited: the pool's `acquireTimeoutMs`, the route's, or its own. */
  readonly timeoutMs: number;
  readonly max: number;
  readonly maxIdle: number;
  readonly leased: number;
  readonly idle: number;
  readonly opening: number;
  readonly pending: number;
  /** Of those who waited, how many a second are being given a connection; known while requests wait for long. */
  readonly servedPerSecond?: number;
  /** The oldest holders first, at most ten. */
  readonly holders: readonly HolderReport[];
  /** Message of the last failed attempt to connect, while it still stands. */
  readonly lastConnectError: string | undefined;
}

export interface HandbackErrorOptions {
  readonly cause?: unknown;
  readonly report?: PoolReport;
  /** Seconds, for the `Retry-After` header of a 503. Default 1. */
  readonly retryAfterSeconds?: number;
}

/**
 * The one class of error that Handback raises. What the driver or the server reports reaches the caller as
 * the driver's own error; this class is for what the pool and the scope decide.
 *
 * `message` is safe to show to the public. Facts for the operator are in `report` and `cause`, neither of
 * them enumerable.
 */
export class HandbackError extends Error {
  readonly code: ErrorCode;
  /** 503 where the service is unavailable, 400 where a parameter is refused: Fastify and Express read `statusCode`. */
  declare readonly statusCode?: number;
  /** The same for Koa and Express. */
  declare readonly status?: number;
  /** `Retry-After` beside a 503; all three frameworks copy it to the response. */
  declare readonly headers?: Readonly<Record<string, string>>;
  /** Non-enumerable, so that no serializer sends it to a client. */
  declare readonly report?: PoolReport;

  constructor(code: ErrorCode, message: string, options: HandbackErrorOptions = {}) {
    const { status }: CatalogueEntry = ERROR_CATALOGUE[code];
    // A 503 is raised from a timer or under overload: its stack names nobody, costs microseconds, and
    // Express prints it to the client outside production.
    const stackTraceLimit = Error.stackTraceLimit;
    if (status === 503) Error.stackTraceLimit = 0;
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    Error.stackTraceLimit = stackTraceLimit;
    this.code = code;
    if (options.report) Object.defineProperty(this, 'report', { value: options.report });
    if (status === undefined) return;
    this.statusCode = status;
    this.status = status;
    if (status === 503) this.headers = { 'Retry-After': String(options.retryAfterSeconds ?? 1) };
  }

  override get name(): string {
    return 'HandbackError';
  }
}

/** Whatever the application's own function has thrown. */
export function asError(error: unknown): Error {
  return error instanceof Error
    ? error
    : new Error('a function given by the application threw', { cause: error });
}
