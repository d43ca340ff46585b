import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { Commands } from './commands.js';
import { reset } from './reset.js';

/**
 * What happens to bytes: they pass, or vanish on their way to the server, to the client, or both. A swallowed byte
 * never comes, and neither does a FIN: the sockets stay open, as behind a router that has forgotten the flow. What is
 * held on its way to the client comes when bytes pass again.
 */
export type Flow = 'pass' | 'swallow-to-server' | 'swallow-to-client' | 'swallow' | 'hold-to-client';

export interface Traffic {
  /** Bytes that came from the client, swallowed or not. */
  toServer: number;
  /** Bytes that came from the server, swallowed or not. */
  toClient: number;
  /** Commands that came from the client, by their name in the MySQL protocol, such as `query` and `reset`. */
  commands: Record<string, number>;
}

/** A TCP proxy between the driver and the server, for faults that neither of them has by itself. */
export class TcpProxy {
  readonly port: number;
  #target: { port: number; host: string };
  readonly #links = new Set<Link>();
  #server: Server;
  #flow: Flow = 'pass';
  #traffic = noTraffic();
  #accepted = 0;

  private constructor(server: Server, target: { port: number; host: string }) {
    this.#server = server;
    this.#target = target;
    this.port = portOf(server);
    this.#accept(server);
  }

  static async open(targetPort: number, targetHost = '127.0.0.1'): Promise<TcpProxy> {
    return new TcpProxy(await listen(0), { port: targetPort, host: targetHost });
  }

  /** A proxy in front of the server of this address. */
  static inFrontOf(databaseUrl: string): Promise<TcpProxy> {
    const { port, hostname } = new URL(databaseUrl);
    return TcpProxy.open(Number(port || 3306), hostname);
  }

  /** The same address, by way of this proxy. */
  url(databaseUrl: string): string {
    return Object.assign(new URL(databaseUrl), { hostname: '127.0.0.1', port: String(this.port) }).href;
  }

  /** For the connections there are and those to come. */
  set flow(flow: Flow) {
    this.#flow = flow;
    for (const link of this.#links) link.turn(flow);
  }

  get flow(): Flow {
    return this.#flow;
  }

  /** Connections through the proxy at this moment. */
  get connections(): number {
    return this.#links.size;
  }

  /** Connections that were ever made to the proxy, whatever became of them. */
  get accepted(): number {
    return this.#accepted;
  }

  /** Since the last mark. */
  get traffic(): Traffic {
    return structuredClone(this.#traffic);
  }

  mark(): void {
    this.#traffic = noTraffic();
  }

  /** New connections lead to this server from here on; those there are stay where they are. */
  leadTo(databaseUrl: string): void {
    const { port, hostname } = new URL(databaseUrl);
    this.#target = { port: Number(port || 3306), host: hostname };
  }

  /** New connections are refused from here on (ECONNREFUSED); those there are go on. */
  refuse(): void {
    // Its callback would wait for the connections that go on.
    this.#server.close();
  }

  /** Takes new connections again, at the same port. */
  async accept(): Promise<void> {
    if (this.#server.listening) return;
    this.#server = await listen(this.port);
    this.#accept(this.#server);
  }

  /** Ends every connection, towards the client and towards the server, whatever the flow is. */
  cutAll(how: 'RST' | 'FIN'): void {
    for (const link of this.#links) link.cut(how);
  }

  async close(): Promise<void> {
    this.cutAll('RST');
    if (!this.#server.listening) return;
    this.#server.close();
    await once(this.#server, 'close');
  }

  #accept(server: Server): void {
    server.on('connection', (client) => {
      this.#accepted++;
      const toServer = connect({ ...this.#target, allowHalfOpen: true, noDelay: true });
      const commands = new Commands((name) => {
        const counts = this.#traffic.commands;
        counts[name] = (counts[name] ?? 0) + 1;
      });
      client.on('data', (chunk: Buffer) => {
        this.#traffic.toServer += chunk.length;
        commands.read(chunk);
      });
      toServer.on('data', ({ length }: Buffer) => {
        this.#traffic.toClient += length;
      });
      const link = new Link(client.setNoDelay(true), toServer, this.#flow);
      this.#links.add(link);
      link.onClosed = () => this.#links.delete(link);
    });
  }
}

/** One connection: two sockets and what goes between them. */
class Link {
  onClosed: () => void = () => {};
  #flow: Flow;
  readonly #client: Socket;
  readonly #server: Socket;
  #held: Buffer[] = [];

  constructor(client: Socket, server: Socket, flow: Flow) {
    this.#flow = flow;
    this.#client = client;
    this.#server = server;
    this.#join(client, server, 'swallow-to-server');
    this.#join(server, client, 'swallow-to-client');
  }

  turn(flow: Flow): void {
    this.#flow = flow;
    if (flow !== 'pass') return;
    for (const chunk of this.#held) this.#client.write(chunk);
    this.#held = [];
  }

  cut(how: 'RST' | 'FIN'): void {
    for (const socket of [this.#client, this.#server]) {
      if (how === 'RST') reset(socket);
      else socket.destroySoon();
    }
  }

  #join(from: Socket, to: Socket, swallowing: Flow): void {
    const passes = () => this.#flow !== 'swallow' && this.#flow !== swallowing;
    from.on('data', (chunk: Buffer) => {
      if (!passes() || to.destroyed) return;
      if (this.#flow === 'hold-to-client' && to === this.#client) return void this.#held.push(chunk);
      if (to.write(chunk)) return;
      from.pause();
      to.once('drain', () => from.resume());
    });
    from.on('end', () => {
      if (passes()) to.end();
    });
    // A reset; 'close' follows.
    from.on('error', () => {});
    from.on('close', (failed) => {
      if (from.destroyed && to.destroyed) this.onClosed();
      if (!passes() || to.destroyed) return;
      if (failed) reset(to);
      else to.destroySoon();
    });
  }
}

const noTraffic = (): Traffic => ({ toServer: 0, toClient: 0, commands: {} });

async function listen(port: number): Promise<Server> {
  // Half-open: the proxy must not answer a FIN that it swallows.
  const server = createServer({ allowHalfOpen: true });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the proxy listens on no port');
  return address.port;
}
