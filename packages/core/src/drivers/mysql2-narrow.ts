import { HandbackError } from '../errors.js';
import { charsetOf } from './mysql2-charsets.js';

/**
 * Character sets that mysql2 writes with Node's own one-byte encoding, which keeps the low byte of a character and drops
 * the rest: U+0127 arrives as a quote, behind any escaping.
 */
const NARROW = new Set(['latin1', 'ascii', 'binary']);
const WIDE = /[^\0-\xff]/;

/** Why a text that is put together on this side must not be sent in this character set; null = it may. */
export function tooWide(charsetNumber: number, sql: unknown, values: unknown): HandbackError | null {
  const charset = charsetOf(charsetNumber);
  if (!NARROW.has(charset) || (!isWide(sql) && !isWide(values))) return null;
  return new HandbackError(
    'UNSAFE_PARAMETER',
    `A text with characters beyond U+00FF can't be sent safely in the character set ${charset}: mysql2 cuts them to one byte, which may be a quote. Use utf8mb4.`,
  );
}

function isWide(value: unknown): boolean {
  if (typeof value === 'string') return WIDE.test(value);
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return false;
  const { toSqlString } = value as { toSqlString?: unknown };
  if (typeof toSqlString === 'function') return isWide(toSqlString.call(value));
  return Object.entries(value).some(([key, inner]) => WIDE.test(key) || isWide(inner));
}
