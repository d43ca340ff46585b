import { quotedParts } from './lexer.js';
import { readSql } from './sql.js';

/**
 * Reads view definitions as information_schema.VIEWS gives them: names are quoted, columns and tables in full,
 * aliases always written out, stored functions called by a quoted name and built-in ones by a bare one.
 */

/** The columns of a common table expression, which look like arguments. */
const COLUMN_LIST = /\((?:`[^`]*`,?\s*)+\)(?=\s*as\s*\()/gi;
const SOURCE = /\b(?:from|join)\s*\(*\s*(?:`([^`]+)`|"([^"]+)")\s*\.\s*[`"]/gi;

/** The `from` of EXTRACT and TRIM has a column after it. */
const FROM_IN_A_CALL = /\b(?:extract\s*\(\s*\w+|trim\s*\(\s*(?:both|leading|trailing)\b[^()`]*?)\s+from\b/gi;

/** Nothing stored in the schema runs when the view is read, as far as its own text goes. */
export function callsOnlyBuiltIns(definition: string): boolean {
  return readSql(withoutAliases(definition.replace(COLUMN_LIST, ' '))).plain;
}

/**
 * An alias is often the expression itself: AS `total(net)`. A name that is called stays, and so does everything
 * in a text with a backslash, where the end of a literal can't be told.
 */
function withoutAliases(definition: string): string {
  if (definition.includes('\\')) return definition;
  let text = '';
  let end = 0;
  for (const { kind, start, end: next } of quotedParts(definition)) {
    const called = /^\s*\(/.test(definition.slice(next, next + 100));
    const quoted = kind === 'name' || kind === 'literal';
    text += definition.slice(end, start);
    text += quoted && !called ? "''" : definition.slice(start, next);
    end = next;
  }
  return text + definition.slice(end);
}

/** The schemas whose tables it may read; also an alias now and then, never one too few. */
export function sourceSchemas(definition: string): string[] {
  return [...definition.replace(FROM_IN_A_CALL, ' ').matchAll(SOURCE)].map(
    ([, back, double]) => back ?? double ?? '',
  );
}
