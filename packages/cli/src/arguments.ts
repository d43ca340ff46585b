import { parseArgs } from 'node:util';
import type { CommandOptions, Values } from './command.js';
import { UsageError } from './exit-codes.js';

/** Every command has these. */
export const COMMON_OPTIONS: CommandOptions = {
  json: { type: 'boolean', default: false, help: 'one JSON document on stdout instead of text' },
  help: { type: 'boolean', short: 'h', default: false, help: 'this text' },
};

interface Parsed {
  readonly values: Values;
  readonly positionals: readonly string[];
}

/** Throws UsageError for what is not known, or has no value. The message repeats no value: it may be a password. */
export function parseArguments(args: readonly string[], options: CommandOptions): Parsed {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: { ...COMMON_OPTIONS, ...options },
      allowPositionals: true,
      strict: true,
    });
    return { values, positionals };
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

/** As long as a timer of Node can wait: 24 days. */
const MOST = 2_147_483_647;

/** A whole number of at least `least`, or undefined where the option was not given. */
export function numberOption(values: Values, name: string, least = 0): number | undefined {
  const given = values[name];
  if (given === undefined) return undefined;
  const number = Number(given);
  if (typeof given === 'string' && /^\d+$/.test(given) && number >= least && number <= MOST) return number;
  throw new UsageError(`--${name} is a whole number from ${least} to ${MOST}`);
}

export function textOption(values: Values, name: string): string | undefined {
  const given = values[name];
  return typeof given === 'string' ? given : undefined;
}
