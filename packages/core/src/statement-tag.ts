import type { StatementTag } from './driver.js';
import type { Holder } from './entry.js';
import type { ReadText } from './sql.js';

/** Code that the server keeps: with a comment behind it, and shows for ever to whoever looks at it. */
const STORED = /\b(?:procedure|function|trigger|event|package)\b/i;

/** It may define such code. */
export function isStored({ text, shape }: ReadText): boolean {
  return shape.definesRoutines && STORED.test(text);
}

/** Longer values are cut: a request's id may come from its client. */
const MOST_CHARACTERS = 128;
const SURROGATE = /[\ud800-\udfff]/;

/**
 * Where a statement comes from, for the server's process list and slow log. A prepared statement does not name its request: each
 * request would have one of its own prepared.
 */
export function tagOf({ route, method, requestId }: Holder, prepared: boolean): StatementTag {
  const attributes: Record<string, string> = {};
  if (method !== undefined) attributes.method = cut(method);
  if (requestId !== undefined) attributes.request_id = cut(requestId);
  attributes.route = cut(route);
  return { comment: commentOf(prepared ? { ...attributes, request_id: undefined } : attributes), attributes };
}

function cut(value: string): string {
  const start = value.slice(0, MOST_CHARACTERS);
  // Half a surrogate pair, which can't be encoded, becomes U+FFFD.
  return SURROGATE.test(start) ? Buffer.from(start).toString() : start;
}

/** As https://google.github.io/sqlcommenter/spec/ has it: keys in their order, values encoded as in a URL, between quotes. */
function commentOf(attributes: Readonly<Record<string, string | undefined>>): string {
  const pairs: string[] = [];
  for (const [key, value] of Object.entries(attributes))
    if (value !== undefined) pairs.push(`${key}='${encoded(value)}'`);
  return `/*${pairs.join(',')}*/`;
}

/** All that could end the comment or the quotes, or be taken for a placeholder, is in hexadecimal. */
function encoded(value: string): string {
  return encodeURIComponent(value).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
