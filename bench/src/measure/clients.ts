import { connect, type Socket } from 'node:net';
import { Inbox, requestText } from '@handback/contract/support/http-message.js';

/** 0 = the connection ended without an answer. */
export type Status = number;

/** Keep-alive connections to one port: as many as there are requests at a time. */
export class Clients {
  readonly #port: number;
  readonly #idle: Client[] = [];

  constructor(port: number) {
    this.#port = port;
  }

  /** One GET, on a connection that is free or else on a new one. */
  async get(path: string): Promise<Status> {
    const client = this.#idle.pop() ?? new Client(this.#port);
    const status = await client.get(path);
    if (status !== 0) this.#idle.push(client);
    return status;
  }
}

class Client {
  readonly #socket: Socket;
  readonly #inbox = new Inbox();
  #answered: ((status: Status) => void) | null = null;

  constructor(port: number) {
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true });
    this.#socket.on('data', (chunk) => {
      this.#inbox.add(chunk);
      const message = this.#inbox.take();
      if (message) this.#settle(message.status);
    });
    // 'close' follows.
    this.#socket.on('error', () => {});
    this.#socket.on('close', () => this.#settle(0));
  }

  get(path: string): Promise<Status> {
    return new Promise((resolve) => {
      this.#answered = resolve;
      this.#inbox.expect();
      this.#socket.write(requestText(path));
    });
  }

  #settle(status: Status): void {
    const answered = this.#answered;
    this.#answered = null;
    answered?.(status);
  }
}
