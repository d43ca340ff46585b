import { readFile } from 'node:fs/promises';
import { parseArguments } from './arguments.js';
import type { Command } from './command.js';
import { COMMANDS } from './commands.js';
import { CommandError, EXIT, UsageError } from './exit-codes.js';
import { commandHelp, generalHelp } from './help.js';
import { Terminal } from './terminal.js';
import { printable } from './text.js';

/** The arguments after the program's name. Resolves to the exit code, never rejects. */
export async function main(args: readonly string[], env = process.env): Promise<number> {
  const terminal = new Terminal({ stdout: process.stdout, stderr: process.stderr, env });
  endOnFaults(args, terminal);
  try {
    return await dispatch(args, terminal, env);
  } catch (error) {
    return report(error, args, terminal);
  }
}

/** What no promise of ours carries: nobody reads, the disk is full, the driver threw in an event. */
function endOnFaults(args: readonly string[], terminal: Terminal): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // `handback … | head`: whoever read has had enough.
    if (error.code === 'EPIPE') return;
    terminal.complain(`handback: its output could not be written: ${error.message}`);
    process.exit(EXIT.failed);
  });
  // Nobody is left to tell.
  process.stderr.on('error', () => {});
  process.on('uncaughtException', (error) => {
    // After the view has left the screen, which it does at the exit too.
    process.once('exit', () => report(error, args, terminal));
    process.exit(EXIT.failed);
  });
}

async function dispatch(
  args: readonly string[],
  terminal: Terminal,
  env: NodeJS.ProcessEnv,
): Promise<number> {
  const [first, ...rest] = args;
  if (first === undefined) {
    terminal.complain(generalHelp(COMMANDS));
    return EXIT.usage;
  }
  if (first === '--version' || first === '-v') {
    terminal.print(await version());
    return EXIT.ok;
  }
  if (first === '--help' || first === '-h' || first === 'help') return help(rest[0], terminal);
  const command = commandNamed(first);
  if (rest.includes('--help') || rest.includes('-h')) return help(first, terminal);
  const { values, positionals } = parseArguments(command.normalize?.(rest) ?? rest, command.options);
  return command.run({ values, positionals, terminal, env });
}

function help(name: string | undefined, terminal: Terminal): number {
  terminal.print(name === undefined ? generalHelp(COMMANDS) : commandHelp(commandNamed(name)));
  return EXIT.ok;
}

function commandNamed(name: string): Command {
  const command = COMMANDS.find((candidate) => candidate.name === name);
  if (command) return command;
  const names = COMMANDS.map((known) => known.name).join(', ');
  // Not repeated: it may be a url with a password in it.
  throw new UsageError(
    /^\w{1,20}$/.test(name)
      ? `no command ${name}; there is: ${names}`
      : `the first argument is a command: ${names}`,
  );
}

async function version(): Promise<string> {
  const manifest = await readFile(new URL('../package.json', import.meta.url), 'utf8');
  return String(JSON.parse(manifest).version);
}

/** With `--json` the document on stdout says it too. */
function report(error: unknown, args: readonly string[], terminal: Terminal): number {
  const { message, code } = error as Error & { code?: string };
  const isUsage = error instanceof UsageError;
  if (args.includes('--json')) terminal.printJson({ error: { message, ...(code && { code }) } });
  // In one line, if it may be the server's own words: a second one could pass for ours.
  terminal.complain(`handback: ${isUsage ? message : printable(message)}`);
  if (isUsage) {
    terminal.complain(
      `Try: handback ${COMMANDS.some(({ name }) => name === args[0]) ? `${args[0]} ` : ''}--help`,
    );
    return EXIT.usage;
  }
  if (!(error instanceof CommandError)) terminal.complain(String((error as Error).stack));
  return EXIT.failed;
}
