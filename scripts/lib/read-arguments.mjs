import { parseArgs } from 'node:util';

/** Something typed wrong: the message is all there is to show. */
export class UsageError extends Error {}

const help = /** @type {const} */ ({ type: 'boolean', short: 'h' });

/**
 * node:util's parseArgs with `--help` beside the options; what it refuses is a UsageError, with the usage text.
 *
 * @param {string[]} args @param {string} usage @param {import('node:util').ParseArgsConfig} config
 */
export function parseOptionsOf(args, usage, config) {
  try {
    return parseArgs({ ...config, args, options: { ...config.options, help } });
  } catch (error) {
    // What follows is of arguments that begin with a dash and are no options: there are none here.
    const [message] = /** @type {Error} */ (error).message.split('. To specify a positional');
    throw new UsageError(`${message}\n\n${usage}`);
  }
}

/**
 * Reads a program's arguments, and says what there is to say instead of running it.
 *
 * @template Options
 * @param {string[]} args
 * @param {(args: string[]) => Options | undefined} parse gives undefined where only help is asked for, and throws a
 *   UsageError
 * @param {string} usage
 * @returns {Options | number} the exit code where there is nothing to run
 */
export function readArguments(args, parse, usage) {
  try {
    const options = parse(args);
    if (options !== undefined) return options;
    console.log(usage);
    return 0;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(error.message);
    return 2;
  }
}
