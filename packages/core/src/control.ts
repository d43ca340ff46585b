import { type Clock, type Timer, whenSilent } from './clock.js';
import type { DriverConnection, OpenDone } from './driver.js';
import { openFailureOf } from './error-classes.js';
import { outsideRequests } from './neutral.js';
import type { Opener } from './opener.js';
import { IDENTITY, identityOf } from './server-identity.js';
import { ServerRun } from './server-run.js';
import { type DriverError, question } from './statement.js';

/** How long the control connection stays open after its last use. */
const IDLE_MS = 5_000;
/** A KILL may wait for its target's locks: two seconds were seen. */
const ANSWER_MS = 3_000;
const ER_NO_SUCH_THREAD = 1094;
/** How long an address that could not be reached is not tried again: KILLs come in dozens when a server fails. */
const UNREACHED_MS = 400;
/** When the pool itself makes no attempts: as often as it would. */
const UNREACHED_URGENT_MS = 50;

/** The server and the session there that are meant. */
export type Target = Pick<DriverConnection, 'threadId' | 'address' | 'localPort' | 'server' | 'isUsable'>;

/** Of a session that was lost: `killed`, and not gone yet; one of that number that works, or is `idle`. */
export type Fate = 'gone' | 'killed' | 'unproven' | 'idle';

interface Failure {
  readonly error: Error;
  readonly at: number;
  readonly address: Target['address'];
}

/**
 * The one connection beyond `max`, opened on demand: a full pool could not be unblocked otherwise. It goes to
 * the same address as the connection that is meant, since a host name may lead to another server.
 */
export class Control {
  readonly #opener: Opener;
  readonly #clock: Clock;
  #connection: DriverConnection | null = null;
  #idleTimer: Timer | null = null;
  /** Who waits for a turn, one at a time. */
  readonly #urgent: (() => void)[] = [];
  readonly #others: (() => void)[] = [];
  #isTaken = false;
  #closed = false;
  #isAsked = false;
  #run: { readonly on: DriverConnection; readonly is: ServerRun } | null = null;
  #server: { readonly on: DriverConnection; readonly identity: string | null } | null = null;
  #failure: Failure | null = null;
  readonly #isUrgent: () => boolean;

  /** `isUrgent`: somebody waits, and no place is left for an attempt of the pool's own. */
  constructor(opener: Opener, clock: Clock, isUrgent: () => boolean) {
    this.#opener = opener;
    this.#clock = clock;
    this.#isUrgent = isUrgent;
  }

  /** Why it could not be opened the last time; null = it was. */
  get lastError(): Error | null {
    return this.#failure?.error ?? null;
  }

  /** Of its session, while it has one. */
  get threadId(): number | undefined {
    return this.#connection?.isUsable() ? this.#connection.threadId : undefined;
  }

  /**
   * Stops the running statement of `target`. Resolves when the server has acknowledged: not before may it be reused.
   * `bornAt`: as for `endThread`. Where a router has swallowed its end, a connection outlives its server.
   */
  killQuery(target: Target, bornAt: number): Promise<void> {
    return this.#inTurn(
      target,
      async (connection) => {
        const isGone = (await this.#hasRunSince(connection, bornAt)) === false;
        if (isGone || (await this.#isElsewhere(target, connection))) {
          this.#linger();
          throw new Error('another server answers at its address, or one started since; no KILL was sent');
        }
        // Cut in the meantime: its thread's number may belong to somebody else by now.
        if (!target.isUsable()) throw new Error('the connection is gone; no KILL was sent');
        await this.#ask(connection, `KILL QUERY ${Number(target.threadId)}`);
      },
      true,
    );
  }

  /**
   * Ends the session of `target` on the server, unless it is known that another server answers: there it does as `lookAfter`.
   *
   * `bornAt` is when it began to be opened: on a server that was started since, the thread's number may belong to somebody
   * else.
   */
  endThread(target: Target, bornAt: number): Promise<Fate> {
    return this.#inTurn(target, async (connection) => {
      const isSameRun = await this.#hasRunSince(connection, bornAt);
      if (isSameRun === false) return 'gone';
      if (isSameRun === null || (await this.#isElsewhere(target, connection)))
        return this.#endIfOurs(target, connection, isSameRun === true);
      const kill = this.#ask(connection, `KILL ${Number(target.threadId)}`);
      return kill.then(() => 'killed', unlessNoSuchThread);
    });
  }

  /**
   * What has become of the session of `target`, which was lost while a statement ran. The server that answers may be
   * another one than the one that was lost, after a failover or behind a balancer, or was started anew, and the number
   * another session's: the session is ended only where the port of our end tells that it is the one that is meant, or the
   * server's identity that it is the same server, which gives no number twice while it is up.
   */
  lookAfter(target: Target, bornAt: number): Promise<Fate> {
    return this.#inTurn(target, async (connection) => {
      const isSameRun = await this.#hasRunSince(connection, bornAt);
      return isSameRun === false ? 'gone' : this.#endIfOurs(target, connection, isSameRun === true);
    });
  }

  /** `isSameRun`: if it is the same server, then it was not restarted. */
  async #endIfOurs(target: Target, connection: DriverConnection, isSameRun: boolean): Promise<Fate> {
    const id = Number(target.threadId);
    const sql = `SELECT HOST AS host, COMMAND AS command FROM information_schema.processlist WHERE ID = ${id}`;
    const [session] = (await this.#ask(connection, sql)) as { host: string; command: string }[];
    if (!session) return 'gone';
    const hasOurPort = target.localPort !== undefined && session.host.endsWith(`:${target.localPort}`);
    if (!hasOurPort && !(isSameRun && (await this.#isServerOf(target, connection))))
      // Somebody else's, or ours through a proxy. The statement may not have begun, so that idle is not yet gone.
      return session.command === 'Sleep' ? 'idle' : 'unproven';
    await this.#ask(connection, `KILL ${id}`).catch(unlessNoSuchThread);
    return 'killed';
  }

  /** Whether it was not restarted since then; null = it can't be told. */
  async #hasRunSince(connection: DriverConnection, then: number): Promise<boolean | null> {
    // No server is restarted under a connection: it is asked on each until it is known.
    if (this.#run?.on !== connection) this.#run = { on: connection, is: new ServerRun() };
    const { is: run } = this.#run;
    const known = run.covers(then);
    if (known !== null) return known;
    const askedAt = this.#clock.now();
    const rows = await this.#ask(connection, "SHOW GLOBAL STATUS LIKE 'Uptime'");
    const [uptime] = rows as { Value: string }[];
    run.told(Number(uptime?.Value), askedAt, this.#clock.now());
    return run.covers(then);
  }

  /** A failover, or a balancer, has led to another server than that of `target`: there its number is somebody else's. */
  async #isElsewhere(target: Target, connection: DriverConnection): Promise<boolean> {
    return target.server !== null && !(await this.#isServerOf(target, connection));
  }

  async #isServerOf({ server }: Target, connection: DriverConnection): Promise<boolean> {
    if (server === null) return false;
    if (this.#server?.on !== connection) {
      const identity = await this.#ask(connection, `SELECT ${IDENTITY}`).then(
        (rows) => identityOf((rows as { identity: unknown }[])[0]?.identity, connection.threadId),
        unlessRefused,
      );
      this.#server = { on: connection, identity };
    }
    return this.#server.identity === server;
  }

  /** Its place is needed for somebody who waits. @returns whether it had one to give */
  giveWay(): boolean {
    if (!this.#connection?.isUsable() || this.#isAsked) return false;
    this.#dismiss();
    return true;
  }

  close(): void {
    this.#closed = true;
    this.#dismiss();
  }

  /** `first`: somebody waits for it, which nobody does for a ghost's end. */
  #inTurn<T>(target: Target, work: (connection: DriverConnection) => Promise<T>, first = false): Promise<T> {
    return outsideRequests(() => {
      const turn = new Promise<void>((resolve) => (first ? this.#urgent : this.#others).push(resolve));
      const run = turn.then(async () => work(await this.#reach(target)));
      const next = () => this.#next();
      run.then(next, next);
      if (!this.#isTaken) this.#next();
      return run;
    });
  }

  #next(): void {
    const begin = this.#urgent.shift() ?? this.#others.shift();
    this.#isTaken = begin !== undefined;
    begin?.();
  }

  async #reach(target: Target): Promise<DriverConnection> {
    this.#idleTimer?.cancel();
    this.#idleTimer = null;
    const current = this.#connection;
    if (current?.isUsable() && sameAddress(current.address, target.address)) return current;
    this.#dismiss();
    this.#connection = await this.#open(target);
    return this.#connection;
  }

  async #open({ address }: Target): Promise<DriverConnection> {
    if (this.#failure && sameAddress(this.#failure.address, address) && this.#isFresh(this.#failure))
      throw this.#failure.error;
    try {
      const opened = await new Promise<DriverConnection>((resolve, reject) => {
        const done: OpenDone = (error, connection) => (connection ? resolve(connection) : reject(error));
        this.#opener.open(done, { address });
      });
      this.#failure = null;
      return opened;
    } catch (error) {
      this.#failure = { error: error as Error, at: this.#clock.now(), address };
      throw error;
    }
  }

  #isFresh({ error, at }: Failure): boolean {
    const isPassing = openFailureOf(error) === 'passing';
    return this.#clock.now() - at < (isPassing && this.#isUrgent() ? UNREACHED_URGENT_MS : UNREACHED_MS);
  }

  async #ask(connection: DriverConnection, sql: string): Promise<unknown> {
    const call = question(sql);
    const timer = whenSilent(this.#clock, ANSWER_MS, () =>
      connection.destroy(new Error('the control connection is silent')),
    );
    this.#isAsked = true;
    connection.run(call);
    try {
      const [result] = (await call.promise) as [unknown];
      return result;
    } finally {
      timer.cancel();
      this.#isAsked = false;
      this.#linger();
    }
  }

  #linger(): void {
    this.#idleTimer?.cancel();
    if (this.#closed) this.#dismiss();
    else this.#idleTimer = this.#clock.after(IDLE_MS, () => this.#dismiss());
  }

  #dismiss(): void {
    this.#idleTimer?.cancel();
    this.#idleTimer = null;
    if (this.#connection?.isUsable()) this.#connection.end();
    this.#connection = null;
    this.#run = null;
    this.#server = null;
  }
}

/** @returns null: the server won't say. @throws what else it is */
function unlessRefused(error: DriverError & { sqlState?: string }): null {
  if (error.sqlState === undefined) throw error;
  return null;
}

/** @throws what else it is */
function unlessNoSuchThread(error: DriverError): Fate {
  if (error.errno === ER_NO_SUCH_THREAD) return 'gone';
  throw error;
}

function sameAddress(one: Target['address'], other: Target['address']): boolean {
  return one?.host === other?.host && one?.port === other?.port;
}
