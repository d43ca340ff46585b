/**
 * What stands in a statement, in the order in which the server would read it: comments, quoted names, literals,
 * numbers. A quote that begins nothing complete is matched by itself.
 */
const TOKEN =
  /(\/\*[\s\S]*?\*\/|--(?=\s|$)[^\n]*|#[^\n]*)|(`[^`]*`)|('(?:[^'\\]|\\[\s\S]|'')*'|"(?:[^"\\]|\\[\s\S]|"")*")|((?<![\w$\u0080-\uffff])(?:0x[0-9a-f]+|\d+(?:\.\d+)?(?:e[+-]?\d+)?)(?![\w$]))|(['"`]|\/\*)/gi;
const SHOWN_LENGTH = 300;

/**
 * The statement for reports: its literals and numbers replaced by `?`, its comments left out.
 *
 * Where the end of a literal can't be told, the rest is left out rather than guessed: after a backslash in one
 * (whether it escapes depends on the server's sql_mode), and after the first literal of a text whose last quote
 * never closes.
 */
export function maskValues(sql: string): string {
  let masked = '';
  let upToFirstLiteral: string | null = null;
  let end = 0;
  for (const match of sql.matchAll(TOKEN)) {
    const [token, comment, name, literal, , dangling] = match;
    masked += sql.slice(end, match.index);
    end = match.index + token.length;
    if (dangling !== undefined) return shorten(`${upToFirstLiteral ?? masked}…`);
    if (name !== undefined) masked += name;
    else if (comment !== undefined) masked += ' ';
    else if (literal === undefined) masked += '?';
    else {
      upToFirstLiteral ??= masked;
      masked += '?';
      if (literal.includes('\\')) return shorten(`${masked}…`);
    }
  }
  return shorten((masked + sql.slice(end)).trim());
}

function shorten(text: string): string {
  return text.length > SHOWN_LENGTH ? `${text.slice(0, SHOWN_LENGTH)}…` : text;
}
