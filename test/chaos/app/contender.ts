import type { EventEmitter } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import type { AppTask } from '../types.js';
import type { Plugin } from './servers/plugin.js';

// What may stand between the routes and the database. A further contender (`mutant:<name>`) is a file
// test/chaos/mutants/<name>.ts that exports `contend: ContenderFactory`; one over a pool that only lends connections
// needs no more than a `LendingPool` (contenders/lending.ts).

export type Row = Record<string, unknown>;

export interface Statements {
  /** Rows, or what the driver gives for a statement without rows. Rejects when it took longer than `timeoutMs`, where the contender can. */
  query(sql: string, values?: unknown[], timeoutMs?: number): Promise<Row[]>;
  /** The same as a prepared statement. */
  execute(sql: string, values: unknown[]): Promise<Row[]>;
}

/** One request's view of the database. */
export interface Session extends Statements {
  begin(): Promise<void>;
  commit(): Promise<void>;
  rollback(): Promise<void>;
  transaction<T>(work: (tx: Statements) => Promise<T>): Promise<T>;
  /** Rows in object mode. */
  stream(sql: string, values: unknown[]): Promise<Readable>;
  /** Hands the connection back before the end of the request. */
  release(): Promise<void>;
}

export interface Exchange {
  req: IncomingMessage;
  res: ServerResponse;
  /** Fastify's request, Express' request, Koa's context. */
  native: unknown;
}

/** The state of a pool in words that fit every contender. */
export interface PoolState {
  max: number;
  /** Connections there are, in whatever state. */
  open: number;
  leased: number;
  pending: number;
  /** Since the start, where the pool counts them. */
  opened?: number;
  closed?: number;
  acquired?: number;
  released?: number;
}

/** A session of a contender, and what it wants to know of the end of its request. */
export interface Lent {
  session: Session;
  /** The handler has settled. */
  settled(): void;
}

export interface Contender {
  lend(exchange: Exchange): Lent;
  /** Statements on one connection, outside of requests. */
  once<T>(work: (on: Statements) => Promise<T>): Promise<T>;
  /** How the frameworks load it, if it is a plugin of theirs. */
  plugin?: Plugin;
  stats(): PoolState;
  /** Whose util.inspect() must not show a secret. */
  readonly inspected: unknown;
  /** Whose listeners must not grow. */
  readonly emitters?: EventEmitter[];
  /** Why the books do not balance; undefined when they do. `quiet` = nothing has been under way for a while. */
  unbalanced?(quiet: boolean): string | undefined;
  close(): Promise<void>;
}

/** What a contender tells of itself, where it can. */
export interface Tell {
  /** An acquire began; the returned function is called when it is granted. */
  asked(): () => void;
  /** An acquire was granted that began `waitedMs` ago. */
  granted(waitedMs: number): void;
  /** Something was said, an event or a log line: it must not hold a secret. */
  said(where: string, what: unknown): void;
  count(name: string): void;
}

export type ContenderFactory = (task: AppTask, tell: Tell) => Promise<Contender>;

const FILES: Record<string, string> = {
  handback: './contenders/handback.js',
  mysql2: './contenders/mysql2.js',
  mariadb: './contenders/mariadb.js',
};

export async function loadContender(name: string): Promise<ContenderFactory> {
  const [, mutant] = /^mutant:([\w-]+)$/.exec(name) ?? [];
  const file = mutant ? `../mutants/${mutant}.js` : FILES[name];
  if (!file) throw new Error(`There is no contender ${name}.`);
  const { contend } = (await import(file)) as { contend?: ContenderFactory };
  if (!contend) throw new Error(`${file} exports no function contend().`);
  return contend;
}
