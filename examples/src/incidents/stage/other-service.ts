import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A service of somebody else, which answers when it pleases. */
export class OtherService {
  /** How many have asked so far. */
  asked = 0;
  #open: () => void = () => {};
  #opened = new Promise<void>((resolve) => {
    this.#open = resolve;
  });
  readonly #server = createServer((_request, response) => {
    this.asked += 1;
    void this.#opened.then(() => response.end('{}'));
  });

  async start(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  /** From now on it answers at once, also those that wait. */
  answer(): void {
    this.#open();
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}
