import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { within } from './eventually.js';
import { Inbox, type Message, type RequestOptions, requestText } from './http-message.js';
import { reset } from './reset.js';

export type Departure = 'RST' | 'FIN';

/** One TCP connection to a test app, driven byte by byte: what fetch and supertest can't do to a server. */
export class RawClient {
  readonly #socket: Socket;
  readonly #inbox = new Inbox();
  #wake: () => void = () => {};
  #closed = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    // A client that leaves on purpose hears about it on its own socket too; that is not the test's business.
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#closed = true;
      this.#wake();
    });
  }

  static async connect(port: number): Promise<RawClient> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    await once(socket, 'connect');
    return new RawClient(socket);
  }

  /** All requests in one write: with more than one, they are pipelined. */
  send(...requests: Array<[path: string, options?: RequestOptions]>): void {
    for (const [, options] of requests) this.#inbox.expect(options);
    this.write(requests.map(([path, options]) => requestText(path, options)).join(''));
  }

  write(text: string): void {
    this.#socket.write(text);
  }

  /** The next whole response. Until the first call, this client reads nothing: the bytes stay with the kernel. */
  async receive(deadlineMs = 10_000): Promise<Message> {
    this.#read();
    return within(deadlineMs, 'HTTP response', this.#nextMessage());
  }

  /** What has come of a response that is not whole, once it contains `text`. */
  async receiveUntil(text: string, deadlineMs = 10_000): Promise<string> {
    this.#read();
    const arrived = async () => {
      while (!this.#inbox.begun.includes(text)) await this.#more();
      return this.#inbox.begun;
    };
    return within(deadlineMs, `bytes up to ${JSON.stringify(text)}`, arrived());
  }

  /** What has come of the next response so far. */
  get begun(): string {
    return this.#inbox.begun;
  }

  /** Bytes that have come. */
  get received(): number {
    return this.#inbox.received;
  }

  leave(how: Departure): void {
    if (how === 'RST') reset(this.#socket);
    else this.#socket.destroy();
  }

  #read(): void {
    if (this.#socket.listenerCount('data') > 0) return;
    this.#socket.on('data', (chunk: Buffer) => {
      this.#inbox.add(chunk);
      this.#wake();
    });
  }

  async #nextMessage(): Promise<Message> {
    for (;;) {
      const message = this.#inbox.take();
      if (message) return message;
      await this.#more();
    }
  }

  #more(): Promise<void> {
    if (this.#closed) throw new Error('the server closed the connection before its answer was whole');
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}

/** One request on a connection of its own. */
export async function request(port: number, path: string, options: RequestOptions = {}, deadlineMs?: number) {
  const client = await RawClient.connect(port);
  try {
    client.send([path, { ...options, headers: { Connection: 'close', ...options.headers } }]);
    return await client.receive(deadlineMs);
  } finally {
    client.leave('FIN');
  }
}
