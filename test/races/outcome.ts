import type { Queryable } from '#core/queryable.js';

/** What became of a promise: `ok`, or the name of its error; undefined = nothing so far. */
export class Watched {
  readonly name: string;
  /** Its error, if it has one. */
  error: unknown;
  ended: string | undefined;

  constructor(name: string, promise: Promise<unknown>) {
    this.name = name;
    promise.then(
      () => {
        this.ended = 'ok';
      },
      (error) => {
        this.error = error;
        this.ended = nameOf(error);
      },
    );
  }
}

/** For example `query ok, next POOL_CLOSED`. */
export function outcomes(all: readonly Watched[]): string {
  return all.map(({ name, ended }) => `${name} ${ended ?? 'pending'}`).join(', ');
}

function nameOf(error: unknown): string {
  const { name, code } = error as { name?: string; code?: unknown };
  if (name === 'AbortError') return name;
  return typeof code === 'string' ? code : `${error}`;
}

interface NonceRow {
  readonly nonce: string;
  readonly session: string;
  readonly owner: string | null;
  readonly inTransaction: string;
}

export function question(nonce: string): string {
  return `SELECT '${nonce}' AS nonce`;
}

/** Its rows must be the answer to it, and to nothing else. */
export function ownRows(nonce: string, [rows]: [unknown, unknown]): NonceRow {
  const found = rows as NonceRow[];
  if (found.length !== 2 || found.some((row) => row.nonce !== nonce))
    throw Object.assign(new Error(`${nonce} was answered ${JSON.stringify(found)}`), { code: 'WRONG_ROWS' });
  return found[0] as NonceRow;
}

/** Asks as somebody who begins anew: nothing of anybody else may be there. */
export async function askAsNew(pool: Queryable, nonce: string): Promise<void> {
  const { owner, inTransaction } = ownRows(nonce, await pool.query(question(nonce)));
  if (owner !== null || inTransaction !== '0')
    throw Object.assign(new Error(`${nonce} saw @owner ${owner}, in_transaction ${inTransaction}`), {
      code: 'FOREIGN_STATE',
    });
}
