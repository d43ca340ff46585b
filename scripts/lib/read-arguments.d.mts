import type { ParseArgsConfig, parseArgs } from 'node:util';

/** Something typed wrong: the message is all there is to show. */
export class UsageError extends Error {}

type Help = { help: { type: 'boolean'; short: 'h' } };

/** node:util's parseArgs with `--help` beside the options; what it refuses is a UsageError, with the usage text. */
export function parseOptionsOf<Options extends NonNullable<ParseArgsConfig['options']>>(
  args: string[],
  usage: string,
  config: { options: Options; allowPositionals?: boolean; allowNegative?: boolean },
): {
  values: ReturnType<typeof parseArgs<{ options: Options & Help }>>['values'];
  positionals: string[];
};

/**
 * Reads a program's arguments, and says what there is to say instead of running it.
 *
 * @param parse gives undefined where only help is asked for, and throws a UsageError
 * @returns the exit code where there is nothing to run
 */
export function readArguments<Options>(
  args: string[],
  parse: (args: string[]) => Options | undefined,
  usage: string,
): Options | number;
