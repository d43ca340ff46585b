import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const CLI = dirname(createRequire(import.meta.url).resolve('@handback/cli/package.json'));

/** `handback doctor <url>`, and what it says. The password is given as its guide has it: apart from the url. */
export function doctor(given: string, options: readonly string[] = []): Promise<string> {
  const url = new URL(given);
  const { password } = url;
  url.password = '';
  return handback(['doctor', url.href, ...options], { HANDBACK_PASSWORD: password });
}

/** A command line, and what it prints. */
export function handback(args: readonly string[], env: Record<string, string> = {}): Promise<string> {
  const program = join(CLI, 'bin/handback.js');
  return new Promise((resolve) => {
    const options = { env: { PATH: process.env.PATH, ...env } };
    execFile(process.execPath, [program, ...args], options, (_error, stdout, stderr) =>
      // Where it has found something it does not end with 0.
      resolve(`$ npx handback ${args.join(' ')}\n${stdout}${stderr}`.trimEnd()),
    );
  });
}
