import { callbackOf } from './answer-arguments.js';
import type { Clock, Timer } from './clock.js';

/** What is written within this time, and is no larger, counts as a whole: compression writes even a short body in pieces. */
const WHOLE_MS = 25;
const WHOLE_BYTES = 16_384;

/** The arguments of a `res.write()`. */
export type Piece = unknown[];

/** The pieces of a body that must not leave yet: all of a short one; of a long one, or a slow one, the last. */
export class HeldPieces {
  /** It is written piece by piece: something has left, or may. */
  begun = false;
  #pieces: Piece[] = [];
  #bytes = 0;
  #timer: Timer | null = null;
  readonly #clock: Clock;
  readonly #send: (piece: Piece) => boolean;

  constructor(clock: Clock, send: (piece: Piece) => boolean) {
    this.#clock = clock;
    this.#send = send;
  }

  get isEmpty(): boolean {
    return this.#pieces.length === 0;
  }

  /** @returns what `write()` would: false = wait for `drain` */
  add(piece: Piece): boolean {
    this.#bytes += lengthOf(piece);
    if (!this.begun && this.#bytes <= WHOLE_BYTES) {
      this.#timer ??= this.#clock.after(WHOLE_MS, () => this.#begin());
      return this.keep(piece);
    }
    this.begun = true;
    const ready = this.#sendFirst(lengthOf(piece) > 0 ? this.#pieces.length : 0);
    this.keep(piece);
    return ready;
  }

  /** However long it takes. Nobody would ever say `drain` for what was not written. */
  keep(piece: Piece): true {
    this.#pieces.push(this.#acknowledged(piece));
    return true;
  }

  /** Who waits for its callback would never write the next piece, nor the end. */
  #acknowledged(piece: Piece): Piece {
    const callback = callbackOf(piece);
    if (!callback) return piece;
    let told = false;
    const tell = (error?: Error) => {
      timer.cancel();
      if (!told) callback(error);
      told = true;
    };
    const timer = this.#clock.after(WHOLE_MS, tell);
    return piece.map((arg) => (arg === callback ? tell : arg));
  }

  /** What has not left, in order; it is no longer kept here. */
  take(): Piece[] {
    const pieces = this.#pieces;
    this.clear();
    return pieces;
  }

  clear(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#pieces = [];
    this.#bytes = 0;
  }

  /** It took its time. */
  #begin(): void {
    this.begun = true;
    const last = this.#pieces.findLastIndex((piece) => lengthOf(piece) > 0);
    this.#sendFirst(Math.max(0, last));
  }

  /** An empty piece is not the last one: with a Content-Length the piece before it ends the answer. */
  #sendFirst(count: number): boolean {
    let ready = true;
    for (const piece of this.#pieces.splice(0, count)) ready = this.#send(piece);
    return ready;
  }
}

function lengthOf([chunk]: Piece): number {
  if (typeof chunk === 'string') return Buffer.byteLength(chunk);
  return (chunk as Uint8Array | null | undefined)?.byteLength ?? 0;
}
