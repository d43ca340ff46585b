import type { ParseArgsConfig } from 'node:util';
import type { Terminal } from './terminal.js';

type ParsedOption = NonNullable<ParseArgsConfig['options']>[string];

/** An option as `parseArgs` knows it, and as `--help` shows it. */
export type CommandOption = ParsedOption & {
  /** What it does; its default, where there is one. */
  readonly help: string;
  /** What stands after it in the help: `--app URL`. */
  readonly value?: string;
};

export type CommandOptions = Readonly<Record<string, CommandOption>>;

/** What was given on the command line, as strings and booleans. */
export type Values = Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>;

export interface Invocation {
  readonly values: Values;
  readonly positionals: readonly string[];
  readonly terminal: Terminal;
  readonly env: NodeJS.ProcessEnv;
}

/** One of the commands of `handback`. */
export interface Command {
  readonly name: string;
  /** One line for `handback --help`. */
  readonly summary: string;
  /** What stands after the name: `<url> [options]`. */
  readonly usage: string;
  /** Paragraphs between the usage and the options. */
  readonly description: string;
  readonly options: CommandOptions;
  /** Brings the arguments into a form that the parser takes, where people write them in another. */
  normalize?(args: readonly string[]): string[];
  /** Resolves to the exit code. Throws UsageError or CommandError. */
  run(invocation: Invocation): Promise<number>;
}
