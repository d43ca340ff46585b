import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { within } from '@handback/contract/support/eventually.js';
import type { Order, Report, Violation } from '../types.js';

/** Another process of a run, as the one that started it sees it. */
export class Child {
  readonly process: ChildProcess;
  readonly violations: Violation[] = [];
  counts: Record<string, number> = {};
  output = '';
  /** What comes next of each kind. */
  readonly #expected = new Map<string, (report: Report) => void>();
  readonly #ended: Promise<never>;

  constructor(file: string, task: unknown, execArgv: string[] = []) {
    this.process = fork(file, [JSON.stringify(task)], {
      execArgv,
      env: { PATH: process.env.PATH },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    for (const stream of [this.process.stdout, this.process.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.output += text;
      });
    }
    this.process.on('message', (report: Report) => this.#hear(report));
    this.#ended = once(this.process, 'exit').then(([code, signal]) => {
      throw new Error(`the process ended (${signal ?? code}): ${this.output}`);
    });
    // Whoever expects something of it hears of it.
    this.#ended.catch(() => {});
  }

  #hear(report: Report): void {
    if (report.kind === 'violation') this.violations.push(report);
    if (report.kind === 'counts') this.counts = report.counts;
    const key = report.kind === 'answer' ? `answer ${report.to}` : report.kind;
    const heard = this.#expected.get(key);
    this.#expected.delete(key);
    heard?.(report);
  }

  #expect(key: string, deadlineMs: number): Promise<Report> {
    const heard = new Promise<Report>((resolve) => {
      this.#expected.set(key, resolve);
    });
    return within(deadlineMs, `'${key}' of a process`, Promise.race([heard, this.#ended]));
  }

  async ready(): Promise<number> {
    const report = await this.#expect('ready', 15_000);
    return report.kind === 'ready' ? (report.port ?? 0) : 0;
  }

  tell(order: Order): void {
    this.process.send(order);
  }

  async ask<T>(what: string, value?: unknown): Promise<T> {
    const answer = this.#expect(`answer ${what}`, 30_000);
    this.tell({ kind: 'ask', what, value });
    const report = await answer;
    return (report.kind === 'answer' ? report.value : undefined) as T;
  }

  async kill(): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const gone = once(this.process, 'exit');
    this.process.kill('SIGKILL');
    await gone;
  }
}
