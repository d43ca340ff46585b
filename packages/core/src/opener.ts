import type { ConnectionOptions } from 'mysql2';
import type { Clock } from './clock.js';
import type { Driver, DriverConnection, OpenDone, OpenSettings } from './driver.js';
import type { PoolSettings } from './options.js';

type Address = DriverConnection['address'];

/** Opens one connection: asks for the options, opens, and keeps one deadline over both. */
export class Opener {
  readonly #driver: Driver;
  readonly #clock: Clock;
  readonly #settings: PoolSettings;

  constructor(driver: Driver, clock: Clock, settings: PoolSettings) {
    this.#driver = driver;
    this.#clock = clock;
    this.#settings = settings;
  }

  /** `done` is called exactly once, never before this returns. The returned function gives the attempt up. */
  open(done: OpenDone, address?: Address): (reason: Error) => void {
    let settled = false;
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
    const giveUp = (reason: Error) => {
      abort(reason);
      settle(reason);
    };
    const timer = this.#clock.after(connectTimeoutMs, () => giveUp(timedOut(connectTimeoutMs)));
    this.#configure().then(
      (config) => {
        if (!settled) abort = this.#driver.open(this.#openSettings(config, address), settle);
      },
      (error) =>
        settle(error instanceof Error ? error : new Error('the connection function threw', { cause: error })),
    );
    return giveUp;
  }

  async #configure(): Promise<ConnectionOptions> {
    const config = await this.#settings.source.resolve();
    if (typeof config === 'object' && config !== null) return config;
    throw new TypeError('The connection function must return an object of connection options.');
  }

  #openSettings(config: ConnectionOptions, address: Address): OpenSettings {
    const { name, connectTimeoutMs } = this.#settings;
    const settings = { config, poolName: name, timeoutMs: connectTimeoutMs };
    return address ? { ...settings, address } : settings;
  }
}

function timedOut(connectTimeoutMs: number): Error {
  return Object.assign(new Error(`connect ETIMEDOUT: no connection within ${connectTimeoutMs} ms`), {
    code: 'ETIMEDOUT',
    syscall: 'connect',
  });
}
