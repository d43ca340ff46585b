import { HandbackError } from './errors.js';

/** Where arrays and objects are refused as parameters of `query()`. */
export type StrictParams = 'context' | 'off' | 'all';

/**
 * Literals, comments and quoted names, which hold no placeholder, or a placeholder: `??`, `?` or `:name`. The
 * same reading as the driver's formatter, so that the n-th placeholder is the n-th value.
 */
const TOKEN =
  /'(?:[^'\\]|\\[\s\S])*'|"(?:[^"\\]|\\[\s\S])*"|`[^`]*`|\/\*(?![!+])[\s\S]*?\*\/|--(?:\s[^\n]*)?|#[^\n]*|\?\??|:[a-z_]\w*/gi;
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
  return Array.isArray(value) ? 'an array' : 'an object';
}

function refuse(value: object, where: string): never {
  throw new HandbackError(
    'UNSAFE_PARAMETER',
    `${kindOf(value)} was given ${where}. Pass a string, number, boolean, Date, Buffer or null there; lists belong in IN (?) (option strictParams).`,
  );
}

function checkValue(value: unknown, mode: StrictParams, before: string, label: string): void {
  if (!isComposite(value)) return;
  if (hasSqlString(value)) {
    if (isDriversRaw(value)) return;
    throw new HandbackError(
      'UNSAFE_PARAMETER',
      `The value for ${label} brings its own toSqlString(); only mysql.raw() may (option strictParams).`,
    );
  }
  if (mode === 'all') refuse(value, `for ${label}`);
  if (AFTER_OPERATOR.test(before) && !NOT_IN.test(before)) refuse(value, `for ${label}, after an operator`);
}

function anyComposite(values: unknown): boolean {
  if (Array.isArray(values)) return values.some(isComposite);
  return isComposite(values) && Object.values(values).some(isComposite);
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
  for (const match of sql.matchAll(TOKEN)) {
    const [token] = match;
    const before = sql.slice(0, match.index);
    if (token.startsWith(':') && named) {
      checkValue((values as Record<string, unknown>)[token.slice(1)], mode, before, token);
    } else if (token === '?' || token === '??') {
      if (token === '?') checkValue(list[index], mode, before, `placeholder ${index + 1}`);
      index++;
    }
  }
}
