/** A wrong option: the message is all there is to show. */
export class UsageError extends Error {}

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
): Options | number {
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
