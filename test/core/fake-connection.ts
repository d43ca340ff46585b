import type {
  DriverConnection,
  RawConnection,
  Reading,
  ResetOptions,
  RowStatement,
  ServerStatus,
  Statement,
} from '#core/driver.js';
import { identityOf } from '#core/server-identity.js';
import type { FakeDriver } from './fake-driver.js';
import { FakeSession, lostError, ResultSetHeader } from './fake-server.js';

/** What a test wants instead of the session's own answer; `'hang'` = no answer until the test gives one. */
export type Reply = 'hang' | Error | { readonly result: unknown };

/** One statement as it reached the server. */
export interface Sent {
  readonly sql: string;
  /** Whether it ran inside a transaction. */
  readonly inTransaction: boolean;
}

/** What its server says of itself. */
export function rowOf({ threadId, serverUid }: FakeConnection): Record<string, unknown> {
  return { identity: [threadId, ...(serverUid === null ? [] : [serverUid]), 1, 3306, 'db'].join(' ') };
}

export class FakeConnection implements DriverConnection {
  readonly threadId: number;
  readonly address: DriverConnection['address'];
  readonly raw: RawConnection;
  readonly sent: Sent[] = [];
  readonly session = new FakeSession();
  readonly localPort: number;
  readonly greeting: string;
  /** Which server it leads to. */
  readonly serverUid: string | null;
  server: string | null = null;
  lostAtWork = false;
  hasSchema = true;
  formatsItself = false;
  onLost: (error: Error) => void = () => {};
  /** Decides what a statement is answered with; undefined = what the session says. */
  reply: (sql: string) => Reply | undefined = () => undefined;
  /** Instead of the driver's. */
  resetReply: 'ok' | 'hang' | Error | undefined;
  resets = 0;
  pings = 0;
  /** Instead of the driver's. */
  pingReply: 'ok' | 'hang' | Error | undefined;
  restoredSchema: boolean | undefined;
  /** The driver does something that no statement of ours accounts for. */
  occupied = false;
  /** What the driver would say of a connection that is neither lost nor well. */
  believedIn = true;
  otherCharset = false;
  /** `end()` is followed by the end of the socket. Instead of the driver's. */
  saysGoodbye: boolean | undefined;
  ended = false;
  destroyedWith: Error | null = null;
  readonly #status = { flags: undefined as number | undefined, warnings: 0, forget: () => this.#forget() };
  readonly #driver: FakeDriver;
  readonly #queue: Statement[] = [];
  #running: Statement | null = null;
  #lost: Error | null = null;
  /** Goes on with rows of which the reader has had enough for now. */
  #resume: (() => void) | null = null;
  #resetDone: ((error: Error | null) => void) | null = null;
  #pingDone: ((error: Error | null) => void) | null = null;

  constructor(driver: FakeDriver, threadId: number, address: DriverConnection['address']) {
    this.#driver = driver;
    this.threadId = threadId;
    this.address = address;
    this.localPort = 50_000 + threadId;
    this.serverUid = driver.server;
    this.greeting = driver.greeting;
    this.raw = { threadId } as RawConnection;
  }

  get status(): ServerStatus | null {
    return this.#driver.hidesStatus ? null : this.#status;
  }

  #forget(): void {
    this.#status.flags = undefined;
    this.#status.warnings = 0;
  }

  async settled(): Promise<void> {
    this.server = identityOf(rowOf(this).identity, this.threadId);
  }

  ping(done: (error: Error | null) => void): void {
    this.pings++;
    this.#pingDone = done;
    const reply = this.pingReply ?? this.#driver.pingReply;
    if (reply !== 'hang') queueMicrotask(() => this.answerPing(reply === 'ok' ? null : reply));
  }

  /** Answers a ping that hangs; without one it does nothing. */
  answerPing(error: Error | null = null): void {
    const done = this.#pingDone;
    this.#pingDone = null;
    done?.(error);
  }

  get texts(): string[] {
    return this.sent.map(({ sql }) => sql);
  }

  get lost(): boolean {
    return this.#lost !== null;
  }

  /** The statement that the server works on. */
  get running(): string | undefined {
    return this.#running ? textOf(this.#running) : undefined;
  }

  get resetting(): boolean {
    return this.#resetDone !== null;
  }

  isUsable(): boolean {
    return this.believedIn && this.#lost === null;
  }

  isReady(): boolean {
    return this.isUsable() && !this.isBusy();
  }

  isBusy(): boolean {
    return [this.#running, this.#resetDone, this.#resume].some((each) => each !== null) || this.occupied;
  }

  charsetChanged(): boolean {
    return this.otherCharset;
  }

  expose(): RawConnection {
    return this.raw;
  }

  run(statement: Statement): void {
    if (this.#lost || this.ended) {
      // As the driver says it of what it does not send: fatal, and without a code.
      const error = Object.assign(new Error("Can't add new command"), { fatal: true });
      queueMicrotask(() => statement.settle(error));
      return;
    }
    this.#queue.push(statement);
    this.#next();
  }

  stream(statement: RowStatement): Reading {
    this.run(statement);
    return { resume: () => this.#resume?.() };
  }

  #next(): void {
    if (this.#running || this.#lost) return;
    const statement = this.#queue.shift();
    if (!statement) return;
    this.#running = statement;
    const sql = textOf(statement);
    this.sent.push({ sql, inTransaction: this.session.inTransaction });
    const reply = this.#driver.control(sql, this) ?? this.reply(sql) ?? this.#driver.reply(sql, this);
    if (reply === 'hang') return;
    queueMicrotask(() => {
      if (this.#running === statement) this.answer(reply);
    });
  }

  /** Answers the running statement. */
  answer(reply?: Exclude<Reply, 'hang'>): void {
    const statement = this.#running;
    if (!statement) throw new Error('nothing runs on this connection');
    this.#running = null;
    const result = reply === undefined ? this.session.answer(textOf(statement)) : undefined;
    if (!(reply instanceof Error)) this.#show(reply?.result);
    this.#next();
    if (reply instanceof Error) statement.settle(reply);
    else this.#deliver(statement, reply ? reply.result : result);
  }

  /** The status in the packet that ends the answer. */
  #show(result: unknown): void {
    const packet = result instanceof ResultSetHeader ? result : this.session.ok;
    this.#status.flags = packet.serverStatus;
    this.#status.warnings = this.session.warnings;
  }

  #deliver(statement: Statement, result: unknown): void {
    if (isRowwise(statement) && Array.isArray(result)) this.#deliverRows(statement, result);
    else statement.settle(null, result, []);
  }

  /** Row by row, with a pause where the reader wants one: until then the rest lies on the wire. */
  #deliverRows(statement: RowStatement, rows: unknown[]): void {
    this.#resume = null;
    for (const [n, row] of rows.entries()) {
      if (statement.onRow(row)) continue;
      this.#resume = () => this.#deliverRows(statement, rows.slice(n + 1));
      return;
    }
    statement.settle(null);
  }

  reset({ restoreSchema, replay }: ResetOptions, done: (error: Error | null) => void): void {
    this.resets++;
    this.restoredSchema = restoreSchema;
    this.#resetDone = (error) => {
      if (error || !replay) done(error);
      else replay().then(() => done(null), done);
    };
    const resetReply = this.resetReply ?? this.#driver.resetReply;
    if (resetReply !== 'hang')
      queueMicrotask(() => this.answerReset(resetReply === 'ok' ? null : resetReply));
  }

  answerReset(error: Error | null = null): void {
    const done = this.#resetDone;
    this.#resetDone = null;
    if (!error) this.session.reset();
    done?.(error);
  }

  /** Answers what the pool waits for: a statement, or a reset. */
  answerAnything(): void {
    if (this.resetting) this.answerReset();
    else this.answer();
  }

  end(): void {
    this.ended = true;
    if (this.saysGoodbye ?? this.#driver.saysGoodbye) queueMicrotask(() => this.lose());
  }

  destroy(error: Error): void {
    this.destroyedWith ??= error;
    // A server at work doesn't look at its socket.
    this.#lose(error, this.#running !== null, false);
  }

  /** The connection is gone, for a reason of the server or the network. `threadStays`: of the network. */
  lose(error: Error = lostError(), threadStays = false): void {
    this.#lose(error, threadStays, true);
  }

  #lose(error: Error, threadStays: boolean, unasked: boolean): void {
    if (this.#lost) return;
    this.#lost = error;
    if (!threadStays) this.#driver.threads.delete(this.threadId);
    this.lostAtWork = unasked && this.#running !== null;
    const orphans = [this.#running, ...this.#queue];
    this.#running = null;
    this.#queue.length = 0;
    queueMicrotask(() => {
      for (const statement of orphans) statement?.settle(error);
    });
    this.onLost(error);
  }
}

function isRowwise(statement: Statement): statement is RowStatement {
  return 'onRow' in statement;
}

function textOf({ sql }: Statement): string {
  return typeof sql === 'string' ? sql : sql.sql;
}
