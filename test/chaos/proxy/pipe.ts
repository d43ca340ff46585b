import type { Socket } from 'node:net';
import type { Flow } from './flow.js';

/** That many bytes may wait here before the sender has to. */
const ROOM = 256 * 1024;
const SLICE_MS = 50;

interface Held {
  bytes: Buffer;
  /** By performance.now(). */
  due: number;
}

/** One direction of a connection: bytes, and at last their end, in order, at the pace of the flow. */
export class Pipe {
  readonly #from: Socket;
  readonly #to: Socket;
  #held: Held[] = [];
  #size = 0;
  #isEnded = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(from: Socket, to: Socket) {
    this.#from = from;
    this.#to = to;
    to.on('drain', () => this.#pump());
    to.once('close', () => this.#drop());
  }

  push(bytes: Buffer, flow: Flow): void {
    if (bytes.length === 0 || this.#isEnded || this.#to.destroyed) return;
    for (const held of paced(bytes, flow, this.#held.at(-1)?.due ?? performance.now())) {
      this.#held.push(held);
      this.#size += held.bytes.length;
    }
    this.#pump();
  }

  /** No more bytes will come: once the last has passed, the other side hears so. */
  end(): void {
    this.#isEnded = true;
    this.#pump();
  }

  /** What waits for its time need not any more. */
  hurry(): void {
    for (const held of this.#held) held.due = 0;
    this.#pump();
  }

  #pump(): void {
    clearTimeout(this.#timer);
    while (this.#held[0] && !this.#to.writableNeedDrain) {
      const wait = this.#held[0].due - performance.now();
      if (wait > 0) {
        this.#timer = setTimeout(() => this.#pump(), wait);
        break;
      }
      const { bytes } = this.#held.shift() as Held;
      this.#size -= bytes.length;
      this.#to.write(bytes);
    }
    if (this.#size > ROOM || this.#to.writableNeedDrain) this.#from.pause();
    else if (this.#from.isPaused()) this.#from.resume();
    if (this.#isEnded && this.#held.length === 0) this.#to.end();
  }

  #drop(): void {
    clearTimeout(this.#timer);
    this.#held = [];
    this.#size = 0;
    // Its end must still be heard.
    this.#from.resume();
  }
}

function paced(bytes: Buffer, flow: Flow, last: number): Held[] {
  const now = performance.now();
  if (flow.kind === 'delay') return [{ bytes, due: now + flow.ms }];
  if (flow.kind !== 'throttle') return [{ bytes, due: 0 }];
  const perMs = flow.bytesPerSecond / 1_000;
  const slice = Math.max(1, Math.floor(perMs * SLICE_MS));
  const held: Held[] = [];
  let due = Math.max(now, last);
  for (let at = 0; at < bytes.length; at += slice) {
    const part = bytes.subarray(at, at + slice);
    due += part.length / perMs;
    held.push({ bytes: part, due });
  }
  return held;
}
