import { type Quoted, quotedParts } from './lexer.js';

const NUMBER = /(?<![\w$\u0080-\uffff])(?:0x[0-9a-f]+|\d+(?:\.\d+)?(?:e[+-]?\d+)?)(?![\w$])/gi;
const SHOWN_LENGTH = 300;
/** Of code without a quote no more is read, however many digits its numbers have. */
const READ_LENGTH = 10_000;

/**
 * The statement for reports: its literals and numbers replaced by `?`, its comments left out, cut to a length
 * that a log line bears.
 *
 * Where the end of a literal can't be told, the rest is left out rather than guessed: after a backslash in one
 * (whether it escapes depends on the server's sql_mode), and after the first literal of a text whose last quote
 * never closes.
 */
export function maskValues(sql: string): string {
  let masked = '';
  let beforeLiterals: string | null = null;
  let end = sql.search(/\S|$/);
  for (const part of quotedParts(sql)) {
    const { kind, start } = part;
    // Of the rest only that its quotes close is of interest: texts have megabytes.
    const isFull = masked.length > SHOWN_LENGTH;
    if (!isFull) masked += maskNumbers(sql, end, start);
    end = part.end;
    if (kind === 'open') return shorten(`${beforeLiterals ?? masked}…`);
    if (kind === 'literal') beforeLiterals ??= masked;
    if (!isFull) masked += shown(sql, part);
    if (kind === 'literal' && sql.slice(start, end).includes('\\')) return shorten(`${masked}…`);
  }
  if (masked.length <= SHOWN_LENGTH) masked += maskNumbers(sql, end, sql.length);
  return shorten(masked.trim());
}

function shown(sql: string, { kind, start, end }: Quoted): string {
  if (kind === 'name') return sql.slice(start, end);
  return kind === 'literal' ? '?' : ' ';
}

/** The code from `start` to `end`, or its beginning, not within a number. */
function maskNumbers(sql: string, start: number, end: number): string {
  if (end - start <= READ_LENGTH) return sql.slice(start, end).replace(NUMBER, '?');
  const beginning = sql.slice(start, start + READ_LENGTH).replace(/[\w$.+-]*$/, '');
  return `${beginning.replace(NUMBER, '?')}…`;
}

function shorten(text: string): string {
  if (text.length <= SHOWN_LENGTH) return text;
  // Not within one of those that take two.
  return `${text.slice(0, SHOWN_LENGTH).replace(/[\ud800-\udbff]$/, '')}…`;
}
