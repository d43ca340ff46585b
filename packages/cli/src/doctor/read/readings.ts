import { CommandError } from '../../exit-codes.js';
import type { Ask, Row } from '../../session.js';
import type { Unseen } from '../picture.js';

/** The server refused a statement, and the session goes on. */
interface Refusal extends Error {
  readonly errno?: number;
  readonly code?: string;
  readonly fatal?: boolean;
}

/** Asks the server, and notes what it would not answer. */
export class Readings {
  readonly unseen: Unseen[] = [];
  readonly #ask: Ask;

  constructor(ask: Ask) {
    this.#ask = ask;
  }

  /** What any server answers, with at least one row. Rejects with CommandError. */
  async need(sql: string): Promise<readonly Row[]> {
    const rows = await this.#ask(sql).catch((error) => {
      throw gaveUp(error);
    });
    if (Array.isArray(rows) && rows.length > 0) return rows;
    throw new CommandError(
      'what answers there is not a MySQL or MariaDB server: it has no rows for SELECT and SHOW',
    );
  }

  /** null when the server refuses; then `missing` is noted. Rejects with CommandError when the session is lost. */
  async want(sql: string, missing?: Omit<Unseen, 'why'>): Promise<readonly Row[] | null> {
    try {
      const rows = await this.#ask(sql);
      return Array.isArray(rows) ? rows : [];
    } catch (error) {
      const refusal = error as Refusal;
      if (!isRefusal(refusal)) throw gaveUp(refusal);
      if (missing) this.unseen.push({ ...missing, why: refusal.message });
      return null;
    }
  }
}

/** The server is shut down, or has ended this session: it says so, and hangs up. */
const LAST_WORDS = new Set([1053, 1927]);

/** An answer of the server, and not the end of the connection. */
function isRefusal({ errno, fatal }: Refusal): boolean {
  return errno !== undefined && errno > 0 && !fatal && !LAST_WORDS.has(errno);
}

function gaveUp({ code, message }: Refusal): CommandError {
  const said = code === 'PROTOCOL_SEQUENCE_TIMEOUT' ? 'it does not answer any more' : message;
  return new CommandError(`the server was lost while it was looked at: ${said}`, code);
}

export function text(value: unknown): string {
  if (value === null || value === undefined) return '';
  return Buffer.isBuffer(value) ? value.toString('utf8') : String(value);
}

export function integer(value: unknown): number {
  const number = Number(value);
  return Number.isFinite(number) ? Math.trunc(number) : 0;
}

/** Of rows with a name and a value, by lower case name. */
export function byName(rows: readonly Row[]): Map<string, string> {
  const found = new Map<string, string>();
  for (const row of rows) {
    const [name, value] = Object.values(row);
    found.set(text(name).toLowerCase(), text(value));
  }
  return found;
}
