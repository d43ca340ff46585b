/** What `top` needs of the terminal. */
export interface ScreenStreams {
  readonly input: NodeJS.ReadStream;
  readonly output: NodeJS.WriteStream;
}

const ENTER = '\u001b[?1049h\u001b[?25l\u001b[?7l';
/** Lines wrap again, the cursor is back, and what was there before. */
const LEAVE = '\u001b[?7h\u001b[?25h\u001b[?1049l';
const HOME = '\u001b[H';
const CLEAR_LINE = '\u001b[K';
const CLEAR_BELOW = '\u001b[J';

/** The alternate screen, without a cursor and with each key at once. Whoever enters it leaves it, on every way out. */
export class Screen {
  readonly #streams: ScreenStreams;
  #entered = false;
  readonly #atExit = () => this.leave();

  constructor(streams: ScreenStreams) {
    this.#streams = streams;
  }

  get width(): number {
    return this.#streams.output.columns || 80;
  }

  get height(): number {
    return this.#streams.output.rows || 24;
  }

  enter(): void {
    const { input, output } = this.#streams;
    if (this.#entered) return;
    this.#entered = true;
    // Whatever ends the process.
    process.on('exit', this.#atExit);
    if (input.isTTY) input.setRawMode(true);
    output.write(ENTER);
  }

  /** The last line stays without a line break: it would move the first one off the screen. */
  draw(lines: readonly string[]): void {
    if (!this.#entered) return;
    const shown = lines.slice(0, this.height).map((line) => line + CLEAR_LINE);
    this.#streams.output.write(HOME + shown.join('\r\n') + CLEAR_BELOW);
  }

  leave(): void {
    const { input, output } = this.#streams;
    if (!this.#entered) return;
    this.#entered = false;
    process.off('exit', this.#atExit);
    output.write(LEAVE);
    if (input.isTTY) input.setRawMode(false);
  }
}
