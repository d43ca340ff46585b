import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { AppTask, Order, Reply } from './orders.js';

const killedAfterMs = 3_000;

/** One application in a process of its own. */
export class AppProcess {
  readonly port: number;
  readonly #child: ChildProcess;
  readonly #exited: Promise<string>;

  private constructor(child: ChildProcess, exited: Promise<string>, port: number) {
    this.#child = child;
    this.#exited = exited;
    this.port = port;
  }

  /** @throws {Error} with what it wrote to stderr, when it does not get to listening */
  static async start(task: AppTask, signal: AbortSignal): Promise<AppProcess> {
    signal.throwIfAborted();
    const program = fileURLToPath(new URL('./serve.js', import.meta.url));
    const child = fork(program, [JSON.stringify(task)], {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      signal,
    });
    let stderr = '';
    child.stderr?.setEncoding('utf8').on('data', (text) => {
      stderr += text;
    });
    const exited = new Promise<string>((resolve) => {
      child.once('error', (error) => resolve(error.message));
      child.once('close', (code, killed) => resolve(`ended with ${code ?? killed}:\n${stderr}`));
    });
    const ready = once(child, 'message') as Promise<[Reply]>;
    const first = await Promise.race([ready, exited]);
    if (typeof first === 'string') throw new Error(`${task.framework}/${task.contender} ${first}`);
    const [reply] = first;
    if (reply.kind !== 'ready') throw new Error('an answer came before the process was ready');
    return new AppProcess(child, exited, reply.port);
  }

  /** User and system time of the whole process so far, in microseconds. */
  async cpuUs(): Promise<number> {
    return (await this.#ask({ kind: 'cpu' })) as number;
  }

  /** Connections its contender has taken, if it counts them. */
  async acquired(): Promise<number | null> {
    return (await this.#ask({ kind: 'acquired' })) as number | null;
  }

  async startProfile(): Promise<void> {
    await this.#ask({ kind: 'profile' });
  }

  async writeProfile(file: string): Promise<void> {
    await this.#ask({ kind: 'profiled', file });
  }

  /** Closes the application and ends its process; kills it when it will not end. */
  async stop(): Promise<void> {
    const killing = setTimeout(() => this.#child.kill('SIGKILL'), killedAfterMs);
    try {
      // It has gone already, or goes before it answers: either is the end.
      this.#child.send({ kind: 'close' } satisfies Order, () => {});
      await this.#exited;
    } finally {
      clearTimeout(killing);
    }
  }

  /** One at a time. */
  async #ask(order: Order): Promise<unknown> {
    const answered = once(this.#child, 'message') as Promise<[Reply]>;
    this.#child.send(order);
    const first = await Promise.race([answered, this.#exited]);
    if (typeof first === 'string') throw new Error(first);
    const [reply] = first;
    if (reply.kind !== 'answer') throw new Error(`'${reply.kind}' is no answer`);
    return reply.value;
  }
}
