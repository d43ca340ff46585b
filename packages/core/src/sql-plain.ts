import { isTransactionControl } from './sql-transaction.js';
import { BUILT_IN, BUILT_IN_WHEN_TOUCHING, QUERY_VERBS } from './sql-words.js';

/**
 * Whether a text is proved to change nothing in its session. It is searched raw, string literals included, so that
 * no quoting trick and no sql_mode can hide anything: the price of a mistake is one reset too many.
 */

const COMMENT = /\/\*|--|#/;
/** MySQL's and MariaDB's comments that hold code. */
const VERSIONED = /^\/\*M?!/i;
const VERB = /^[\s(]*([a-z]+)(?![\w$\u0080-\uffff])/i;
const INSERT_TARGET =
  /^\s*(?:insert|replace)\s+(?:(?:low_priority|delayed|high_priority|ignore)\s+)*(?:into\s+)?(?:`[^`]+`|[\w$\u0080-\uffff]+)(?:\s*\.\s*(?:`[^`]+`|[\w$\u0080-\uffff]+))?/i;
/** User and system variables, assignment, sequences, counted rows, and a second statement. */
const NOT_PLAIN = /@|:=|\bsql_calc_found_rows\b|\bnext\s+value\b|\bnextval\b|;\s*\S/i;
/** The columns of a common table expression: nothing but names, and then what can't follow a call. */
const CTE_COLUMNS = /\(\s*[\w$]+\s*(?:,\s*[\w$]+\s*)*\)\s*as\s*\(/iy;

/** The text without the comments around it that can't be mistaken for anything else there. */
export function withoutOuterComments(sql: string): string {
  return withoutTrailingComment(sql.slice(skipLeadingComments(sql)));
}

function skipLeadingComments(sql: string): number {
  let start = 0;
  for (;;) {
    while (isSpace(sql.charCodeAt(start))) start++;
    const end = endOfComment(sql, start);
    if (end === 0) return start;
    start = end;
  }
}

/** @returns the position after the ordinary, closed comment at `start`, 0 if there is none */
function endOfComment(sql: string, start: number): number {
  if (sql[start] === '#' || sql.startsWith('-- ', start)) return sql.indexOf('\n', start) + 1;
  if (!sql.startsWith('/*', start) || isVersioned(sql, start)) return 0;
  const close = sql.indexOf('*/', start + 2);
  return close === -1 ? 0 : close + 2;
}

/** A trailing comment can be told from a literal, or from another comment's text, only when none stands before it. */
function withoutTrailingComment(sql: string): string {
  const text = sql.trimEnd().replace(/;$/, '').trimEnd();
  if (!text.endsWith('*/')) return sql;
  const start = text.lastIndexOf('/*');
  const before = text.slice(0, start);
  const ordinary = start !== -1 && !isVersioned(text, start);
  const last = text.indexOf('*/', start + 2) === text.length - 2;
  return ordinary && last && quotesOnlyNames(before) && !holdsComment(before) ? before : sql;
}

/** Whether nothing but names is quoted, and none of them is open at the end: backticks know no escapes. */
function quotesOnlyNames(text: string): boolean {
  return !/['"[]/.test(text) && text.split('`').length % 2 === 1;
}

function isVersioned(sql: string, start: number): boolean {
  return VERSIONED.test(sql.slice(start, start + 4));
}

/** The first word, in lower case. */
export function verbOf(text: string): string {
  return VERB.exec(text)?.[1]?.toLowerCase() ?? '';
}

export function isPlain(text: string, verb: string): boolean {
  if (NOT_PLAIN.test(text) || holdsComment(text)) return false;
  if (!QUERY_VERBS.has(verb)) return isTransactionControl(text);
  return callsOnlyBuiltIns(text, verb);
}

export function holdsComment(text: string): boolean {
  return COMMENT.test(text);
}

/**
 * Whether no stored function can be called. Looks back from each parenthesis, so that the time stays in proportion
 * to the length.
 *
 * @param alsoBuiltIn names beside those that leave the session alone
 */
export function callsOnlyBuiltIns(text: string, verb: string, alsoBuiltIn?: ReadonlySet<string>): boolean {
  const code = verb === 'insert' || verb === 'replace' ? text.replace(INSERT_TARGET, ' ') : text;
  for (let at = code.indexOf('('); at !== -1; at = code.indexOf('(', at + 1)) {
    if (!isHarmlessParenthesis(code, at, verb, alsoBuiltIn)) return false;
  }
  return true;
}

function isHarmlessParenthesis(
  code: string,
  at: number,
  verb: string,
  alsoBuiltIn: ReadonlySet<string> | undefined,
): boolean {
  const end = skipSpaceBack(code, at);
  // A name in quotes, of any kind: sql_mode ANSI_QUOTES makes names of the double ones, MSSQL has brackets.
  // So may a `??` placeholder be.
  if (/[`"\]?]/.test(code[end - 1] ?? '')) return false;
  let start = end;
  while (start > 0 && isWordCharacter(code.charCodeAt(start - 1))) start--;
  if (start === end) return true;
  const name = code.slice(start, end);
  // Lower case makes a `k` of the Kelvin sign; the server does not.
  if (!/^[\w$]+$/.test(name)) return false;
  const word = name.toLowerCase();
  const before = code[skipSpaceBack(code, start) - 1];
  // A schema's or a package's function may have any name, and a placeholder `::name` stands for any.
  if (before === '.' || before === ':') return false;
  if (BUILT_IN.has(word) || alsoBuiltIn?.has(word)) return true;
  if (BUILT_IN_WHEN_TOUCHING.has(word)) return end === at;
  // No call follows a closing parenthesis.
  if (word === 'against') return before === ')';
  return verb === 'with' && isCteColumns(code, at);
}

function isCteColumns(code: string, at: number): boolean {
  CTE_COLUMNS.lastIndex = at;
  return CTE_COLUMNS.test(code);
}

function skipSpaceBack(text: string, from: number): number {
  let end = from;
  while (isSpace(text.charCodeAt(end - 1))) end--;
  return end;
}

/** What the server takes for space: not the non-breaking ones. */
function isSpace(code: number): boolean {
  return code === 32 || (code >= 9 && code <= 13);
}

/** Letters, digits, `_`, `$`, and everything beyond ASCII. */
function isWordCharacter(code: number): boolean {
  return (
    (code >= 97 && code <= 122) ||
    (code >= 65 && code <= 90) ||
    (code >= 48 && code <= 57) ||
    code === 95 ||
    code === 36 ||
    code >= 128
  );
}
