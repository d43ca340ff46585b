import { maskValues } from './mask.js';

/** One statement as `db.log` shows it. */
export interface LoggedStatement {
  /** Its text, without values. */
  readonly sql: string;
  readonly durationMs: number;
  /** Rows read or affected; undefined where there is no such number. */
  readonly rows: number | undefined;
  /** Code of the error that it ended in. */
  readonly error: string | undefined;
}

/** The last statements of one request (Django's `connection.queries`), as many as the option `log` says. */
export class QueryLog {
  readonly #limit: number;
  readonly #entries: LoggedStatement[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** A copy, oldest first. */
  get entries(): LoggedStatement[] {
    return [...this.#entries];
  }

  /** `rowsRead`: of a stream, which has no result. */
  add(
    sql: string,
    durationMs: number,
    error: (Error & { code?: unknown }) | null,
    result: unknown,
    rowsRead?: number,
  ): void {
    if (this.#entries.length >= this.#limit) this.#entries.shift();
    this.#entries.push({
      sql: maskValues(sql),
      durationMs,
      rows: error ? undefined : (rowsOf(result) ?? rowsRead),
      // A DOMException's code is a number, and says less than its name.
      error: error ? (typeof error.code === 'string' ? error.code : error.name) : undefined,
    });
  }
}

function rowsOf(result: unknown): number | undefined {
  if (Array.isArray(result)) return result.length;
  const { affectedRows } = (result ?? {}) as { affectedRows?: number };
  return affectedRows;
}
