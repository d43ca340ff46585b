import { readFile } from 'node:fs/promises';
import { parseArguments } from './arguments.js';
import type { Command } from './command.js';
import { COMMANDS } from './commands.js';
import { CommandError, EXIT, UsageError } from './exit-codes.js';
import { commandHelp, generalHelp } from './help.js';
import { Terminal } from './terminal.js';

/** The arguments after the program's name. Resolves to the exit code, never rejects. */
export async function main(args: readonly string[], env = process.env): Promise<number> {
  const terminal = new Terminal({ stdout: process.stdout, stderr: process.stderr, env });
  // `handback … | head`: whoever read has had enough.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
  try {
    return await dispatch(args, terminal, env);
  } catch (error) {
    return report(error, args, terminal);
  }
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
  const expected = error instanceof UsageError || error instanceof CommandError;
  if (args.includes('--json')) terminal.printJson({ error: { message, ...(code && { code }) } });
  terminal.complain(`handback: ${message}`);
  if (error instanceof UsageError) {
    terminal.complain(
      `Try: handback ${COMMANDS.some(({ name }) => name === args[0]) ? `${args[0]} ` : ''}--help`,
    );
    return EXIT.usage;
  }
  if (!expected) terminal.complain(String((error as Error).stack));
  return EXIT.failed;
}
