import { frame, type Shown } from './frame.js';
import { type Key, keysIn } from './keys.js';
import type { Paint } from './lines.js';
import type { Screen, ScreenStreams } from './screen.js';

/** What ends the process from outside, with the exit code that a shell expects then. */
const SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

export interface LiveParts {
  readonly screen: Screen;
  readonly streams: ScreenStreams;
  readonly paint: Paint;
  readonly intervalMs: number;
  /** Takes the next look. Never rejects. */
  readonly look: () => Promise<Shown>;
}

/** Looks again and again, draws, and does what the keys say. */
export class Live {
  readonly #parts: LiveParts;
  #shown: Shown | undefined;
  #scroll = 0;
  #page = 1;
  #paused = false;
  #over = false;
  #timer: NodeJS.Timeout | undefined;
  #finish: (exitCode: number) => void = () => {};
  #fail: (error: unknown) => void = () => {};

  constructor(parts: LiveParts) {
    this.#parts = parts;
  }

  /** Until somebody ends it; resolves to the exit code. */
  async run(): Promise<number> {
    const { screen } = this.#parts;
    const done = new Promise<number>((resolve, reject) => {
      this.#finish = resolve;
      this.#fail = reject;
    });
    const unlisten = this.#listen();
    screen.enter();
    try {
      this.#next();
      return await done;
    } finally {
      this.#over = true;
      clearTimeout(this.#timer);
      unlisten();
      screen.leave();
    }
  }

  #listen(): () => void {
    const { input, output } = this.#parts.streams;
    const signals = Object.entries(SIGNALS).map(([name, code]) => ({ name, end: () => this.#finish(code) }));
    const press = (chunk: string | Buffer) =>
      this.#guard(() => {
        for (const key of keysIn(String(chunk))) this.#press(key);
      });
    const end = () => this.#finish(0);
    const redraw = () => this.#guard(() => this.#draw());
    const resume = () => this.#guard(() => this.#resume());
    for (const { name, end } of signals) process.on(name, end);
    process.on('SIGCONT', resume);
    output.on('resize', redraw);
    if (input.isTTY) input.setEncoding('utf8').on('data', press).on('end', end).resume();
    return () => {
      for (const { name, end } of signals) process.off(name, end);
      process.off('SIGCONT', resume);
      output.off('resize', redraw);
      if (input.isTTY) input.off('data', press).off('end', end).pause();
    };
  }

  /** What goes wrong in an event ends the view, and not without leaving the screen. */
  #guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#fail(error);
    }
  }

  #next(): void {
    this.#parts.look().then(
      (shown) => this.#guard(() => this.#arrived(shown)),
      (error) => this.#fail(error),
    );
  }

  #arrived(shown: Shown): void {
    if (this.#over) return;
    if (!this.#paused) {
      this.#shown = shown;
      this.#draw();
    }
    this.#timer = setTimeout(() => this.#next(), this.#parts.intervalMs);
  }

  #draw(): void {
    const { screen, paint } = this.#parts;
    if (!this.#shown) return screen.draw(['handback top: asking …']);
    const drawn = frame({ ...this.#shown, paused: this.#paused }, screen, this.#scroll, paint);
    this.#scroll = drawn.scroll;
    this.#page = drawn.page;
    screen.draw(drawn.lines);
  }

  #press(key: Key): void {
    if (key === 'quit') return this.#finish(0);
    if (key === 'suspend') return this.#suspend();
    if (key === 'pause') this.#paused = !this.#paused;
    else this.#scroll = Math.max(0, this.#scroll + this.#step(key));
    this.#draw();
  }

  #step(key: Key): number {
    const steps: Partial<Record<Key, number>> = {
      up: -1,
      down: 1,
      'page-up': -this.#page,
      'page-down': this.#page,
      home: -this.#scroll,
      // The frame knows where the end is.
      end: Number.MAX_SAFE_INTEGER / 2,
    };
    return steps[key] ?? 0;
  }

  /** Ctrl-Z: the shell gets its screen back until `fg`. */
  #suspend(): void {
    this.#parts.screen.leave();
    process.kill(process.pid, 'SIGTSTP');
  }

  #resume(): void {
    this.#parts.screen.enter();
    this.#draw();
  }
}
