/** @returns the same, for mocha; undefined when only help is asked for. @throws {UsageError} */
export function parseTestArguments(args: string[]): string[] | undefined;
/** Which of the arguments are neither options nor their values. */
export function placesOfFiles(args: string[]): number[];
export const usage: string;
