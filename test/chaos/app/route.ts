import type { Readable } from 'node:stream';
import type { Exchange, Session } from './contender.js';
import type { Visitor } from './evidence/visitor.js';

export interface RouteNeeds {
  /** The whole request runs in a transaction, which its answer decides. */
  transaction?: true;
}

export interface Visit extends Exchange {
  session: Session;
  visitor: Visitor;
  query: URLSearchParams;
  /** The JSON that was posted. */
  body: Record<string, unknown>;
  /** The contender runs the whole request in a transaction: the handler leaves it alone. */
  inTransaction: boolean;
  reply(status: number, body: unknown): void;
  stream(body: Readable): void;
}

/** A route of the app under test, in words that every framework can be told. */
export interface Route extends RouteNeeds {
  method: 'GET' | 'POST';
  path: string;
  handle(visit: Visit): Promise<void>;
}

export interface Listening {
  port: number;
  /** Stops accepting, and waits for the framework's own shutdown. */
  close(): Promise<void>;
}

/** What an error says to the client. */
export function answerTo(error: unknown): { status: number; body: { code: string } } {
  const { status, statusCode, code, errno, name } = (error ?? {}) as Record<string, unknown>;
  return {
    status: Number(status ?? statusCode ?? 500),
    body: { code: String(code ?? errno ?? name ?? 'unnamed') },
  };
}
