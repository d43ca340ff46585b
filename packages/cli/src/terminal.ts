import { stripVTControlCharacters, styleText } from 'node:util';
import { escapedJson, printableLines } from './text.js';

export type Style = Parameters<typeof styleText>[0];

interface Out {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
}

interface TerminalStreams {
  readonly stdout: Out;
  readonly stderr: Out;
  readonly env: NodeJS.ProcessEnv;
}

const WIDTH_WITHOUT_TERMINAL = 100;

/** Where a command writes. */
export class Terminal {
  readonly #stdout: Out;
  readonly #stderr: Out;
  readonly colors: boolean;

  constructor({ stdout, stderr, env }: TerminalStreams) {
    this.#stdout = stdout;
    this.#stderr = stderr;
    this.colors = hasColors(stdout, env);
  }

  /** Whether somebody looks at it, and not a file or another program. */
  get isInteractive(): boolean {
    return this.#stdout.isTTY === true;
  }

  get columns(): number {
    return this.#stdout.columns ?? WIDTH_WITHOUT_TERMINAL;
  }

  /** One line, or several. What comes from elsewhere in it must have gone through `printable`. */
  print(text = ''): void {
    this.#stdout.write(`${text}\n`);
  }

  /** The only thing on stdout with `--json`, which may be a terminal all the same. */
  printJson(value: unknown): void {
    this.#stdout.write(`${escapedJson(JSON.stringify(value, null, 2))}\n`);
  }

  /** To stderr, escaped: what went wrong, or what is going on. */
  complain(text: string): void {
    this.#stderr.write(`${printableLines(text)}\n`);
  }

  style(style: Style, text: string): string {
    return this.colors ? styleText(style, text, { validateStream: false }) : text;
  }
}

/** On a terminal only, and not with NO_COLOR or TERM=dumb; FORCE_COLOR is for those who show the colours of a pipe, 0 = none. */
function hasColors({ isTTY }: Out, { NO_COLOR, FORCE_COLOR, TERM }: NodeJS.ProcessEnv): boolean {
  if (NO_COLOR || FORCE_COLOR === '0' || FORCE_COLOR === 'false') return false;
  return FORCE_COLOR ? true : isTTY === true && TERM !== 'dumb';
}

/** How many columns a text takes, its colours left out. */
export function widthOf(text: string): number {
  return stripVTControlCharacters(text).length;
}
