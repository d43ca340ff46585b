import type { QueryOptions } from 'mysql2';
import type { Sent, Statement } from '../driver.js';
import { quotedParts } from '../lexer.js';

/** What is sent of `statement`: with its tag, if it has one. */
export function tagged(statement: Statement): Sent {
  const { tag, sql, values, prepared } = statement;
  if (!tag) return statement;
  const given: QueryOptions = typeof sql === 'string' ? { sql } : sql;
  // Only where the server takes them does the driver send them: MySQL since 8.0.23.
  const attributes = { ...tag.attributes, ...given.attributes };
  return { prepared, values, sql: { ...given, sql: withComment(given.sql, tag.comment), attributes } };
}

/** Behind the statement, and before the `;` at its end. A text with a quote or comment that never closes stays as it is. */
export function withComment(text: string, comment: string): string {
  const last = [...quotedParts(text)].at(-1);
  if (last?.kind === 'open') return text;
  const trimmed = text.trimEnd();
  const endsInComment = last?.kind === 'comment' && last.end >= trimmed.length;
  // One that lasts to the end of its line would have this one in it.
  if (endsInComment && !text.startsWith('/*', last.start)) return `${text}\n${comment}`;
  const end = trimmed.endsWith(';') ? trimmed.length - 1 : trimmed.length;
  return `${text.slice(0, end)} ${comment}${text.slice(end)}`;
}
