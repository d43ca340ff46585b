/** Transaction control, recognised only when the whole statement is nothing else. */

const NAME = /(?:`[^`]*`|"[^"]*"|\?\?|[\w$\u0080-\uffff]+)/;
const MODE = /(?:with\s+consistent\s+snapshot|read\s+(?:only|write))/;
const BEGIN = whole(
  `begin(?:\\s+work)?|start\\s+transaction(?:\\s+${MODE.source}(?:\\s*,\\s*${MODE.source})*)?`,
);
const END = whole(
  '(?:commit|rollback)(?:\\s+work)?(?:\\s+and\\s+(?:no\\s+)?chain)?(?:\\s+(?:no\\s+)?release)?',
);
const SAVEPOINT = whole(
  `(?:savepoint|release\\s+savepoint|rollback(?:\\s+work)?\\s+to(?:\\s+savepoint)?)\\s*${NAME.source}`,
);
/** A name has at most 64 characters; the rest is for spaces. Bounds what the patterns can cost. */
const LONGEST = 200;

function whole(pattern: string): RegExp {
  return new RegExp(`^\\s*(?:${pattern})\\s*;?\\s*$`, 'i');
}

export function beginsTransaction(code: string): boolean {
  return code.length <= LONGEST && BEGIN.test(code);
}

export function endsTransaction(code: string): boolean {
  return code.length <= LONGEST && END.test(code);
}

/** What leaves an open transaction as it is before it has done its own work. Of a CALL that is the procedure's affair. */
const WITHIN =
  /^\s*(?:(?:select|with|insert|replace|update|delete|show|describe|desc|explain|values|do|call|savepoint|release|commit|rollback|prepare|deallocate)\b|set\s+@\w|load\s+(?:data|xml)\s|(?:create(?:\s+or\s+replace)?|drop)\s+temporary\s|[(\s]+select\b)/i;

/** Commits what is open before it does anything, so that it is committed also when it fails. True when in doubt. */
export function commitsFirst(text: string): boolean {
  return !WITHIN.test(text);
}

/** Not with RELEASE, which closes the connection. */
export function isTransactionControl(code: string): boolean {
  if (code.length > LONGEST || (END.test(code) && /(?<!no)\s+release\b/i.test(code))) return false;
  return BEGIN.test(code) || END.test(code) || SAVEPOINT.test(code);
}
