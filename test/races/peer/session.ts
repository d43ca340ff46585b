import type { Socket } from 'node:net';
import { type Answer, answerTo, rollBack, type ServerState, type SessionState, takeBack } from './answers.js';
import {
  binaryRow,
  column,
  columnCount,
  eof,
  err,
  framed,
  greeting,
  ok,
  PacketReader,
  prepared,
  ServerError,
  STATUS,
  textRow,
} from './packets.js';
import type { Point, Stop } from './stop.js';

const COM = {
  quit: 1,
  query: 3,
  ping: 14,
  changeUser: 17,
  prepare: 22,
  execute: 23,
  closeStatement: 25,
  reset: 31,
} as const;

/** One packet of an answer, and where the peer may stop before it, or when half of it is sent. */
interface Piece {
  readonly payload: Buffer;
  readonly before?: Point;
  readonly halfway?: Point;
}

/** What a session needs of the peer that it belongs to. */
export interface Host extends ServerState {
  readonly version: string;
  readonly plugin: string;
  readonly takesSeveral: boolean;
  stopFor(point: Point, sql: string): Stop | undefined;
  /** Instead of an answer; `sql` is the greeting's and the login's name, too. */
  distort(session: PeerSession, sql: string, packets: Buffer[]): Buffer | null | undefined;
  ended(session: PeerSession): void;
  wrong(what: string): void;
}

const OWN_POINTS: readonly (readonly [RegExp, Point])[] = [
  [/^COMMIT$/, 'commit'],
  [/^ROLLBACK$/, 'rollback'],
  [/^KILL /, 'kill'],
];

/** The server's side of one connection. */
export class PeerSession {
  readonly id: number;
  readonly socket: Socket;
  readonly state: SessionState;
  /** Everything that was asked of it, in order. */
  readonly statements: string[] = [];
  /** Host and port of the client's end. */
  readonly client: string;
  /** All bytes that came from the client. */
  readonly received: Buffer[] = [];
  readonly #host: Host;
  readonly #reader = new PacketReader();
  readonly #commands: Buffer[] = [];
  readonly #prepared = new Map<number, string>();
  #stop: Stop | null = null;
  #busy = true;
  #phase: 'greeting' | 'login' | 'fresh' | 'open' = 'greeting';
  #sequence = 0;
  #dead = false;

  constructor(id: number, socket: Socket, host: Host) {
    this.id = id;
    this.socket = socket;
    this.client = `${socket.remoteAddress}:${socket.remotePort}`;
    this.#host = host;
    this.state = { id, autocommit: true, inTransaction: false, owner: null, pending: [], committed: [] };
    socket.setNoDelay(true);
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    // As a server does, which notices no end while a statement runs.
    socket.on('close', () => {
      if (!this.#busy) this.end();
    });
    this.#work(() => this.#greet());
  }

  /** A KILL QUERY has come for it. */
  interrupt(): void {
    if (this.#stop?.heedsKills)
      this.#stop.fail(new ServerError(1317, '70100', 'Query execution was interrupted'));
  }

  /** The thread is gone. */
  end(): void {
    if (this.#dead) return;
    this.#dead = true;
    rollBack(this.state);
    this.socket.destroy();
    this.#host.ended(this);
  }

  /** The server ends it, unannounced. */
  cut(how: 'FIN' | 'RST'): void {
    // A socket that is being shut down can't be reset any more: Node would keep it half closed for ever.
    if (this.#dead || this.socket.writableEnded) return;
    this.#dead = true;
    rollBack(this.state);
    if (how === 'FIN') this.socket.end();
    else this.socket.resetAndDestroy();
    this.#host.ended(this);
  }

  get #status(): number {
    const { autocommit, inTransaction } = this.state;
    return (autocommit ? STATUS.autocommit : 0) | (inTransaction ? STATUS.inTransaction : 0);
  }

  #receive(chunk: Buffer): void {
    this.received.push(chunk);
    for (const payload of this.#reader.read(chunk)) this.#arrived(payload);
  }

  #arrived(payload: Buffer): void {
    if (this.#phase === 'fresh' || this.#phase === 'open') {
      if (payload[0] === COM.closeStatement) return;
      if (this.#busy && payload[0] !== COM.quit && !this.#host.takesSeveral)
        this.#host.wrong(`session ${this.id} was asked before it had answered`);
    }
    this.#commands.push(payload);
    if (!this.#busy) this.#work(() => this.#serve());
  }

  #work(work: () => Promise<void>): void {
    this.#busy = true;
    work().then(
      () => {
        this.#busy = false;
        if (this.socket.closed) this.end();
        else if (this.#commands.length > 0) this.#work(() => this.#serve());
      },
      (error) => this.#host.wrong(`the peer itself failed: ${(error as Error).stack}`),
    );
  }

  async #greet(): Promise<void> {
    const { version, plugin } = this.#host;
    this.#sequence = 0;
    await this.#say('greeting', [{ payload: greeting(this.id, version, plugin), before: 'greeting' }]);
    this.#phase = 'login';
  }

  async #serve(): Promise<void> {
    const payload = this.#commands.shift();
    if (!payload || this.#dead) return;
    if (this.#phase === 'login') {
      this.#sequence = 2;
      const accepted = await this.#say('login', [{ payload: ok(this.#status), before: 'login' }]);
      if (accepted) this.#phase = 'fresh';
      return;
    }
    this.#sequence = 1;
    await this.#answer(payload[0] as number, payload);
    this.#phase = 'open';
  }

  async #answer(command: number, payload: Buffer): Promise<unknown> {
    switch (command) {
      case COM.quit:
        return this.end();
      case COM.query:
        return this.#query(payload.toString('utf8', 1), textRow);
      case COM.prepare:
        return this.#prepare(payload.toString('utf8', 1));
      case COM.execute:
        return this.#query(this.#prepared.get(payload.readUInt32LE(1)) ?? '', binaryRow);
      case COM.changeUser:
        return this.#say('CHANGE USER', [{ payload: ok(this.#status) }]);
      case COM.ping:
        return this.#acknowledge('PING', 'ping');
      case COM.reset:
        rollBack(this.state);
        Object.assign(this.state, { autocommit: true, owner: null });
        return this.#acknowledge('RESET', 'reset');
      default:
        return this.#host.wrong(`command ${command} is unknown to the peer`);
    }
  }

  #acknowledge(name: string, point: Point): Promise<unknown> {
    this.statements.push(name);
    return this.#say(name, [{ payload: ok(this.#status), before: point }]);
  }

  async #prepare(sql: string): Promise<void> {
    const id = this.#prepared.size + 1;
    this.#prepared.set(id, sql);
    const answer = answerTo(sql, this.state, this.#host);
    const names = 'rows' in answer ? Object.keys(answer.rows[0] ?? {}) : [];
    const columns = names.length === 0 ? [] : [...names.map(column), eof(this.#status)];
    await this.#say(
      sql,
      [prepared(id, names.length), ...columns].map((each) => ({ payload: each })),
    );
  }

  async #query(sql: string, row: typeof textRow): Promise<unknown> {
    this.statements.push(sql);
    let answer: Answer;
    try {
      answer = answerTo(sql, this.state, this.#host);
    } catch (error) {
      return this.#say(sql, [{ payload: err(error as ServerError) }]);
    }
    return this.#say(sql, 'rows' in answer ? this.#resultSet(answer.rows, row) : [this.#done(sql, answer)]);
  }

  #done(sql: string, { affectedRows }: { readonly affectedRows: number }): Piece {
    const point = OWN_POINTS.find(([pattern]) => pattern.test(sql))?.[1];
    const payload = ok(this.#status, affectedRows);
    return point === undefined ? { payload } : { payload, before: point };
  }

  #resultSet(rows: Extract<Answer, { rows: unknown }>['rows'], row: typeof textRow): Piece[] {
    const names = Object.keys(rows[0] ?? { none: null });
    const pieces: Piece[] = rows.map((each) => ({ payload: row(each) }));
    const [first, ...others] = pieces;
    return [
      { payload: columnCount(names.length) },
      ...names.map((name) => ({ payload: column(name) })),
      { payload: eof(this.#status) },
      ...(first ? [{ ...first, before: 'header', halfway: 'row' } as const] : []),
      ...others,
      { payload: eof(this.#status), before: 'eof' },
    ];
  }

  /** An answer, unless the peer was told to stop in it, or to say something else. @returns whether it was said */
  async #say(sql: string, pieces: readonly Piece[]): Promise<boolean> {
    const packets = pieces.map(({ payload }, i) => framed(payload, this.#sequence + i));
    const distorted = this.#host.distort(this, sql, packets);
    if (distorted !== undefined) {
      if (distorted) this.#write(distorted);
      return false;
    }
    if (this.#phase === 'fresh' && !(await this.#pass('authenticated', sql))) return false;
    for (const { payload, before, halfway } of pieces) {
      if (before && !(await this.#pass(before, sql))) return false;
      const bytes = framed(payload, this.#sequence++);
      const middle = halfway ? bytes.length >> 1 : 0;
      this.#write(bytes.subarray(0, middle));
      const refusal = halfway ? await this.#hold(halfway, sql) : null;
      this.#write(bytes.subarray(middle));
      if (refusal) return this.#refuse(refusal);
    }
    return true;
  }

  /** @returns false if it was refused there */
  async #pass(point: Point, sql: string): Promise<boolean> {
    const refusal = await this.#hold(point, sql);
    if (refusal && point === 'commit') takeBack(this.state, this.#host);
    return refusal === null || this.#refuse(refusal);
  }

  async #hold(point: Point, sql: string): Promise<ServerError | null> {
    const stop = this.#host.stopFor(point, sql);
    if (!stop) return null;
    this.#stop = stop;
    const refusal = await stop.hold(this);
    this.#stop = null;
    return refusal;
  }

  #refuse(error: ServerError): false {
    this.#write(framed(err(error), this.#sequence++));
    return false;
  }

  #write(bytes: Buffer): void {
    if (bytes.length > 0 && !this.#dead && this.socket.writable) this.socket.write(bytes);
  }
}
