import { HandbackError } from './errors.js';
import { checkOptions, type Rule, type Rules } from './option-rules.js';

export type Isolation = 'read uncommitted' | 'read committed' | 'repeatable read' | 'serializable';

/** The transaction that each request of a route runs in. */
export interface RequestTransactionOptions {
  /** Default: the session's. */
  isolation?: Isolation | Uppercase<Isolation>;
  /** START TRANSACTION READ ONLY: the server refuses writes. @default false */
  readOnly?: boolean;
}

const ISOLATIONS: readonly string[] = [
  'READ UNCOMMITTED',
  'READ COMMITTED',
  'REPEATABLE READ',
  'SERIALIZABLE',
];

export const isolation: Rule = {
  allowed: ISOLATIONS.map((level) => `'${level.toLowerCase()}'`).join(', '),
  accepts: (value) => typeof value === 'string' && ISOLATIONS.includes(value.toUpperCase()),
};

export const flag: Rule = { allowed: 'true or false', accepts: (value) => typeof value === 'boolean' };

const TRANSACTION_RULES: Rules = { isolation, readOnly: flag };

/** What is inside an object is judged by {@link checkRequestOptions}, which names it. */
export const requestTransaction: Rule = {
  allowed: 'true, false, or { isolation, readOnly }',
  accepts: (value) =>
    typeof value === 'boolean' || (typeof value === 'object' && value !== null && !Array.isArray(value)),
};

interface Given {
  readonly transaction?: boolean | RequestTransactionOptions | undefined;
  readonly readOnly?: boolean | undefined;
}

/** @throws {HandbackError} INVALID_OPTION */
export function checkRequestOptions({ transaction, readOnly }: Given): void {
  if (typeof transaction === 'object') {
    checkOptions(transaction, TRANSACTION_RULES, "the option 'transaction'");
    if (transaction.readOnly === false && readOnly === true) throw contradiction();
  }
  if (transaction === false && readOnly === true) throw contradiction();
}

function contradiction(): HandbackError {
  return new HandbackError(
    'INVALID_OPTION',
    "Option 'readOnly' contradicts 'transaction': what is read only is the transaction.",
  );
}

/** What a route (or plugin) says of its transaction, on top of what holds without it. */
export function transactionSetting(
  base: RequestTransactionOptions | null,
  { transaction, readOnly }: Given,
): RequestTransactionOptions | null {
  if (transaction === false) return null;
  if (typeof transaction === 'object') return { readOnly: readOnly ?? false, ...defined(transaction) };
  if (transaction === true) return { ...base, readOnly: readOnly ?? base?.readOnly ?? false };
  if (readOnly === undefined) return base;
  return base || readOnly ? { ...base, readOnly } : null;
}

function defined(transaction: RequestTransactionOptions): RequestTransactionOptions {
  const { isolation: level, readOnly } = transaction;
  return {
    ...(level === undefined ? {} : { isolation: level }),
    ...(readOnly === undefined ? {} : { readOnly }),
  };
}
