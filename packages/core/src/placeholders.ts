import { quotedParts } from './lexer.js';

/**
 * What a placeholder stands for where it stands: one `value`; a `list` (`IN (?)`, `VALUES ?`), which an array is
 * written out as; `assignments` (`SET ?`), which an object is written out as; or a `name` (`??`).
 */
export type Place = 'value' | 'list' | 'assignments' | 'name';

export interface Placeholder {
  /** From 1 on, as the driver counts its values. */
  readonly number: number;
  readonly place: Place;
}

/** Up to the next parenthesis, or within a pair of them. */
interface Frame {
  readonly kind: 'plain' | 'in' | 'row' | 'arguments' | 'field';
  clause: string;
  /** The last token: a word in lower case, or one character. */
  last: string;
  first: string;
}

/** What the driver and the server take for code, cut into words, placeholders and single characters. */
const TOKEN = /\/\*[!+]\d*|\*\/|\?+|[\w$\u0080-\uffff]+|[^\s]/g;
const WORD = /^[\w$\u0080-\uffff]/;
const CLAUSES = new Set(
  'select from where having on using limit offset order group set insert replace into update delete call window returning'.split(
    ' ',
  ),
);
/** Before a list of rows; the name of a column or a function elsewhere. */
const ROWS_MAY_FOLLOW = new Set(['', 'insert', 'replace', 'into', 'values']);
const SELECTED_NEXT = new Set(['select', 'distinct', 'all', ',']);
const QUERY = new Set(['select', 'with', 'table', 'values']);
/** A value with one of these behind it is an operand. */
const OPERATOR =
  /^(?:[=<>!+\-*/%|&^~]|like|rlike|regexp|between|and|or|xor|not|is|in|div|mod|sounds|member|collate|escape)$/;

/**
 * The placeholders of a text, found as the driver finds them: not in literals, quoted names and comments, but in
 * versioned ones; three marks or more are none.
 */
export function placeholders(sql: string): Placeholder[] {
  return new Placeholders().read(sql);
}

class Placeholders {
  readonly #found: { number: number; place: Place }[] = [];
  readonly #outer: Frame[] = [];
  #frame: Frame = { kind: 'plain', clause: '', last: '', first: '' };
  /** The one just before. */
  #pending: { place: Place } | null = null;

  read(sql: string): Placeholder[] {
    let end = 0;
    for (const part of quotedParts(sql, { hintsAreCode: true })) {
      this.#code(sql.slice(end, part.start));
      if (part.kind === 'name') this.#token('`');
      else if (part.kind !== 'comment' && part.kind !== 'versioned') this.#token("'");
      end = part.end;
    }
    this.#code(sql.slice(end));
    return this.#found;
  }

  #code(text: string): void {
    for (const [token] of text.matchAll(TOKEN)) {
      if (token.length === 1 || !/^(?:\/\*|\*\/)/.test(token)) this.#token(token.toLowerCase());
    }
  }

  #token(read: string): void {
    this.#lookBack(read);
    // Behind a dot any word is a name.
    const token = this.#frame.last === '.' && WORD.test(read) ? '`' : read;
    if (token === '(') return this.#open();
    if (token === ')') return this.#close();
    const frame = this.#frame;
    if (token === '?' || token === '??') this.#placeholder(token === '??');
    else this.#clause(token);
    frame.first ||= token;
    frame.last = token;
  }

  /** `SELECT ? = …` makes an operand of what looked like a list. */
  #lookBack(token: string): void {
    if (this.#pending && OPERATOR.test(token)) this.#pending.place = 'value';
    this.#pending = null;
  }

  #clause(word: string): void {
    const frame = this.#frame;
    if (word === 'values' || word === 'value') {
      if (ROWS_MAY_FOLLOW.has(frame.clause)) frame.clause = 'values';
    } else if (word === 'update' && frame.last === 'key') frame.clause = 'set';
    else if (CLAUSES.has(word)) frame.clause = word;
  }

  #open(): void {
    const { kind, clause, last, first } = this.#frame;
    this.#outer.push(this.#frame);
    const atStart = last === '' || last === ',';
    let inner: Frame['kind'] = 'plain';
    if (last === 'in') inner = 'in';
    else if (last === 'field') inner = 'field';
    else if (kind === 'in') inner = atStart && !QUERY.has(first) ? 'row' : 'plain';
    else if (kind !== 'plain') inner = 'plain';
    else if (clause === 'values' && (atStart || /^(?:values|value|row|\))$/.test(last))) inner = 'row';
    else if (clause === 'call') inner = 'arguments';
    // A piece of a statement, for format().
    else if (this.#outer.length === 1 && clause === '' && atStart) inner = 'in';
    this.#frame = { kind: inner, clause: '', last: '', first: '' };
  }

  #close(): void {
    this.#frame = this.#outer.pop() ?? { kind: 'plain', clause: '?', last: '', first: '' };
    this.#frame.first ||= '(';
    this.#frame.last = ')';
  }

  #placeholder(isName: boolean): void {
    const found = { number: this.#found.length + 1, place: isName ? 'name' : this.#place() } as const;
    this.#pending = isName ? null : found;
    this.#found.push(found);
  }

  #place(): Place {
    const { kind, clause, last, first } = this.#frame;
    const atStart = last === '' || last === ',';
    if (kind === 'in') return atStart && !QUERY.has(first) ? 'list' : this.#inClause();
    if (kind === 'field') return last === ',' ? 'list' : 'value';
    if (kind !== 'plain') return atStart ? 'list' : 'value';
    if (this.#outer.length === 0 && clause === '' && atStart) return 'list';
    return this.#inClause();
  }

  #inClause(): Place {
    const { clause, last } = this.#frame;
    if (clause === 'values') return /^(?:values|value|,)$/.test(last) ? 'list' : 'value';
    if (clause === 'select') return SELECTED_NEXT.has(last) ? 'list' : 'value';
    if (clause === 'set') return /^(?:set|update|,)$/.test(last) ? 'assignments' : 'value';
    return 'value';
  }
}
