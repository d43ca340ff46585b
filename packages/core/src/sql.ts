import { codeOf } from './lexer.js';

/**
 * A conservative reading of SQL text. The rule for cleaning: a statement is *plain* only when nothing in it
 * can change the session; whatever is not provably plain counts as dirty. The raw text is searched, string
 * literals included, so that no quoting trick can hide anything: the price of a mistake is one reset too many.
 */

export interface SqlShape {
  /** Proved to leave the session as it was (an open transaction aside: the server reports that). */
  readonly plain: boolean;
  /** Several statements in one: it may have begun a transaction although it failed, and an error carries no status. */
  readonly compound: boolean;
  /** Reads or writes state that lives in the session, so it makes no sense on a connection of its own. */
  readonly needsSession: boolean;
  /** Changes what later statements of the same session mean: SET, USE, LOCK TABLES. */
  readonly changesSession: boolean;
  /** Takes on another role: COM_RESET_CONNECTION keeps it. */
  readonly changesRole: boolean;
  /** Selects another default schema. */
  readonly selectsSchema: boolean;
  /** The table that it creates for this session only. */
  readonly temporaryTable: string | undefined;
  readonly reads: { readonly insertId: boolean; readonly warnings: boolean; readonly counts: boolean };
  readonly identifierPlaceholder: boolean;
  readonly onlyReads: boolean;
  readonly definesRoutines: boolean;
  readonly begins: boolean;
  readonly endsTransaction: boolean;
}

const PLAIN_VERBS = new Set(
  'select with insert replace update delete show describe desc explain values begin start commit rollback savepoint release'.split(
    ' ',
  ),
);

/** Words and built-in functions that may stand before `(` in a plain statement. Anything else may be a stored function. */
const PLAIN_BEFORE_PARENTHESIS = new Set(
  `in values value and or not exists any all some on using over partition as by distinct when then else case where
  having select from join union except intersect set between like interval limit is if ifnull nullif coalesce
  greatest least count sum avg min max std stddev variance group_concat json_arrayagg json_objectagg bit_and bit_or
  bit_xor row_number rank dense_rank ntile lag lead first_value last_value nth_value cume_dist percent_rank
  abs ceil ceiling floor round truncate mod pow power sqrt exp ln log log2 log10 sign rand pi crc32 conv bin oct hex
  unhex ascii ord char concat concat_ws lower upper lcase ucase left right substring substr substring_index mid trim
  ltrim rtrim lpad rpad repeat reverse replace insert locate position instr find_in_set field elt format length
  char_length character_length octet_length bit_length strcmp space quote soundex regexp_replace regexp_substr
  regexp_instr to_base64 from_base64 md5 sha sha1 sha2 uuid now curdate curtime current_date current_time
  current_timestamp localtime localtimestamp sysdate utc_date utc_time utc_timestamp unix_timestamp from_unixtime
  date time timestamp year quarter month week day hour minute second microsecond dayofmonth dayofweek dayofyear
  weekday dayname monthname weekofyear yearweek date_add date_sub adddate subdate addtime subtime datediff timediff
  timestampdiff timestampadd date_format time_format str_to_date makedate maketime last_day to_days from_days
  to_seconds extract convert_tz cast convert binary int integer bigint decimal numeric varchar signed unsigned datetime
  json json_extract json_unquote json_object json_array json_contains json_contains_path json_length json_keys
  json_set json_insert json_replace json_remove json_merge_patch json_merge_preserve json_valid json_type json_value
  json_quote json_search json_table database schema user current_user session_user version connection_id sleep
  benchmark inet_aton inet_ntoa inet6_aton inet6_ntoa is_ipv4 is_ipv6 uuid_short interval`
    .split(/\s+/)
    .filter(Boolean),
);

const COMMENT = /\/\*|--|#/;
const VERB = /^[\s(]*([a-z]+)/i;
const INSERT_TARGET =
  /^\s*(?:insert|replace)\s+(?:(?:low_priority|delayed|high_priority|ignore)\s+)*(?:into\s+)?(?:`[^`]+`|[\w$]+)(?:\s*\.\s*(?:`[^`]+`|[\w$]+))?/i;
/** User and system variables, assignment, sequences, counted rows, and a second statement. */
const NOT_PLAIN = /@|:=|\bsql_calc_found_rows\b|\bnext\s+value\b|\bnextval\b|;\s*\S/i;
const TRANSACTION_START =
  /^\s*(?:begin(?:\s+work)?|start\s+transaction(?:\s+[a-z]+)*(?:\s*,(?:\s*[a-z]+)+)*)\s*;?$/i;

/** Whole ordinary comments in front, which can't be mistaken for anything else there. */
function skipLeadingComments(sql: string): number {
  let start = 0;
  for (;;) {
    while (isSpace(sql.charCodeAt(start))) start++;
    if (!sql.startsWith('/*', start) || /^\/\*M?!/.test(sql.slice(start, start + 4))) return start;
    const close = sql.indexOf('*/', start + 2);
    if (close === -1) return start;
    start = close + 2;
  }
}

/** A trailing comment can be told from a literal only when no quote stands before it. */
function withoutTrailingComment(sql: string): string {
  const text = sql.trimEnd().replace(/;$/, '').trimEnd();
  if (!text.endsWith('*/')) return sql;
  const start = text.lastIndexOf('/*');
  const before = text.slice(0, start);
  const ordinary = !/^\/\*M?!/.test(text.slice(start, start + 4));
  return start !== -1 && ordinary && !/['"`]/.test(before) && !COMMENT.test(before) ? before : sql;
}

function isPlain(text: string, verb: string): boolean {
  if (!PLAIN_VERBS.has(verb) || NOT_PLAIN.test(text) || COMMENT.test(text)) return false;
  if (verb === 'begin' || verb === 'start')
    return text.length < LONGEST_START && TRANSACTION_START.test(text);
  return callsOnlyBuiltIns(verb === 'insert' || verb === 'replace' ? text.replace(INSERT_TARGET, ' ') : text);
}

const LONGEST_START = 200;

/** Looks back from each parenthesis, so that the time stays in proportion to the length. */
function callsOnlyBuiltIns(text: string): boolean {
  for (let at = text.indexOf('('); at !== -1; at = text.indexOf('(', at + 1)) {
    let end = at;
    while (isSpace(text.charCodeAt(end - 1))) end--;
    // A name in quotes, of either kind: sql_mode ANSI_QUOTES makes names of the double ones.
    // So may a `??` placeholder be.
    if (/[`"?]/.test(text[end - 1] ?? '')) return false;
    let start = end;
    while (start > 0 && isWordCharacter(text.charCodeAt(start - 1))) start--;
    if (start < end && !PLAIN_BEFORE_PARENTHESIS.has(text.slice(start, end).toLowerCase())) return false;
  }
  return true;
}

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

const SESSION_VERBS = new Set(
  'set use lock unlock prepare execute deallocate handler begin start commit rollback savepoint release xa'.split(
    ' ',
  ),
);
const SESSION_STATE =
  /(^|[^@\w])@(?!@)|@@(?:session\.|local\.)?(?:last_insert_id|identity|insert_id|warning_count|error_count|found_rows)\b|\b(?:last_insert_id|row_count|found_rows|get_lock|release_lock|release_all_locks|lastval|previous\s+value)\b|\bsql_calc_found_rows\b|^\s*show\s+(?:count\s*\(\s*\*\s*\)\s+)?(?:warnings|errors)\b/i;
const TEMPORARY_TABLE =
  /^\s*create\s+(?:or\s+replace\s+)?temporary\s+table\s+(?:if\s+not\s+exists\s+)?(?:(?:`[^`]+`|[\w$\u0080-\uffff]+)\s*\.\s*)?(?:`([^`]+)`|([\w$\u0080-\uffff]+))/i;
const DROPS_TEMPORARY_TABLE = /^\s*drop\s+temporary\b/i;
const COMPOUND_VERBS = new Set(['call', 'execute', 'begin', 'if', 'case', 'loop', 'repeat', 'while', 'for']);
const SECOND_STATEMENT = /;\s*\S/;
const SELECTS_SCHEMA = /(?:^|;)\s*use\s/i;
const CHANGES_SESSION = new Set(['set', 'use', 'lock', 'call', 'handler', 'prepare']);

function read(sql: string): SqlShape {
  const text = withoutTrailingComment(sql.slice(skipLeadingComments(sql)));
  const verb = VERB.exec(text)?.[1]?.toLowerCase() ?? '';
  const bare = codeOf(text);
  const [, quoted, unquoted] = TEMPORARY_TABLE.exec(bare) ?? [];
  const temporaryTable = quoted ?? unquoted;
  const plain = isPlain(text, verb);
  const compound = !plain && (COMPOUND_VERBS.has(verb) || SECOND_STATEMENT.test(bare));
  return {
    plain,
    compound,
    needsSession:
      compound ||
      SESSION_VERBS.has(verb) ||
      temporaryTable !== undefined ||
      DROPS_TEMPORARY_TABLE.test(bare) ||
      SESSION_STATE.test(bare),
    changesSession: CHANGES_SESSION.has(verb),
    changesRole: /\bset\s+(?:default\s+)?role\b/i.test(bare),
    selectsSchema: SELECTS_SCHEMA.test(bare),
    temporaryTable,
    reads: {
      insertId: /last_insert_id|@@identity|@@insert_id|lastval|previous\s+value/i.test(bare),
      warnings: /^\s*show\s+(count\(\*\)\s+)?(warnings|errors)|@@(warning|error)_count/i.test(bare),
      counts: /found_rows|row_count/i.test(bare),
    },
    identifierPlaceholder: /\?\?|::/.test(sql),
    onlyReads: plain && !/^(insert|update|delete|replace|with|explain)/.test(verb),
    definesRoutines:
      /^\s*(create|alter|drop|rename)\b/i.test(bare) &&
      /\b(trigger|view|function|procedure|table)\b/i.test(bare),
    begins: plain && (verb === 'begin' || verb === 'start'),
    endsTransaction: /^\s*(commit|rollback)\b(?!\s+to)/i.test(bare),
  };
}

/** Texts repeat; a prepared application has a few hundred. Long ones carry values and would only fill it. */
const CACHE_ENTRIES = 1_000;
const CACHED_LENGTH = 2_000;
const cache = new Map<string, SqlShape>();

export function readSql(sql: string): SqlShape {
  const known = cache.get(sql);
  if (known) return known;
  const shape = read(sql);
  if (sql.length <= CACHED_LENGTH) {
    if (cache.size >= CACHE_ENTRIES) cache.clear();
    cache.set(sql, shape);
  }
  return shape;
}

/** Whether `sql` names `table` outside string literals. */
export function mentions(sql: string, table: string): boolean {
  const bare = codeOf(sql).toLowerCase();
  return (
    bare.split(/[^\w$\u0080-\uffff]+/).includes(table.toLowerCase()) ||
    bare.includes(`\`${table.toLowerCase()}\``)
  );
}
