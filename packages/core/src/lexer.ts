/**
 * The quoted parts of an SQL text, read in one pass as the server reads it in its default sql_mode. What lies
 * between them is code.
 */
export interface Quoted {
  /** `versioned` = `/*! … *\/` and `/*M! … *\/`, whose content the server executes; `open` = a quote that never closes. */
  readonly kind: 'comment' | 'versioned' | 'name' | 'literal' | 'open';
  readonly start: number;
  readonly end: number;
}

/** `--` opens a comment before a space, a control character or the end: not before a non-breaking space. */
const OPENER = /['"`#]|\/\*|--(?![!-\uffff])/g;

export interface ReadingOptions {
  /** Versioned comments and optimizer hints count as code, as they do for the driver's formatter. */
  readonly hintsAreCode: boolean;
}

export function* quotedParts(sql: string, options?: ReadingOptions): Generator<Quoted> {
  for (let start = nextOpener(sql, 0); start !== -1; ) {
    if (options?.hintsAreCode && /^\/\*[!+]/.test(sql.slice(start, start + 3))) {
      start = nextOpener(sql, start + 2);
      continue;
    }
    const part = readPart(sql, start);
    yield part;
    start = nextOpener(sql, part.end);
  }
}

function nextOpener(sql: string, from: number): number {
  OPENER.lastIndex = from;
  return OPENER.exec(sql)?.index ?? -1;
}

function readPart(sql: string, start: number): Quoted {
  const quote = sql[start];
  if (quote === "'" || quote === '"') return closed('literal', start, endOfLiteral(sql, start, quote), sql);
  if (quote === '`') return closed('name', start, sql.indexOf('`', start + 1) + 1, sql);
  if (quote === '/') {
    const kind = /^\/\*M?!/i.test(sql.slice(start, start + 4)) ? 'versioned' : 'comment';
    const close = sql.indexOf('*/', start + 2);
    return closed(kind, start, close === -1 ? 0 : close + 2, sql);
  }
  const newline = sql.indexOf('\n', start);
  return { kind: 'comment', start, end: newline === -1 ? sql.length : newline + 1 };
}

function closed(kind: Quoted['kind'], start: number, end: number, sql: string): Quoted {
  return end === 0 ? { kind: 'open', start, end: sql.length } : { kind, start, end };
}

/** @returns the position after the closing quote, 0 if there is none */
function endOfLiteral(sql: string, start: number, quote: string): number {
  const stop = quote === "'" ? /['\\]/g : /["\\]/g;
  stop.lastIndex = start + 1;
  for (let match = stop.exec(sql); match; match = stop.exec(sql)) {
    const { index } = match;
    if (match[0] === '\\' || sql[index + 1] === quote) stop.lastIndex = index + 2;
    else return index + 1;
  }
  return 0;
}

/** The code of a text: literals become `''`, comments a space; quoted names and what versioned comments hold stay. */
export function codeOf(sql: string): string {
  let code = '';
  let end = 0;
  for (const part of quotedParts(sql)) {
    code += sql.slice(end, part.start);
    if (part.kind === 'literal' || part.kind === 'open') code += "''";
    else if (part.kind === 'comment') code += ' ';
    else code += withoutMarkers(sql.slice(part.start, part.end));
    end = part.end;
  }
  return code + sql.slice(end);
}

/** Where a literal ends depends on sql_mode (backslashes, ANSI_QUOTES) or on the server's version (comments). */
const AMBIGUOUS = /[\\"]|\/\*M?!|--\x7f/i;
const VERSION_MARKER = /\/\*M?!\d*/gi;

/** Like `codeOf`, of which it takes the result, but nothing is left out that some server might take for code. */
export function suspectCodeOf(sql: string, code: string): string {
  return AMBIGUOUS.test(sql) ? withoutMarkers(sql) : code;
}

/** The digits of a versioned comment would run into its first word. */
function withoutMarkers(text: string): string {
  return text.replace(VERSION_MARKER, ' ');
}
