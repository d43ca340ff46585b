import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { Inbox, type Message, requestText } from '@handback/contract/support/http-message.js';
import { reset } from '@handback/contract/support/reset.js';

export interface Ask {
  method: 'GET' | 'POST';
  path: string;
  body?: unknown;
}

/** Why there is no complete answer. */
export class NoAnswer extends Error {}

/** One keep-alive connection of one client. It is used for one exchange, or one pipeline, at a time. */
export class HttpSocket {
  readonly #socket: Socket;
  #inbox = new Inbox();
  #wake: () => void = () => {};
  #closed = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#closed = true;
      this.#wake();
    });
    socket.on('data', (chunk: Buffer) => {
      this.#inbox.add(chunk);
      this.#wake();
    });
  }

  static async open(port: number, signal: AbortSignal): Promise<HttpSocket> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    try {
      await once(socket, 'connect', { signal });
    } catch (error) {
      socket.destroy();
      throw error;
    }
    return new HttpSocket(socket);
  }

  get usable(): boolean {
    return !this.#closed && this.#socket.writable;
  }

  /** All in one write: with more than one, they are pipelined. */
  send(...asks: Ask[]): void {
    const texts = asks.map(({ method, path, body }) => {
      const options = { method, ...(body !== undefined && { body: JSON.stringify(body) }) };
      this.#inbox.expect(options);
      return requestText(path, options);
    });
    this.#socket.write(texts.join(''));
  }

  /** The next whole answer. @throws {NoAnswer} when it does not come in time, or the connection ends */
  async receive(deadlineMs: number): Promise<Message> {
    const end = performance.now() + deadlineMs;
    for (;;) {
      const message = this.#inbox.take();
      if (message) return message;
      if (this.#closed) throw new NoAnswer('the connection ended');
      const left = end - performance.now();
      if (left <= 0) throw new NoAnswer(`nothing after ${deadlineMs} ms`);
      await this.#more(left);
    }
  }

  #more(forMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, forMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** FIN: nothing more will be asked, but answers are still read. */
  halfClose(): void {
    this.#socket.end();
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  leave(abruptly: boolean): void {
    if (abruptly) reset(this.#socket);
    else this.#socket.destroy();
    this.#inbox = new Inbox();
  }
}
