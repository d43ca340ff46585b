import type { AcquireTrace, QueryTrace, ResetTrace, TraceMessage, TransactionTrace } from '@handback/core';
import type { Attributes } from '@opentelemetry/api';
import { ATTRIBUTES, OWN } from './names.js';

/** MySQL's own; the conventions want another one alone. */
const USUAL_PORT = 3306;

function ofAny({ pool, holder, connection }: TraceMessage): Attributes {
  return {
    [ATTRIBUTES.pool]: pool,
    [OWN.lease]: holder?.lease,
    [OWN.route]: holder?.route,
    [OWN.requestId]: holder?.requestId,
    [OWN.connection]: connection,
  };
}

export function ofAcquire(message: AcquireTrace): Attributes {
  const { waitedMs, connection, error } = message;
  const outcome = connection !== undefined ? 'acquired' : error === undefined ? 'withdrawn' : 'failed';
  return { ...ofAny(message), [OWN.waitedMs]: waitedMs, [OWN.outcome]: outcome };
}

export function ofQuery(message: QueryTrace, withText: boolean): Attributes {
  const { statement, system, database, address } = message;
  return {
    ...ofAny(message),
    [ATTRIBUTES.system]: system ?? 'mysql',
    [ATTRIBUTES.namespace]: database,
    [ATTRIBUTES.operation]: operationOf(statement),
    [ATTRIBUTES.queryText]: withText ? statement : undefined,
    [ATTRIBUTES.serverAddress]: address?.host,
    [ATTRIBUTES.serverPort]: address?.port === USUAL_PORT ? undefined : address?.port,
  };
}

export function ofTransaction(message: TransactionTrace): Attributes {
  const { isolation, readOnly, attempts, outcome } = message;
  return {
    ...ofAny(message),
    [OWN.isolation]: isolation,
    [OWN.readOnly]: readOnly,
    [OWN.attempts]: attempts,
    [OWN.outcome]: outcome,
  };
}

export function ofReset(message: ResetTrace): Attributes {
  return { ...ofAny(message), [OWN.resetHow]: message.how, [OWN.resetReason]: message.reason };
}

/** `SELECT`, `START TRANSACTION`, `COMMIT`: of the first words those that say what is done. */
export function operationOf(statement: string): string | undefined {
  const [, first, second] = /^[\s(]*([a-z]+)(?:\s+([a-z]+))?/i.exec(statement) ?? [];
  const word = first?.toUpperCase();
  return word === 'START' && second ? `${word} ${second.toUpperCase()}` : word;
}

/** An error by its code alone: its message may have been written by the server, with values in it. */
export function ofError(error: unknown): Attributes {
  const { code, errno, name } = (error ?? {}) as { code?: unknown; errno?: unknown; name?: unknown };
  const type = typeof code === 'string' ? code : typeof name === 'string' ? name : '_OTHER';
  return {
    [ATTRIBUTES.errorType]: type,
    // Below it are the codes of the operating system, which is no server's answer.
    [ATTRIBUTES.statusCode]: typeof errno === 'number' && errno >= 1_000 ? String(errno) : undefined,
  };
}
