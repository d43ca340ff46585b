import type { Clock, Timer } from './clock.js';
import type { DriverConnection } from './driver.js';
import { outsideRequests } from './neutral.js';
import type { Opener } from './opener.js';
import { type DriverError, question } from './statement.js';

/** How long the control connection stays open after its last use. */
const IDLE_MS = 5_000;
/** A KILL may wait for its target's locks: two seconds were seen. */
const ANSWER_MS = 3_000;
const ER_NO_SUCH_THREAD = 1094;

/** The server and the session there that are meant. */
export type Target = Pick<DriverConnection, 'threadId' | 'address'>;

/**
 * The one connection beyond `max`, opened on demand: a full pool could not be unblocked otherwise. It goes to
 * the same address as the connection that is meant, since a host name may lead to another server.
 */
export class Control {
  readonly #opener: Opener;
  readonly #clock: Clock;
  #connection: DriverConnection | null = null;
  #idleTimer: Timer | null = null;
  #last: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(opener: Opener, clock: Clock) {
    this.#opener = opener;
    this.#clock = clock;
  }

  /** Stops the running statement of `target`. Resolves when the server has acknowledged: not before may it be reused. */
  killQuery(target: Target): Promise<void> {
    return this.#inTurn(target, async (connection) => {
      await this.#ask(connection, `KILL QUERY ${Number(target.threadId)}`);
    });
  }

  /**
   * Ends the session of `target` on the server. Resolves with whether it is certainly gone.
   *
   * `ageMs` is how long ago it was opened: a server that has been up for less was restarted since, and the
   * thread's number may belong to somebody else.
   */
  endThread(target: Target, ageMs: number): Promise<boolean> {
    return this.#inTurn(target, async (connection) => {
      const uptime = (await this.#ask(connection, "SHOW GLOBAL STATUS LIKE 'Uptime'")) as { Value: string }[];
      if (Number(uptime[0]?.Value) * 1_000 < ageMs - 1_000) return true;
      try {
        await this.#ask(connection, `KILL ${Number(target.threadId)}`);
        return false;
      } catch (error) {
        if ((error as DriverError).errno === ER_NO_SUCH_THREAD) return true;
        throw error;
      }
    });
  }

  close(): void {
    this.#closed = true;
    this.#dismiss();
  }

  #inTurn<T>(target: Target, work: (connection: DriverConnection) => Promise<T>): Promise<T> {
    // The promise is kept until the next one comes.
    return outsideRequests(() => {
      const run = this.#last.then(async () => work(await this.#reach(target)));
      this.#last = run.catch(() => undefined);
      return run;
    });
  }

  async #reach(target: Target): Promise<DriverConnection> {
    this.#idleTimer?.cancel();
    this.#idleTimer = null;
    const current = this.#connection;
    if (current?.isUsable() && sameServer(current, target)) return current;
    this.#dismiss();
    const opened = await new Promise<DriverConnection>((resolve, reject) => {
      this.#opener.open((error, connection) => (connection ? resolve(connection) : reject(error)), {
        address: target.address,
      });
    });
    this.#connection = opened;
    return opened;
  }

  async #ask(connection: DriverConnection, sql: string): Promise<unknown> {
    const call = question(sql);
    const timer = this.#clock.after(ANSWER_MS, () =>
      connection.destroy(new Error('the control connection is silent')),
    );
    connection.run(call);
    try {
      const [result] = (await call.promise) as [unknown];
      return result;
    } finally {
      timer.cancel();
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
  }
}

function sameServer(connection: DriverConnection, target: Target): boolean {
  return (
    connection.address?.host === target.address?.host && connection.address?.port === target.address?.port
  );
}
