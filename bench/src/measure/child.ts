import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export interface ChildOptions {
  /** A compiled file beside the caller: `new URL('./cell.js', import.meta.url)`. */
  program: URL;
  /** Handed over as JSON, in the first argument. */
  task: unknown;
  /** Node's own options, such as --expose-gc. */
  nodeOptions?: string[];
  signal: AbortSignal;
}

/**
 * Runs a program in a process of its own, so that no cell is warmed, or deoptimised, by the one before it.
 *
 * @returns what it printed on its last line, read as JSON
 * @throws {Error} with what it wrote to stderr, when it fails
 */
export async function runChild<Result>({
  program,
  task,
  nodeOptions = [],
  signal,
}: ChildOptions): Promise<Result> {
  const child = spawn(process.execPath, [...nodeOptions, fileURLToPath(program), JSON.stringify(task)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    signal,
  });
  let [out, err] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text) => {
    out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    err += text;
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  const last = out.trimEnd().split('\n').at(-1);
  if (code !== 0 || !last) throw new Error(`${program.pathname} ended with ${code}:\n${err || out}`);
  return JSON.parse(last);
}

/** What the parent gave to this process. */
export function taskOf<Task>(): Task {
  return JSON.parse(process.argv[2] ?? 'null');
}
