import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Order, Report, Violation } from './types.js';

const killedAfterMs = 5_000;

export interface ChildOptions {
  /** What it is called in messages. */
  name: string;
  /** Its program, such as `./watcher/main.js`, beside this file. */
  program: string;
  /** Handed over as JSON. */
  task: unknown;
  /** Node's own options, such as --expose-gc. */
  nodeOptions?: string[];
  onViolation: (violation: Violation) => void;
  /** Everything it writes, line by line. */
  onLine?: (line: string, stream: 'stdout' | 'stderr') => void;
}

/** One process of a run: what it reports, what it is asked, and its end. Killed by its own id, and gone when we are. */
export class Child {
  readonly name: string;
  /** Cumulative, as last reported. */
  counts: Record<string, number> = {};
  readonly #process: ChildProcess;
  readonly #exited: Promise<string>;
  readonly #questions = new Map<string, Array<(value: unknown) => void>>();
  readonly #ready: Promise<void>;
  #port: number | undefined;
  #exit: string | undefined;
  readonly #last: string[] = [];

  private constructor({ name, program, task, nodeOptions = [], onViolation, onLine }: ChildOptions) {
    this.name = name;
    const file = fileURLToPath(new URL(program, import.meta.url));
    this.#process = spawn(process.execPath, [...nodeOptions, file, JSON.stringify(task)], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      // A Ctrl-C in the terminal is told to us, and we tell our children.
      detached: process.platform !== 'win32',
    });
    let ready: () => void = () => {};
    const isReady = new Promise<void>((resolve) => {
      ready = resolve;
    });
    this.#process.on('message', (report: Report) => {
      if (report.kind === 'ready') {
        this.#port = report.port;
        ready();
      }
      if (report.kind === 'violation') onViolation(report);
      if (report.kind === 'counts') this.counts = report.counts;
      if (report.kind === 'answer') this.#answered(report.to, report.value);
    });
    this.#exited = new Promise((resolve) => {
      this.#process.once('error', (error) => resolve(error.message));
      this.#process.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`));
    });
    void this.#exited.then((how) => {
      this.#exit = how;
    });
    this.#ready = Promise.race([isReady, this.#exited.then((how) => this.#gone(how))]);
    this.#ready.catch(() => {});
    for (const stream of ['stdout', 'stderr'] as const) {
      lines(this.#process[stream], (line) => {
        this.#keep(line);
        onLine?.(line, stream);
      });
    }
  }

  static begin(options: ChildOptions): Child {
    return new Child(options);
  }

  /** Rejects when it ends before it is ready. */
  get ready(): Promise<void> {
    return this.#ready;
  }

  /** Where it listens, if it does, once it is ready. */
  get port(): number | undefined {
    return this.#port;
  }

  get exited(): Promise<string> {
    return this.#exited;
  }

  /** How it ended, or undefined while it runs. */
  get exit(): string | undefined {
    return this.#exit;
  }

  tell(order: Order): void {
    if (this.#process.connected) this.#process.send(order);
  }

  /** @throws {Error} when it ends, or says nothing until the deadline */
  async ask<T>(what: string, value?: unknown, deadlineMs = 30_000): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const answer = new Promise<unknown>((resolve) => {
      this.#questions.set(what, [...(this.#questions.get(what) ?? []), resolve]);
    });
    const late = new Promise<never>((_, reject) => {
      const error = new Error(`${this.name} does not answer to "${what}" within ${deadlineMs} ms`);
      timer = setTimeout(() => reject(error), deadlineMs);
    });
    this.tell({ kind: 'ask', what, value });
    try {
      const ended = this.#exited.then((how) => this.#gone(how));
      return (await Promise.race([answer, late, ended])) as T;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Ends it politely, then not. */
  async stop(): Promise<string> {
    if (this.#exit !== undefined) return this.#exit;
    this.tell({ kind: 'stop' });
    const timer = setTimeout(() => this.#process.kill('SIGKILL'), killedAfterMs);
    try {
      return await this.#exited;
    } finally {
      clearTimeout(timer);
      if (this.#process.connected) this.#process.disconnect();
    }
  }

  kill(): void {
    this.#process.kill('SIGKILL');
  }

  #keep(line: string): void {
    this.#last.push(line);
    if (this.#last.length > 20) this.#last.shift();
  }

  #gone(how: string): never {
    throw new Error(`${this.name} has ended (${how}):\n${this.#last.join('\n')}`);
  }

  #answered(to: string, value: unknown): void {
    const [first, ...rest] = this.#questions.get(to) ?? [];
    this.#questions.set(to, rest);
    first?.(value);
  }
}

function lines(stream: NodeJS.ReadableStream | null, onLine: (line: string) => void): void {
  let rest = '';
  stream?.setEncoding('utf8');
  stream?.on('data', (chunk: string) => {
    const pieces = (rest + chunk).split('\n');
    rest = pieces.pop() ?? '';
    for (const piece of pieces) onLine(piece);
  });
  stream?.on('end', () => {
    if (rest) onLine(rest);
  });
}
