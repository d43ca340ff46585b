import type { Target } from './target.js';

interface Input extends NodeJS.ReadableStream {
  readonly isTTY?: boolean;
  setRawMode?(mode: boolean): unknown;
}

interface Asking {
  readonly env: NodeJS.ProcessEnv;
  readonly input?: Input;
  readonly output?: { write(text: string): unknown };
}

/** Whoever presses Ctrl-C at the prompt. */
const INTERRUPTED = 130;

/**
 * The url's, else HANDBACK_PASSWORD, else MYSQL_PWD, else whoever sits at the terminal is asked; without a terminal
 * there is none. '' = the account has no password.
 */
export async function passwordFor(target: Target, asking: Asking): Promise<string> {
  const { env, input = process.stdin, output = process.stderr } = asking;
  const known = target.passwordOfUrl() ?? env.HANDBACK_PASSWORD ?? env.MYSQL_PWD;
  if (known !== undefined) return known;
  if (!input.isTTY || !input.setRawMode) return '';
  return readHidden(`Password of ${target.label} (Enter for none): `, input, output);
}

/** One line, without an echo. */
function readHidden(prompt: string, input: Input, output: { write(text: string): unknown }): Promise<string> {
  return new Promise((resolve) => {
    let line = '';
    const end = () => {
      input.off('data', read);
      input.off('end', finish);
      input.setRawMode?.(false);
      input.pause();
      output.write('\n');
    };
    const finish = () => {
      end();
      resolve(line);
    };
    const read = (chunk: string | Buffer) => {
      for (const key of String(chunk)) {
        if (key === '\r' || key === '\n' || key === '\u0004') return finish();
        if (key === '\u0003') {
          end();
          process.exit(INTERRUPTED);
        }
        if (key === '\u007f' || key === '\b') line = [...line].slice(0, -1).join('');
        else if (key === '\u0015') line = '';
        else line += key;
      }
    };
    input.setRawMode?.(true);
    input.setEncoding('utf8');
    input.on('data', read);
    input.once('end', finish);
    input.resume();
    // Not before the echo is off: whoever types at once would show it.
    output.write(prompt);
  });
}
