import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const CLI = dirname(createRequire(import.meta.url).resolve('@handback/cli/package.json'));

/** `handback doctor <url>`, with what it says. The password is given as its guide says it. */
export function examine(url: string): Promise<string> {
  const { password, ...shown } = apart(url);
  const env = { PATH: process.env.PATH, HANDBACK_PASSWORD: password };
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [join(CLI, 'bin/handback.js'), 'doctor', shown.url],
      { env },
      (_error, stdout, stderr) =>
        // It ends with 1 where it has found something.
        resolve(`$ npx handback doctor ${shown.url}\n${stdout}${stderr}`.trimEnd()),
    );
  });
}

function apart(given: string): { url: string; password: string } {
  const url = new URL(given);
  const { password } = url;
  url.password = '';
  return { url: url.href, password };
}
