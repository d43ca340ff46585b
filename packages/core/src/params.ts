import { HandbackError } from './errors.js';
import { quotedParts } from './lexer.js';
import { type Place, type Placeholder, placeholders } from './placeholders.js';

/** Where arrays and objects are refused as parameters of `query()`. */
export type StrictParams = 'context' | 'off' | 'all';

/** Rows in a list of rows, and one to spare. Deeper ones come from nobody who means well. */
const MAX_DEPTH = 4;
/** How the driver's formatter (sql-escaper, `expand()`) marks an object whose columns were chosen. */
const EXPANDED = Symbol.for('sql-escaper.expand');

const HELP =
  'Pass a string, number, boolean, Date, Buffer or null there, JSON as text; lists belong in IN (?), objects in SET ? (option strictParams).';

/** Values that the driver turns into one SQL literal, whatever their type says. */
function isScalarObject(value: object): boolean {
  return (
    value instanceof Date ||
    value instanceof Uint8Array ||
    Object.prototype.toString.call(value).startsWith('[object Temporal.')
  );
}

function isComposite(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !isScalarObject(value);
}

function isList(value: object): boolean {
  return Array.isArray(value) || value instanceof Set;
}

/** What JSON and query strings are parsed to: an instance of a class has a text of its own. */
function isPlainObject(value: object): boolean {
  const prototype = Object.getPrototypeOf(value);
  // That of another realm as well.
  return prototype === null || Object.getPrototypeOf(prototype) === null || value instanceof Map;
}

/** What `mysql.raw()` makes: nothing but the function. Anything richer comes from somewhere else, a text from JSON. */
function isDriversRaw(value: object): boolean {
  if (!hasSqlString(value)) return false;
  const keys = Reflect.ownKeys(value);
  return keys.length === 1 && keys[0] === 'toSqlString' && Object.getPrototypeOf(value) === Object.prototype;
}

function hasSqlString(value: object): boolean {
  return typeof (value as { toSqlString?: unknown }).toSqlString === 'function';
}

/** What the driver looks into; of an instance of a class it takes the text. */
function isContainer(value: object): boolean {
  return isList(value) || isPlainObject(value);
}

function innerValues(value: object): readonly unknown[] {
  if (Array.isArray(value)) return value;
  return value instanceof Map || value instanceof Set ? [...value.values()] : Object.values(value);
}

/** A number that SQL has no literal for: it would be read as the name of a column. */
function isNoNumber(value: unknown): boolean {
  return typeof value === 'number' && !Number.isFinite(value);
}

function unsafe(message: string): HandbackError {
  return new HandbackError('UNSAFE_PARAMETER', message);
}

function refuse(value: object, where: string): never {
  throw unsafe(`${isList(value) ? 'An array' : 'An object'} was given ${where}. ${HELP}`);
}

/** What is wrong wherever it stands, however deep. The driver would insert what `toSqlString()` returns as it is. */
function checkAnywhere(value: unknown, label: string, depth = 0): void {
  if (isNoNumber(value))
    throw unsafe(
      `NaN or an infinite number was given for ${label}: SQL has no such number (option strictParams).`,
    );
  if (typeof value !== 'object' || value === null || (isComposite(value) && isDriversRaw(value))) return;
  if (hasSqlString(value) && !(value instanceof Date || value instanceof Uint8Array)) {
    throw unsafe(
      `The value for ${label} brings its own toSqlString(); only mysql.raw() may (option strictParams).`,
    );
  }
  if (!isComposite(value) || !isContainer(value)) return;
  if (depth === MAX_DEPTH) throw unsafe(`The value for ${label} is nested too deeply (option strictParams).`);
  for (const inner of innerValues(value)) checkAnywhere(inner, label, depth + 1);
}

function checkValue(value: unknown, place: Place, mode: StrictParams, label: string): void {
  if (place !== 'name') checkAnywhere(value, label);
  if (!isComposite(value) || isDriversRaw(value)) return;
  if (mode === 'all') refuse(value, `for ${label}`);
  if (place === 'value') refuse(value, `for ${label}, where one value belongs`);
  if (place === 'name') checkName(value, label);
  else if (place === 'assignments') checkAssignments(value, label);
  else checkList(value, label);
}

/** `??` takes a list of names. */
function checkName(value: object, label: string): void {
  if (!Array.isArray(value)) refuse(value, `for ${label}, where a name belongs`);
  for (const inner of value) if (isComposite(inner)) refuse(inner, `in the list for ${label}`);
}

function checkAssignments(value: object, label: string): void {
  if (isList(value)) refuse(value, `for ${label}, where an object of assignments belongs`);
  const { value: chosen } = (Object.hasOwn(value, EXPANDED) ? value : { value }) as { value: object };
  for (const inner of innerValues(chosen)) {
    const isOneValue = !isComposite(inner) || isDriversRaw(inner) || !(isList(inner) || isPlainObject(inner));
    if (!isOneValue) refuse(inner as object, `inside the object for ${label}, where one value belongs`);
  }
}

function checkList(value: object, label: string): void {
  if (!isList(value)) {
    if (isPlainObject(value)) refuse(value, `for ${label}, where a value or a list belongs`);
    return;
  }
  for (const inner of innerValues(value)) {
    if (isComposite(inner) && !isDriversRaw(inner)) checkList(inner, label);
  }
}

/** A list in which nothing needs a look, as most are: single values, none of them an object. */
export function isPlainList(values: unknown): boolean {
  if (!Array.isArray(values) || Object.getPrototypeOf(values) !== Array.prototype) return false;
  for (const value of values) {
    if ((typeof value === 'object' && value !== null) || isNoNumber(value)) return false;
  }
  return true;
}

function needsALook(value: unknown): boolean {
  return isNoNumber(value) || isComposite(value);
}

/** Whether a value is SQL itself, as `mysql.raw()` makes it. */
export function carriesSql(values: unknown): boolean {
  if (!isComposite(values)) return false;
  return hasSqlString(values) || (isContainer(values) && innerValues(values).some(carriesSql));
}

/**
 * Refuses what turns one value into SQL of another shape: `{"password": {"password": 1}}` or `?id[]=1&id[]=2`
 * where one value belongs. Costs one look at each value while all are scalars.
 *
 * @param values those of `?`, by their number; anything else than an array is the value of the first one
 * @throws {HandbackError} UNSAFE_PARAMETER
 */
export function checkParams(sql: string, values: unknown, mode: StrictParams): void {
  if (mode === 'off' || values === undefined || values === null) return;
  const list: unknown[] = Array.isArray(values) ? values : [values];
  if (!list.some(needsALook)) return;
  const found = placeholders(sql);
  for (const [index, value] of list.entries()) {
    // One that is not found may be there for a server whose sql_mode ends literals elsewhere.
    const { place, number }: Placeholder = found[index] ?? { place: 'value', number: index + 1 };
    checkValue(value, place, mode, `placeholder ${number}`);
  }
}

/**
 * Of a prepared statement, which sends objects as JSON: what the driver would not take for one it reads as bytes, as
 * many as its `length` says.
 *
 * @throws {HandbackError} UNSAFE_PARAMETER
 */
export function checkExecuted(values: unknown, mode: StrictParams): void {
  if (mode === 'off' || typeof values !== 'object' || values === null) return;
  for (const [key, value] of Object.entries(values)) {
    if (!needsALook(value)) continue;
    const label = Array.isArray(values) ? `placeholder ${Number(key) + 1}` : `:${key}`;
    if (isNoNumber(value)) checkAnywhere(value, label);
    else if (isComposite(value) && !isList(value) && mayBeReadAsBytes(value) && !isDriversJson(value))
      refuse(value, `for ${label}, which can't be sent as JSON`);
  }
}

/** An instance of a class too, which may have been filled from JSON. */
function mayBeReadAsBytes(value: object): boolean {
  return isPlainObject(value) || (Object.hasOwn(value, 'length') && !(value instanceof String));
}

function isDriversJson(value: { constructor?: unknown; toJSON?: unknown }): boolean {
  return value.constructor === Object || typeof value.toJSON === 'function';
}

/**
 * The driver looks for names in comments and quoted names too, and for `?` elsewhere only: each value from there on takes the
 * place of the one before it. A prepared statement is sent with all of them, which the server then reads askew.
 *
 * @param sql its names replaced
 * @param values one for each name
 * @throws {HandbackError} UNSAFE_PARAMETER
 */
export function checkNames(sql: string, values: unknown, prepared: boolean): void {
  if (!Array.isArray(values) || values.length <= placeholders(sql).length) return;
  if (!prepared && !hidesOneBefore(sql)) return;
  throw unsafe(
    'A :name or ? stands in a comment, a quoted name or a text, where the driver takes it for a placeholder: values would go to the wrong places. Write it in another way (option strictParams).',
  );
}

/** A mark that is no placeholder, with a placeholder behind it. */
function hidesOneBefore(sql: string): boolean {
  for (const { start, end } of quotedParts(sql, { hintsAreCode: true }))
    if (sql.slice(start, end).includes('?')) return placeholders(sql.slice(end)).length > 0;
  return false;
}

/** Of `escape(value)`, which is told nothing of the place. @throws {HandbackError} UNSAFE_PARAMETER */
export function checkLiteral(value: unknown, mode: StrictParams): void {
  if (mode === 'off' || !needsALook(value)) return;
  checkValue(value, 'list', mode, 'escape()');
}
