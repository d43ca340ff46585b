import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** What a worker says. */
export type Said = { ready: unknown } | { to: number; value: unknown } | { to: number; error: string };

export interface WorkerOptions {
  /** A compiled file: `new URL('./generator.js', import.meta.url)`. It calls `answer()` of worker-side.js. */
  program: URL;
  task: unknown;
  signal: AbortSignal;
}

/** A program in a process of its own that answers questions until it is ended. */
export class Worker<Ready = void> {
  readonly #process: ChildProcess;
  readonly #pending = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  readonly #exited: Promise<unknown>;
  #asked = 0;
  #complaints = '';
  #ready: (value: Ready) => void = () => {};
  #failed: (error: Error) => void = () => {};
  /** What it said of itself when it was set up. */
  ready!: Ready;

  private constructor({ program, task, signal }: WorkerOptions) {
    this.#process = fork(fileURLToPath(program), [JSON.stringify(task)], {
      signal,
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    this.#exited = once(this.#process, 'exit').catch(() => {});
    this.#process.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#complaints += text;
    });
    this.#process.on('error', (error) => this.#fail(error));
    // Not at its 'exit': what it wrote may still be on the way.
    this.#process.on('close', (code, by) => {
      this.#fail(new Error(`${program.pathname} ended (${by ?? code}):\n${this.#complaints}`));
    });
    this.#process.on('message', (said: Said) => this.#hear(said));
  }

  /** Resolves when it is set up. @throws {Error} with what it wrote to stderr, when it ends before */
  static async start<Ready = void>(options: WorkerOptions): Promise<Worker<Ready>> {
    options.signal.throwIfAborted();
    const worker = new Worker<Ready>(options);
    worker.ready = await new Promise<Ready>((resolve, reject) => {
      worker.#ready = resolve;
      worker.#failed = reject;
    });
    return worker;
  }

  ask<Value>(what: string, value?: unknown): Promise<Value> {
    const to = this.#asked++;
    return new Promise<Value>((resolve, reject) => {
      this.#pending.set(to, { resolve: resolve as (value: unknown) => void, reject });
      this.#process.send({ to, what, value }, (error) => error && this.#fail(error));
    });
  }

  /** Ends it at once, whatever it is doing. */
  async end(): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.#exited;
  }

  #hear(said: Said): void {
    if ('ready' in said) return this.#ready(said.ready as Ready);
    const pending = this.#pending.get(said.to);
    this.#pending.delete(said.to);
    if ('error' in said) pending?.reject(new Error(said.error));
    else pending?.resolve(said.value);
  }

  #fail(error: Error): void {
    this.#failed(error);
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
  }
}
