import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';

/** So many turns of the event loop without anything under way: what a turn puts off to the next, and that again. */
const QUIET_TURNS = 4;
/** Something goes round in circles. */
const MOST_TURNS = 100_000;

interface Opened {
  readonly socket: Socket;
}

/**
 * The TCP connections of this process to itself. Both ends being here, it can be known when everything that was written
 * has been read: a test waits for that instead of for time to pass.
 */
export class Wire {
  readonly #clients = new Set<Socket>();
  /** By the ports of both ends. */
  readonly #servers = new Map<string, Socket>();
  readonly #addresses = new WeakMap<Socket, string>();
  readonly #opened = (message: unknown) => this.#connecting((message as Opened).socket);
  readonly #accepted = (message: unknown) => this.#serving((message as Opened).socket);

  constructor() {
    subscribe('net.client.socket', this.#opened);
    subscribe('net.server.socket', this.#accepted);
  }

  close(): void {
    unsubscribe('net.client.socket', this.#opened);
    unsubscribe('net.server.socket', this.#accepted);
  }

  #connecting(socket: Socket): void {
    this.#clients.add(socket);
    socket.once('connect', () => this.#addresses.set(socket, `${socket.localPort}-${socket.remotePort}`));
  }

  #serving(socket: Socket): void {
    this.#servers.set(`${socket.remotePort}-${socket.localPort}`, socket);
  }

  /** Resolves when nothing is on its way, and nobody has anything more to say; `busy` = somebody still has. */
  async rest(busy: () => boolean = () => false): Promise<void> {
    for (let quiet = 0, turns = 0; quiet < QUIET_TURNS; turns++) {
      if (turns > MOST_TURNS) throw new Error(`The wire does not come to rest: ${this.#describe()}`);
      await new Promise((resolve) => setImmediate(resolve));
      quiet = busy() || !this.#isQuiet() ? 0 : quiet + 1;
    }
  }

  #describe(): string {
    const end = (socket: Socket | undefined) =>
      socket &&
      `${socket.readyState}${socket.closed ? ' closed' : ''}${socket.destroyed ? ' destroyed' : ''}${
        socket.readableEnded ? ' heard the end' : ''
      } ${socket.bytesRead} read, ${socket.bytesWritten} written`;
    const of = (client: Socket) => {
      const address = this.#addresses.get(client);
      return `${end(client)} | ${end(address === undefined ? undefined : this.#servers.get(address))}`;
    };
    return [...this.#clients].map(of).join('; ');
  }

  #isQuiet(): boolean {
    for (const client of this.#clients) {
      const address = this.#addresses.get(client);
      const server = address === undefined ? undefined : this.#servers.get(address);
      if (client.closed && (!server || server.closed)) {
        this.#clients.delete(client);
        if (address !== undefined) this.#servers.delete(address);
      } else if (!server || !passed(client, server) || !passed(server, client)) {
        return false;
      }
    }
    return true;
  }
}

/** Whether what one end said has come to the other. */
function passed(from: Socket, to: Socket): boolean {
  if (to.closed) return from.closed;
  if (to.isPaused()) return true;
  if (from.destroyed || to.destroyed) return false;
  if (from.writableFinished && !to.readableEnded) return false;
  return from.bytesWritten === to.bytesRead;
}
