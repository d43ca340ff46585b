import { HandbackError } from './errors.js';
import { quotedParts } from './lexer.js';

/** Where arrays and objects are refused as parameters of `query()`. */
export type StrictParams = 'context' | 'off' | 'all';

const PLACEHOLDER = /\?\??|:[a-z_]\w*/gi;
const AFTER_OPERATOR =
  /(?:[=<>!+\-*/%|&^~]|\b(?:like|rlike|regexp|between|and|or|xor|not|is|div|mod|binary))[\s(]*$/i;
/** `DUPLICATE KEY UPDATE ?` and `SET ?` end in a word, `IN (?)` in a parenthesis after one: none is an operator. */
const NOT_IN = /\bnot\s+in[\s(]*$/i;

/** Values that the driver turns into one SQL literal, whatever their type says. */
function isScalarObject(value: object): boolean {
  return (
    value instanceof Date ||
    ArrayBuffer.isView(value) ||
    Object.prototype.toString.call(value).startsWith('[object Temporal.')
  );
}

function isComposite(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !isScalarObject(value);
}

/** What `mysql.raw()` makes: nothing but the function. Anything richer comes from somewhere else. */
function isDriversRaw(value: object): boolean {
  const keys = Reflect.ownKeys(value);
  return keys.length === 1 && keys[0] === 'toSqlString' && Object.getPrototypeOf(value) === Object.prototype;
}

function hasSqlString(value: object): boolean {
  return typeof (value as { toSqlString?: unknown }).toSqlString === 'function';
}

function kindOf(value: object): string {
  return Array.isArray(value) ? 'An array' : 'An object';
}

function refuse(value: object, where: string): never {
  throw new HandbackError(
    'UNSAFE_PARAMETER',
    `${kindOf(value)} was given ${where}. Pass a string, number, boolean, Date, Buffer or null there; lists belong in IN (?) (option strictParams).`,
  );
}

function checkValue(value: unknown, mode: StrictParams, before: string, label: string): void {
  if (!isComposite(value)) return;
  if (isDriversRaw(value)) return;
  refuseForeignSql(value, label);
  if (mode === 'all') refuse(value, `for ${label}`);
  if (AFTER_OPERATOR.test(before) && !NOT_IN.test(before)) refuse(value, `for ${label}, after an operator`);
}

/** The driver would insert what `toSqlString()` returns as it is, also from inside a list or an object. */
function refuseForeignSql(value: unknown, label: string): void {
  if (!isComposite(value) || isDriversRaw(value)) return;
  if (hasSqlString(value)) {
    throw new HandbackError(
      'UNSAFE_PARAMETER',
      `The value for ${label} brings its own toSqlString(); only mysql.raw() may (option strictParams).`,
    );
  }
  for (const inner of Array.isArray(value) ? value : Object.values(value)) refuseForeignSql(inner, label);
}

function anyComposite(values: unknown): boolean {
  if (Array.isArray(values)) return values.some(isComposite);
  return isComposite(values) && Object.values(values).some(isComposite);
}

/** Whether a value is SQL itself, as `mysql.raw()` makes it. */
export function carriesSql(values: unknown): boolean {
  if (Array.isArray(values)) return values.some(carriesSql);
  if (!isComposite(values)) return false;
  return hasSqlString(values) || Object.values(values).some(carriesSqlItself);
}

/** Of an object's values the driver looks into lists, not into further objects. */
function carriesSqlItself(value: unknown): boolean {
  return Array.isArray(value) ? carriesSql(value) : isComposite(value) && hasSqlString(value);
}

/** Each placeholder with the code that stands before it. */
function* placeholders(sql: string): Generator<{ token: string; before: string }> {
  let before = '';
  let end = 0;
  const parts = [
    ...quotedParts(sql, { hintsAreCode: true }),
    { kind: 'comment', start: sql.length, end: sql.length },
  ];
  for (const part of parts) {
    const code = sql.slice(end, part.start);
    for (const { 0: token, index } of code.matchAll(PLACEHOLDER)) {
      yield { token, before: before + code.slice(0, index) };
    }
    before += code;
    before += part.kind === 'comment' || part.kind === 'versioned' ? ' ' : "''";
    end = part.end;
  }
}

/**
 * Refuses what turns one value into SQL of another shape: `{"password": {"password": 1}}` or `?id[]=1&id[]=2`
 * behind a comparison. Costs one look at each value while all are scalars.
 *
 * @throws {HandbackError} UNSAFE_PARAMETER
 */
export function checkParams(sql: string, values: unknown, mode: StrictParams, named: boolean): void {
  if (mode === 'off' || values === undefined || values === null) return;
  const composite = Array.isArray(values) || named ? anyComposite(values) : isComposite(values);
  if (!composite) return;
  const list = Array.isArray(values) ? values : [values];
  let index = 0;
  for (const { token, before } of placeholders(sql)) {
    if (token.startsWith(':')) {
      if (named) checkValue((values as Record<string, unknown>)[token.slice(1)], mode, before, token);
    } else {
      if (token === '?') checkValue(list[index], mode, before, `placeholder ${index + 1}`);
      index++;
    }
  }
}
