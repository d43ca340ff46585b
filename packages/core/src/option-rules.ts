import { HandbackError } from './errors.js';

/** One option's rule: what is allowed, in words for the message and as a test. */
export interface Rule {
  readonly allowed: string;
  accepts(value: unknown): boolean;
}

function isWhole(value: unknown, least: number): boolean {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= least;
}

export function count(least: number): Rule {
  return { allowed: `a whole number of at least ${least}`, accepts: (value) => isWhole(value, least) };
}

/** Milliseconds; fractions make no sense, `Infinity` does where a deadline may be absent. */
export const duration: Rule = {
  allowed: 'milliseconds: a whole number of at least 0, 0 = off',
  accepts: (value) => isWhole(value, 0),
};

export const deadline: Rule = {
  allowed: 'milliseconds: a whole number of at least 0, or Infinity for none',
  accepts: (value) => value === Number.POSITIVE_INFINITY || isWhole(value, 0),
};

export const positiveDuration: Rule = {
  allowed: 'milliseconds: a whole number of at least 1',
  accepts: (value) => isWhole(value, 1),
};

export function oneOf(...values: readonly string[]): Rule {
  return {
    allowed: values.map((value) => `'${value}'`).join(', '),
    accepts: (value) => typeof value === 'string' && values.includes(value),
  };
}

export const text: Rule = {
  allowed: 'a non-empty string',
  accepts: (value) => typeof value === 'string' && value !== '',
};

export const anyFunction: Rule = { allowed: 'a function', accepts: (value) => typeof value === 'function' };

/** SQL as one text or a list of texts, or a function. */
export const script: Rule = {
  allowed: 'an SQL statement, a list of them, or a function',
  accepts: (value) =>
    typeof value === 'function' ||
    [value].flat().every((each) => typeof each === 'string' && each.trim() !== ''),
};

/** The type of a value, never the value itself: it may be a password that landed in the wrong place. */
export function typeOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number' && !Number.isInteger(value))
    return Number.isNaN(value) ? 'NaN' : `number ${value}`;
  return typeof value === 'number' ? `number ${value}` : typeof value;
}

export function invalid(name: string, allowed: string, value: unknown, cause?: unknown): HandbackError {
  return new HandbackError(
    'INVALID_OPTION',
    `Option '${name}' must be ${allowed}; got ${typeOf(value)}.`,
    cause === undefined ? {} : { cause },
  );
}

export type Rules = Readonly<Record<string, Rule>>;

/**
 * Checks that `options` is an object that holds only known options with allowed values. An option that is
 * `undefined` counts as not given.
 *
 * `hints`: what a name that others use is called here.
 *
 * @throws {HandbackError} INVALID_OPTION, naming the option, the type of its value and what is allowed.
 */
export function checkOptions(
  options: unknown,
  rules: Rules,
  what: string,
  hints: Readonly<Record<string, string>> = {},
): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new HandbackError(
      'INVALID_OPTION',
      `${what[0]?.toUpperCase()}${what.slice(1)} must be an object; got ${typeOf(options)}.`,
    );
  }
  for (const [name, value] of Object.entries(options)) {
    const rule = Object.hasOwn(rules, name) ? rules[name] : undefined;
    if (!rule) {
      throw new HandbackError(
        'INVALID_OPTION',
        `Unknown option '${name}' (${typeOf(value)}) in ${what}.${hintFor(name, hints)} Known options: ${Object.keys(rules).join(', ')}.`,
      );
    }
    if (value !== undefined && !rule.accepts(value)) throw invalid(name, rule.allowed, value);
  }
}

function hintFor(name: string, hints: Readonly<Record<string, string>>): string {
  return Object.hasOwn(hints, name) ? ` Here it is ${hints[name]}.` : '';
}
