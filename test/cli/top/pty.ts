import { type IPty, spawn } from '@lydell/node-pty';
import headless from '@xterm/headless';
import { PROGRAM } from '../handback.js';

interface Waiter {
  readonly isThere: (screen: string) => boolean;
  readonly done: () => void;
}

interface Settings {
  readonly cols?: number;
  readonly rows?: number;
  readonly env?: NodeJS.Dict<string>;
}

/** The program on a pseudo-terminal of its own, and the screen that whoever sits there sees. */
export class OnTerminal {
  readonly #pty: IPty;
  readonly #screen: InstanceType<typeof headless.Terminal>;
  readonly #waiters = new Set<Waiter>();
  /** All that it wrote, with its control sequences. */
  raw = '';
  readonly exited: Promise<{ exitCode: number; signal: number | undefined }>;

  constructor(args: readonly string[], { cols = 120, rows = 30, env = {} }: Settings = {}) {
    this.#screen = new headless.Terminal({ cols, rows, allowProposedApi: true });
    this.#pty = spawn(process.execPath, [PROGRAM, ...args], {
      cols,
      rows,
      // Sets TERM.
      name: env.TERM ?? 'xterm-256color',
      env: { PATH: process.env.PATH, ...env },
    });
    this.#pty.onData((data) => {
      this.raw += data;
      this.#screen.write(data, () => this.#look());
    });
    // The last of the output may come after the exit: it is behind what was written before.
    this.exited = new Promise((done) =>
      this.#pty.onExit(({ exitCode, signal }) => this.#screen.write('', () => done({ exitCode, signal }))),
    );
  }

  get pid(): number {
    return this.#pty.pid;
  }

  /** What stands on the screen now, line by line. */
  get lines(): string[] {
    const { active } = this.#screen.buffer;
    return Array.from(
      { length: this.#screen.rows },
      (_, row) => active.getLine(active.viewportY + row)?.translateToString(true, 0, this.#screen.cols) ?? '',
    );
  }

  get text(): string {
    return this.lines.join('\n');
  }

  /** Whether it is the one that programs draw on, and not the shell's. */
  get isAlternate(): boolean {
    return this.#screen.buffer.active.type === 'alternate';
  }

  get wraps(): boolean {
    return this.#screen.modes.wraparoundMode;
  }

  press(keys: string): void {
    this.#pty.write(keys);
  }

  kill(signal: NodeJS.Signals): void {
    process.kill(this.#pty.pid, signal);
  }

  resize(cols: number, rows: number): void {
    this.#screen.resize(cols, rows);
    this.#pty.resize(cols, rows);
  }

  /** Resolves as soon as the screen is so; the test's own time limit is the only one. */
  until(expected: RegExp | ((screen: string) => boolean)): Promise<void> {
    const isThere = expected instanceof RegExp ? (screen: string) => expected.test(screen) : expected;
    return new Promise((done) => {
      this.#waiters.add({ isThere, done });
      this.#look();
    });
  }

  #look(): void {
    const { text } = this;
    for (const waiter of this.#waiters) {
      if (!waiter.isThere(text)) continue;
      this.#waiters.delete(waiter);
      waiter.done();
    }
  }

  /** Whatever a test leaves behind. */
  end(): void {
    try {
      this.#pty.kill('SIGKILL');
    } catch {
      // It has ended.
    }
    this.#screen.dispose();
  }
}
