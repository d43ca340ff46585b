import { COMMON_OPTIONS } from './arguments.js';
import type { Command, CommandOptions } from './command.js';

const EXIT_CODES = `Exit codes: 0 nothing serious, 1 something to change (warning or critical), 2 wrong usage,
3 it could not be done (no connection, no answer).`;

export function generalHelp(commands: readonly Command[]): string {
  return `Usage: handback <command> [options]

Where are the database connections?

Commands:
${columns(commands.map(({ name, summary }) => [name, summary]))}

handback <command> --help says more about one.
  --version  the version
${EXIT_CODES}`;
}

export function commandHelp({ name, usage, description, options }: Command): string {
  return `Usage: handback ${name} ${usage}

${description.trim()}

Options:
${columns(optionRows({ ...options, ...COMMON_OPTIONS }))}

${EXIT_CODES}`;
}

function optionRows(options: CommandOptions): [string, string][] {
  return Object.entries(options).map(([name, { short, value, help }]) => [
    `${short ? `-${short}, ` : ''}--${name}${value ? ` ${value}` : ''}`,
    help,
  ]);
}

function columns(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`).join('\n');
}
