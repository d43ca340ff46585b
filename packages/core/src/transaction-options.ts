import { checkOptions, count, invalid, type Rules } from './option-rules.js';
import { flag, type Isolation, isolation } from './request-options.js';

export type { Isolation };

export interface TransactionOptions {
  /** For this transaction alone. Default: the session's. */
  isolation?: Isolation | Uppercase<Isolation>;
  /** START TRANSACTION READ ONLY: the server refuses writes. @default false */
  readOnly?: boolean;
  /**
   * How often all of `fn` is run again after a deadlock (1213) or a lock wait that timed out (1205), with a little
   * time in between. `fn` must do nothing twice that a ROLLBACK does not undo. @default 0
   */
  retries?: number;
}

const RULES: Rules = { isolation, readOnly: flag, retries: count(0) };

/** @throws {HandbackError} INVALID_OPTION */
export function checkTransaction(fn: unknown, options: unknown): void {
  checkWork(fn);
  checkOptions(options, RULES, 'the transaction options');
}

/** @throws {HandbackError} INVALID_OPTION */
export function checkSavepoint(fn: unknown, options: unknown): void {
  checkWork(fn);
  const [name] = Object.keys(options ?? {});
  if (name === undefined) return;
  const where = 'absent: a savepoint has the options of the transaction around it';
  const why = name === 'retries' ? ', and a deadlock undoes all of that one: give it to the outer one' : '';
  throw invalid(name, where + why, (options as Record<string, unknown>)[name]);
}

function checkWork(fn: unknown): void {
  if (typeof fn !== 'function') throw invalid('fn', 'a function that is given the transaction', fn);
}
