import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** One of the applications, in a process of its own that ends with this one. */
export class App {
  readonly #process: ChildProcess;
  readonly #exited: Promise<unknown>;
  #url = '';
  /** What it has said on stderr: its log. */
  log = '';

  /** `file`: compiled, relative to the directory of the incidents. */
  constructor(file: string, env: Record<string, string>) {
    const { PATH = '' } = process.env;
    const path = fileURLToPath(new URL(`../${file}`, import.meta.url));
    this.#process = fork(path, {
      env: { PATH, ...env },
      execArgv: [],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    this.#exited = once(this.#process, 'exit');
    this.#process.stderr?.setEncoding('utf8').on('data', (text) => {
      this.log += text;
    });
  }

  /** Resolves when it listens. */
  async started(): Promise<this> {
    const message = once(this.#process, 'message').then(([{ port }]) => port as number);
    const port = await Promise.race([message, this.#exited.then(() => undefined)]);
    if (port === undefined) throw new Error(`An application of the incident has ended: ${this.log}`);
    this.#url = `http://127.0.0.1:${port}`;
    return this;
  }

  at(path: string): string {
    return `${this.#url}${path}`;
  }

  async stop(): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.#exited;
  }
}
