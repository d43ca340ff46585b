import type { ConnectionOptions } from 'mysql2';
import { type Clock, whenSilent } from './clock.js';
import type { Driver, DriverConnection, OpenDone, OpenSettings, Pipelining } from './driver.js';
import { asError } from './errors.js';
import { outsideRequests } from './neutral.js';
import type { PoolSettings } from './options.js';

export interface OpenRequest {
  /** Connect to this address instead of the configured one. */
  readonly address?: DriverConnection['address'];
  /** What has to be done on the connection before it counts as open. */
  readonly prepare?: (connection: DriverConnection) => Promise<void>;
}

/** Opens one connection: asks for the options, opens, prepares, and keeps one deadline over all of it. */
export class Opener {
  readonly #driver: Driver;
  readonly #clock: Clock;
  readonly #settings: PoolSettings;
  readonly #pipelining: Pipelining;
  readonly #onConfig: (config: ConnectionOptions) => void;

  /** `onConfig` is told what a function gave. */
  constructor(
    driver: Driver,
    clock: Clock,
    settings: PoolSettings,
    pipelining: Pipelining,
    onConfig: (config: ConnectionOptions) => void,
  ) {
    this.#driver = driver;
    this.#clock = clock;
    this.#settings = settings;
    this.#pipelining = pipelining;
    this.#onConfig = onConfig;
  }

  /** `done` is called exactly once (with an error and a connection, where that could not be prepared), never before this returns. The returned function gives the attempt up. */
  open(done: OpenDone, request: OpenRequest = {}): (reason: Error) => void {
    // An open belongs to the pool, not to the request that it is made for.
    return outsideRequests(() => this.#open(done, request));
  }

  #open(done: OpenDone, { address, prepare }: OpenRequest): (reason: Error) => void {
    let settled = false;
    let missing = 'no answer of the connection function';
    let abort: (reason: Error) => void = () => {};
    const { connectTimeoutMs } = this.#settings;
    const settle: OpenDone = (error, connection) => {
      if (settled) {
        // Came after the deadline: nobody will use it.
        connection?.destroy(new Error('opened too late'));
        return;
      }
      settled = true;
      timer.cancel();
      done(error, connection);
    };
    const opened: OpenDone = (error, connection) => {
      if (settled || !connection || !prepare) return settle(error, connection);
      missing = 'connected, but no end of onConnect and of the look at the server';
      // It goes along with the error: something may run on it, and its end must be followed.
      const failed = (cause: Error) => settle(cause, connection);
      abort = failed;
      connection.onLost = failed;
      prepare(connection).then(
        () => settle(null, connection),
        (cause) => failed(asError(cause)),
      );
    };
    const giveUp = (reason: Error) => {
      abort(reason);
      settle(reason);
    };
    const timer = whenSilent(this.#clock, connectTimeoutMs, () =>
      giveUp(timedOut(connectTimeoutMs, missing)),
    );
    const opening = this.#configure().then((config) => {
      missing = 'no connection';
      if (!settled)
        abort = this.#driver.open(this.#openSettings(config, address, prepare !== undefined), opened);
    });
    opening.catch((error) => settle(asError(error)));
    return giveUp;
  }

  async #configure(): Promise<ConnectionOptions> {
    const config = await this.#settings.source.resolve();
    if (typeof config === 'object' && config !== null) {
      if (this.#settings.source.known === null) this.#onConfig(config);
      return config;
    }
    throw new TypeError('The connection function must return an object of connection options.');
  }

  #openSettings(
    config: ConnectionOptions,
    address: OpenRequest['address'],
    isPrepared: boolean,
  ): OpenSettings {
    const { name: poolName, onConnect } = this.#settings;
    const settlesAtOnce = isPrepared && onConnect === undefined;
    const settings = { config, poolName, pipelining: this.#pipelining, settlesAtOnce };
    return address ? { ...settings, address } : settings;
  }
}

function timedOut(connectTimeoutMs: number, missing: string): Error {
  return Object.assign(new Error(`connect ETIMEDOUT: ${missing} within ${connectTimeoutMs} ms`), {
    code: 'ETIMEDOUT',
    syscall: 'connect',
  });
}
