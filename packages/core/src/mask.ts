import { quotedParts } from './lexer.js';

const NUMBER = /(?<![\w$\u0080-\uffff])(?:0x[0-9a-f]+|\d+(?:\.\d+)?(?:e[+-]?\d+)?)(?![\w$])/gi;
const SHOWN_LENGTH = 300;

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
  let end = 0;
  for (const { kind, start, end: next } of quotedParts(sql)) {
    masked += maskNumbers(sql.slice(end, start));
    end = next;
    if (kind === 'open') return shorten(`${beforeLiterals ?? masked}…`);
    if (kind === 'name') masked += sql.slice(start, next);
    if (kind === 'comment' || kind === 'versioned') masked += ' ';
    if (kind !== 'literal') continue;
    beforeLiterals ??= masked;
    masked += '?';
    if (sql.slice(start, next).includes('\\')) return shorten(`${masked}…`);
  }
  return shorten((masked + maskNumbers(sql.slice(end))).trim());
}

function maskNumbers(code: string): string {
  return code.replace(NUMBER, '?');
}

function shorten(text: string): string {
  return text.length > SHOWN_LENGTH ? `${text.slice(0, SHOWN_LENGTH)}…` : text;
}
