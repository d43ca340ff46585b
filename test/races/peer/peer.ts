import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { type Host, PeerSession } from './session.js';
import { type Point, Stop, type StopOptions } from './stop.js';

/**
 * What is said instead of an answer; null = nothing; undefined = the answer. `sql` is the text of the statement, or
 * `greeting`, `login`, `RESET`, `PING`. `packets` is what would have been said.
 */
export type Distortion = (session: PeerSession, sql: string, packets: Buffer[]) => Buffer | null | undefined;

/**
 * A MySQL server on loopback that does as it is told: it stops where a test wants it to, says so, and goes on, fails or
 * hangs up at the test's word. It knows the few statements of answers.ts.
 */
export class Peer implements Host {
  readonly port: number;
  readonly version = '11.8.2-MariaDB';
  plugin = 'mysql_native_password';
  /** Another one than its own, as if something were in between. */
  statedPort = 3306;
  /** It may be sent several commands at once. */
  takesSeveral = false;
  /** All there were, in order. */
  readonly sessions: PeerSession[] = [];
  readonly ledger = new Map<string, number>();
  /** What its client must not have done. */
  readonly wrongs: string[] = [];
  /** The most threads there were at a time. */
  mostThreads = 0;
  distortion: Distortion = () => undefined;
  readonly #server: Server;
  readonly #threads = new Map<number, PeerSession>();
  readonly #stops: Stop[] = [];
  readonly #held: Stop[] = [];

  private constructor(server: Server) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    server.on('connection', (socket) => this.#accept(socket));
  }

  static async listen(): Promise<Peer> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new Peer(server);
  }

  #accept(socket: Socket): void {
    const session = new PeerSession(this.sessions.length + 1, socket, this);
    this.sessions.push(session);
    this.#threads.set(session.id, session);
    this.mostThreads = Math.max(this.mostThreads, this.#threads.size);
  }

  /** The next time that a session comes to this point, it stops there. */
  stopAt(point: Point, options?: StopOptions): Stop {
    const stop = new Stop(point, options);
    this.#stops.push(stop);
    return stop;
  }

  stopFor(point: Point, sql: string): Stop | undefined {
    const stop = this.#stops.find((each) => each.isFor(point, sql));
    if (!stop) return undefined;
    this.#stops.splice(this.#stops.indexOf(stop), 1);
    this.#held.push(stop);
    return stop;
  }

  /** Those that sessions have come to, in order; some may have gone on. */
  get held(): readonly Stop[] {
    return this.#held;
  }

  /** From here on it is a server like any other. */
  calmDown(): void {
    this.#stops.length = 0;
    this.distortion = () => undefined;
    for (const stop of this.#held) stop.go();
  }

  distort(session: PeerSession, sql: string, packets: Buffer[]): Buffer | null | undefined {
    return this.distortion(session, sql, packets);
  }

  killQuery(id: number): boolean {
    const thread = this.#threads.get(id);
    thread?.interrupt();
    return thread !== undefined;
  }

  kill(id: number): boolean {
    const thread = this.#threads.get(id);
    thread?.end();
    return thread !== undefined;
  }

  clientOf(id: number): string | undefined {
    return this.#threads.get(id)?.client;
  }

  ended(session: PeerSession): void {
    this.#threads.delete(session.id);
  }

  wrong(what: string): void {
    this.wrongs.push(what);
  }

  /** Sessions that the server still has, with a socket or without. */
  get threads(): number {
    return this.#threads.size;
  }

  get openSockets(): number {
    return this.sessions.filter(({ socket }) => !socket.closed).length;
  }

  /** The session on which this statement was run. */
  sessionOf(sql: string): PeerSession | undefined {
    return this.sessions.find(({ statements }) => statements.includes(sql));
  }

  /** How often a statement was run. */
  count(sql: string): number {
    return this.sessions.flatMap(({ statements }) => statements).filter((each) => each === sql).length;
  }

  async close(): Promise<void> {
    for (const { socket } of this.sessions) socket.destroy();
    const closed = once(this.#server, 'close');
    this.#server.close();
    await closed;
  }
}
