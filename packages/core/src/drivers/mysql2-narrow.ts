import { HandbackError } from '../errors.js';
import { charsetOf } from './mysql2-charsets.js';

/**
 * Texts that the server would read otherwise than they were meant: mysql2 encodes a statement when its values have been
 * escaped, and what is a quote or a backslash only then is behind any escaping.
 */
interface Danger {
  readonly characters: RegExp;
  readonly named: string;
  readonly why: string;
}

/** Node's own one-byte encoding keeps the low byte of a character and drops the rest: of U+0127 a quote. */
const CUT: Danger = {
  characters: /[^\0-\xff]/,
  named: 'characters beyond U+00FF',
  why: 'mysql2 cuts them to one byte, which may be a quote',
};
const YEN: Danger = {
  characters: /\xa5/,
  named: 'the yen sign (U+00A5)',
  why: 'mysql2 writes it as a backslash',
};
/** In the extensions Big5-HKSCS and GBK, which the server's own sets are without. */
const EXTENDED: Danger = {
  characters: /[^\0-\x7f]/,
  named: 'characters beyond U+007F',
  why: 'mysql2 writes some of them in two bytes that the server takes for two characters, the second of which may be a backslash',
};

/** Each other one that mysql2 can write was tried with every character, and a quote and a backslash behind it. */
const DANGERS: Readonly<Record<string, Danger>> = {
  latin1: CUT,
  ascii: CUT,
  binary: CUT,
  sjis: YEN,
  cp932: YEN,
  ujis: YEN,
  eucjpms: YEN,
  big5: EXTENDED,
  gb2312: EXTENDED,
};

/** Why a text that is put together on this side must not be sent in this character set; null = it may. */
export function cannotCarry(charsetNumber: number, sql: unknown, values: unknown): HandbackError | null {
  const charset = charsetOf(charsetNumber);
  const danger = DANGERS[charset];
  if (!danger || (!holds(sql, danger) && !holds(values, danger))) return null;
  return new HandbackError(
    'UNSAFE_PARAMETER',
    `A text with ${danger.named} can't be sent safely in the character set ${charset}: ${danger.why}. Use utf8mb4.`,
  );
}

function holds(value: unknown, danger: Danger): boolean {
  if (typeof value === 'string') return danger.characters.test(value);
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return false;
  const { toSqlString } = value as { toSqlString?: unknown };
  if (typeof toSqlString === 'function') return holds(toSqlString.call(value), danger);
  const entries = value instanceof Map || value instanceof Set ? value.entries() : Object.entries(value);
  return [...entries].some(([key, inner]) => holds(key, danger) || holds(inner, danger));
}
