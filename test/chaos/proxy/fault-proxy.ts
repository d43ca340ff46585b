import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { Random } from '../random.js';
import type { Flow } from './flow.js';
import { Link } from './link.js';

export type { Flow } from './flow.js';

const host = '127.0.0.1';
const KEPT = 10_000;

export interface FaultProxyOptions {
  targetPort: number;
  targetHost?: string;
  random: Random;
}

export type Strikes = Partial<Record<Flow['kind'], number>>;

/**
 * A TCP proxy in front of a MySQL server that breaks what passes. Its flow applies to the connections there are and to
 * those to come; refusing new ones and ending those there are goes with any flow.
 */
export class FaultProxy {
  readonly port: number;
  readonly #target: { port: number; host: string };
  readonly #random: Random;
  readonly #links = new Set<Link>();
  #listener: Server;
  #flow: Flow = { kind: 'ok' };
  #accepted = 0;
  #attempts: number[] = [];
  readonly #strikes: Strikes = {};
  #lost = 0;

  private constructor(listener: Server, { targetPort, targetHost = host, random }: FaultProxyOptions) {
    this.#target = { port: targetPort, host: targetHost };
    this.#random = random;
    this.#listener = listener;
    this.port = portOf(listener);
    this.#serve(listener);
  }

  static async open(options: FaultProxyOptions): Promise<FaultProxy> {
    return new FaultProxy(await listen(0), options);
  }

  /** The address of a server, by way of this proxy. */
  url(databaseUrl: string): string {
    return Object.assign(new URL(databaseUrl), { hostname: host, port: String(this.port) }).href;
  }

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

  /** Connections accepted since the proxy was opened. */
  get accepted(): number {
    return this.#accepted;
  }

  /**
   * When the last connections were accepted, by performance.now(); at most 10 000 of them. The kernel answers for a
   * proxy that refuses: attempts that end so are not seen.
   */
  get attempts(): readonly number[] {
    return this.#attempts;
  }

  /** How often each flow has done harm: a fault that never struck proves nothing. */
  get strikes(): Strikes {
    return { ...this.#strikes };
  }

  /** Bytes that came here and went no further. */
  get lost(): number {
    return this.#lost;
  }

  /** New connections are refused from here on (ECONNREFUSED); those there are go on. */
  refuse(): void {
    // Its callback would wait for the connections that go on.
    this.#listener.close();
  }

  /** Takes new connections again, at the same port. */
  async accept(): Promise<void> {
    if (this.#listener.listening) return;
    this.#listener = await listen(this.port);
    this.#serve(this.#listener);
  }

  /** Ends every connection, towards the client and towards the server, whatever the flow is. */
  cutAll(how: 'RST' | 'FIN'): void {
    for (const link of this.#links) link.cut(how);
  }

  /** Each of them with this probability. */
  cutSome(how: 'RST' | 'FIN', probability: number): void {
    for (const link of this.#links) if (this.#random.chance(probability)) link.cut(how);
  }

  async close(): Promise<void> {
    const closed = this.#listener.listening ? once(this.#listener, 'close') : undefined;
    this.#listener.close();
    this.cutAll('RST');
    await closed;
  }

  #serve(listener: Server): void {
    listener.on('connection', (client: Socket) => {
      this.#accepted += 1;
      this.#attempts.push(performance.now());
      if (this.#attempts.length > KEPT) this.#attempts = this.#attempts.slice(-KEPT / 2);
      const server = connect({ ...this.#target, allowHalfOpen: true, noDelay: true });
      const link: Link = new Link({
        client: client.setNoDelay(true),
        server,
        flow: this.#flow,
        random: this.#random.fork(),
        onStrike: (kind, lost) => {
          this.#strikes[kind] = (this.#strikes[kind] ?? 0) + 1;
          this.#lost += lost;
        },
        onClosed: () => this.#links.delete(link),
      });
      this.#links.add(link);
    });
  }
}

async function listen(port: number): Promise<Server> {
  // Half-open: the proxy must not answer a FIN that it swallows.
  const server = createServer({ allowHalfOpen: true });
  server.listen(port, host);
  await once(server, 'listening');
  return server;
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the proxy listens on no port');
  return address.port;
}
