import type { EventEmitter } from 'node:events';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';

// What the suite knows of the things it tests. The shapes are those of the documented API, and no more than the
// cases use, so that a wrong strategy can stand in for Handback.

export type Row = Record<string, unknown>;

export interface Db {
  query(sql: string | { sql: string; signal: AbortSignal }, values?: unknown[]): Promise<[Row[], unknown]>;
  execute(sql: string, values?: unknown[]): Promise<[Row[], unknown]>;
  beginTransaction(): Promise<void>;
  commit(): Promise<void>;
  rollback(): Promise<void>;
  transaction<T>(work: (tx: Db) => Promise<T>): Promise<T>;
  stream(sql: string, values?: unknown[]): Readable;
  release(): Promise<void>;
  connection(): Promise<RawConnection>;
  readonly state: string;
  readonly signal: AbortSignal;
}

/** The part of mysql2's connection that the cases look at. */
export interface RawConnection {
  threadId: number;
  promise(): { query(sql: string): Promise<[unknown, unknown]> };
}

export const stateNames = [
  'idle',
  'leased',
  'opening',
  'validating',
  'resetting',
  'draining',
  'ghost',
  'closing',
] as const;

export type Stats = Record<(typeof stateNames)[number], number> & {
  max: number;
  pending: number;
  opened: number;
  closed: number;
  acquired: number;
  released: number;
  cleanReleases: number;
  late: number;
  rolledBack: number;
  evicted: Record<string, number>;
};

export interface PoolView {
  stats(): Stats;
  readonly events: EventEmitter;
  query(sql: string, values?: unknown[]): Promise<[Row[], unknown]>;
  run<T>(job: (db: Db) => Promise<T>): Promise<T>;
  close(options?: { timeoutMs?: number }): Promise<void>;
}

/** Options of the plugin or of one route: plain data here, because the cases also try wrong ones. */
export type Options = Record<string, unknown>;

export interface Context {
  db: Db;
  /** The db of a second registration: request.reporting for `as: 'reporting'`. */
  named(as: string): Db;
  req: IncomingMessage;
  res: ServerResponse;
  /** Answers in the framework's own way. Koa sends it when the handler has returned, the others at once. */
  reply(status: number, body: unknown): void;
  stream(body: Readable): void;
  /** Takes the response away from the framework; from here on it is the handler's. */
  hijack(): ServerResponse;
}

export type Handler = (context: Context) => unknown;

export interface Route {
  method?: 'GET' | 'POST';
  path: string;
  /** Handback's options of this route; false opts out. */
  options?: false | Options;
  handler: Handler;
}

/** Puts something other than Handback behind request.db. */
export interface Strategy {
  pool: PoolView;
  begin(req: IncomingMessage, res: ServerResponse): Db | undefined;
  /** Called from the framework's own end-of-request hook. */
  frameworkEnd(req: IncomingMessage): void;
}

export interface Setup {
  routes: Route[];
  /** One registration of Handback per entry. */
  plugins: Options[];
  strategy?: Strategy | undefined;
  /** Runs after the handler, before the answer is out: an onSend hook or a middleware behind the handler. */
  laterHook?: (() => void) | undefined;
  /** For the framework's own constructor, in the cases about one framework alone. */
  frameworkOptions?: Options | undefined;
  /** Gets the framework's app before the routes are added, for what has no neutral form. */
  frameworkSetup?: ((app: unknown) => Promise<void>) | undefined;
}

export interface RunningApp {
  server: Server;
  port: number;
  /** The pool of the first registration. */
  pool: PoolView;
  /** The pools of all registrations, in their order. */
  pools: PoolView[];
  /** What the framework's error handling saw. */
  errors: unknown[];
  inject?(path: string): Promise<{ statusCode: number; body: string }>;
  /** Shuts down as the framework's documentation says. */
  close(): Promise<void>;
}

export interface Harness {
  /** In the titles of the tests: 'Koa 3'. */
  framework: string;
  /** The framework without its version: 'koa'. A few cases are about one framework alone and name it. */
  family: string;
  /** Two registrations of one name are refused when the app starts, not on its first request. */
  refusesAtStart?: true;
  /** The framework tells the adapter when a handler is over, answered or not. */
  showsHandlersEnd?: true;
  start(setup: Setup): Promise<RunningApp>;
}

export interface Case {
  name: string;
  /** Only for these families; without it, for all. */
  only?: string[];
  /** Only for harnesses that say this of themselves. */
  needs?: 'showsHandlersEnd';
  /** For a case that is long by nature, on a slow machine. */
  timeoutMs?: number;
  run(harness: CaseHarness): Promise<void>;
}

/** A harness together with what this run of the suite puts behind request.db, and how long it waits for anything. */
export interface CaseHarness extends Harness {
  patienceMs: number;
  strategy?: (max: number) => Strategy;
}
