import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { eventually } from '@handback/contract/support/eventually.js';

export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** A file of the examples in a process of its own, connected to this one by a channel. */
export class Program {
  readonly process: ChildProcess;
  stdout = '';
  readonly ended: Promise<Ended>;

  constructor(file: string, env: Record<string, string>, args: string[] = []) {
    const { PATH = '' } = process.env;
    this.process = fork(file, args, { env: { PATH, ...env }, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
    this.ended = this.#end();
  }

  async #end(): Promise<Ended> {
    const { stdout, stderr } = this.process as { stdout: Readable; stderr: Readable };
    stdout.setEncoding('utf8').on('data', (chunk) => {
      this.stdout += chunk;
    });
    // Not 'close': there is none after a disconnect().
    const [[code], complaints] = await Promise.all([
      once(this.process, 'exit'),
      text(stderr),
      once(stdout, 'end'),
    ]);
    return { code, stdout: this.stdout, stderr: complaints };
  }

  /** The address it printed. */
  url(): Promise<string> {
    return eventually(() => {
      const [url] = /http:\/\/127\.0\.0\.1:\d+/.exec(this.stdout) ?? [];
      if (!url) throw new Error(`no address in the output: ${this.stdout}`);
      return url;
    });
  }
}

/** Runs `work` with the program, which does not outlive it. */
export async function withProgram<T>(
  file: string,
  env: Record<string, string>,
  work: (program: Program) => Promise<T>,
  args?: string[],
): Promise<T> {
  const program = new Program(file, env, args);
  try {
    return await work(program);
  } finally {
    program.process.kill('SIGKILL');
    await program.ended;
  }
}
