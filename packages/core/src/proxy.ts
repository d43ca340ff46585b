import type { ServerFacts } from './driver.js';
import { codeOf } from './lexer.js';
import type { ReadText } from './sql.js';

/** What MariaDB puts before its version in the handshake, for clients that would take 10 for less than 5. */
const PREFIX = /^5\.5\.5-(?=\d)/;

/**
 * Why it is not the server that answers, but a proxy (ProxySQL, MaxScale, RDS Proxy): it greets in its own name. null = nothing
 * says so.
 */
export function signOfProxy(greeting: string | undefined, facts: ServerFacts | null): string | null {
  if (greeting === undefined || facts === null) return null;
  const version = greeting.replace(PREFIX, '');
  if (version === '' || version === facts.version.replace(PREFIX, '')) return null;
  return `the greeting is of version ${version}, VERSION() is ${facts.version}`;
}

/** docs.aws.amazon.com, "Avoiding pinning an RDS Proxy": a longer text keeps the connection. */
const LONGEST_BYTES = 16 * 1_024;

/** The others know their prepared statements, and move them. */
const PREPARED = 'a prepared statement (RDS Proxy)';

const PINNING: readonly (readonly [pattern: RegExp, what: string])[] = [
  // Behind a quote it is part of an account's name.
  [/(?<![@\w$'`"])@(?![@\s])/, 'a user variable'],
  [/\bGET_LOCK\s*\(/i, 'GET_LOCK()'],
  [/\bCREATE\s+(?:OR\s+REPLACE\s+)?TEMPORARY\s+TABLE\b/i, 'a temporary table'],
  [/^\s*SET\b/i, 'SET'],
  [/^\s*LOCK\s+TABLES?\b/i, 'LOCK TABLES'],
  [/^\s*PREPARE\b/i, PREPARED],
  [/\b(?:SQL_CALC_FOUND_ROWS\b|FOUND_ROWS\s*\()/i, 'FOUND_ROWS()'],
];

const NONE: readonly string[] = [];

/** What of a statement makes a proxy keep a connection for this client alone, by the proxies' documentation; none = nothing. */
export function pinsOf(
  statement: ReadText & { readonly given: unknown; readonly prepared: boolean },
): readonly string[] {
  const { shape, text, prepared } = statement;
  const isLong = sizeOf(statement) > LONGEST_BYTES;
  // Nearly all statements: what is read once for each text says that nothing of it is in this one.
  if (!isLong && !prepared && shape.plain && !shape.needsSession) return NONE;
  const code = codeOf(text);
  const found = PINNING.filter(([pattern]) => pattern.test(code)).map(([, what]) => what);
  if (prepared) found.push(PREPARED);
  if (isLong) found.push('a text of more than 16 KB');
  return found;
}

/** Of the text with its values in it, about. */
function sizeOf({ text, given }: { readonly text: string; readonly given: unknown }): number {
  const bytes = Buffer.byteLength(text);
  if (typeof given !== 'object' || given === null) return bytes;
  const values: unknown[] = Array.isArray(given) ? given : Object.values(given);
  return values.reduce((sum: number, value) => sum + lengthOf(value), bytes);
}

function lengthOf(value: unknown): number {
  if (typeof value === 'string') return Buffer.byteLength(value);
  return Buffer.isBuffer(value) ? value.length * 2 : 0;
}
