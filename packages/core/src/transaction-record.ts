import { HandbackError } from './errors.js';
import type { SqlShape } from './sql.js';

/** ER_LOCK_DEADLOCK, ER_LOCK_WAIT_TIMEOUT */
const DEADLOCK = 1213;
const LOCK_WAIT = 1205;

/** How far causes are followed: a chain that is longer goes round in circles. */
const LONGEST_CHAIN = 20;

/** An error of the server after which the same work may well succeed. */
export type Conflict = Error & { readonly errno: number };

/** One transaction of a session, as far as it decides whether all of it may be done again. */
export class TransactionRecord {
  /** Something may have committed a part of it, and the answer did not tell. */
  mayHaveCommitted = false;
  #conflicts: WeakSet<Error> | null = null;

  /** To be called before a statement is sent; `carriesSql` = its values hold SQL that its text does not show. */
  willRun({ compound, begins }: SqlShape, carriesSql: boolean): void {
    if (compound || begins || carriesSql) this.mayHaveCommitted = true;
  }

  didRun(sql: string, shape: SqlShape): void {
    // With AND CHAIN, or `completion_type`, the next one is open already.
    if (isCommit(sql, shape)) this.mayHaveCommitted = true;
  }

  /** A statement of it has failed. */
  failed(sql: string, shape: SqlShape, error: Error & { readonly errno?: number }): void {
    const commit = isCommit(sql, shape);
    // A refused COMMIT has been rolled back: a cluster certifies by it.
    const again = error.errno === DEADLOCK || (error.errno === LOCK_WAIT && !commit);
    if (again) {
      this.#conflicts ??= new WeakSet();
      this.#conflicts.add(error);
    } else if (commit) {
      this.mayHaveCommitted = true;
    }
  }

  /** The conflict of a statement of this very transaction that `error` is, or was caused by; null = neither. */
  conflictIn(error: unknown): Conflict | null {
    let each = error;
    for (let n = 0; n < LONGEST_CHAIN && each instanceof Error; n++) {
      if (each instanceof HandbackError && each.code === 'OUTCOME_UNKNOWN') return null;
      if (this.#conflicts?.has(each)) return each as Conflict;
      each = each.cause;
    }
    return null;
  }
}

function isCommit(sql: string, { endsTransaction }: SqlShape): boolean {
  return endsTransaction && /commit/i.test(sql);
}
