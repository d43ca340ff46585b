import assert from 'node:assert/strict';
import type { ConnectionOptions } from 'mysql2';
import { ConnectionPool } from '#core/connection-pool.js';
import { Mysql2Driver } from '#core/drivers/mysql2.js';
import type { PoolOptions } from '#core/options.js';
import { Pool } from '#core/pool.js';
import { readPoolOptions } from '#core/read-options.js';
import { sumOfStates } from '../core/fixture.js';
import { outcomes, Watched } from './outcome.js';
import { Peer } from './peer/peer.js';
import { StoppedClock } from './stopped-clock.js';
import { Wire } from './wire.js';

/** Longer than every deadline of these pools. */
const LONG_MS = 600_000;

/** A pool on the real driver and on real sockets, a scripted server at their other end, and a clock that stands still. */
export class RacePool {
  readonly peer: Peer;
  readonly clock: StoppedClock;
  /** The flow underneath, for scopes. */
  readonly flow: Pool;
  readonly pool: ConnectionPool;
  readonly #wire: Wire;
  readonly #noise: string[] = [];
  readonly #unwatch: () => void;

  private constructor(peer: Peer, wire: Wire, options: Partial<PoolOptions>, own: ConnectionOptions) {
    this.peer = peer;
    this.#wire = wire;
    this.clock = new StoppedClock(wire);
    this.#unwatch = this.#listen();
    const connection = { host: '127.0.0.1', port: peer.port, user: 'peer', database: 'test', ...own };
    const settings = readPoolOptions({ connection, leakAfterMs: 0, ...options });
    this.flow = new Pool(settings, new Mysql2Driver(), this.clock);
    this.pool = new ConnectionPool(this.flow);
  }

  /** `connection`: the driver's options, for a server at this port. */
  static async open(
    options: Partial<PoolOptions> = {},
    connection: (port: number) => ConnectionOptions = () => ({}),
  ): Promise<RacePool> {
    const wire = new Wire();
    const peer = await Peer.listen();
    return new RacePool(peer, wire, options, connection(peer.port));
  }

  /** What must never be heard: a rejection that nobody handles, a word of the driver on the console. */
  #listen(): () => void {
    const methods = ['error', 'warn', 'log', 'trace'] as const;
    const originals = methods.map((name) => console[name]);
    for (const name of methods) console[name] = (...words: unknown[]) => this.#said(words.join(' '));
    const rejected = (reason: unknown) => void this.#noise.push(`unhandled rejection: ${reason}`);
    process.prependListener('unhandledRejection', rejected);
    return () => {
      methods.forEach((name, i) => {
        console[name] = originals[i] as () => void;
      });
      process.off('unhandledRejection', rejected);
    };
  }

  /** What Node prints of our own warnings is meant to be read. */
  #said(words: string): void {
    if (!words.includes('] HandbackWarning: ')) this.#noise.push(words);
  }

  /** At rest: the books balance, and neither the client nor the driver did what they must not. */
  check(): void {
    const stats = this.pool.stats();
    assert.equal(stats.opened - stats.closed, sumOfStates(stats), 'opened - closed = the sum of the states');
    assert.ok(sumOfStates(stats) <= stats.max, 'connections never exceed max');
    assert.deepEqual(this.peer.wrongs, []);
    assert.deepEqual(this.#noise, []);
  }

  /** Everything has come to rest, and is as it must be. */
  async rest(): Promise<void> {
    await this.clock.rest();
    this.check();
  }

  /** Time passes until all of them have settled. */
  async settled(all: readonly Watched[]): Promise<void> {
    const isDone = () => all.every(({ ended }) => ended !== undefined);
    const done = await this.clock.passUntil(isDone, LONG_MS);
    this.check();
    assert.ok(done, `after ${LONG_MS} ms: ${outcomes(all)}`);
  }

  /** Closes the pool, whatever has become of it: nothing is left on either side. */
  async end(): Promise<void> {
    try {
      await this.settled([new Watched('close', this.pool.close({ timeoutMs: 1_000 }))]);
      await this.clock.advance(10_000);
      this.check();
      const stats = this.pool.stats();
      assert.equal(sumOfStates(stats), 0, `connections are left: ${JSON.stringify(stats)}`);
      assert.equal(stats.pending, 0);
      assert.equal(stats.acquired, stats.released, 'every acquire has its release');
      assert.equal(this.peer.openSockets, 0, 'sockets are left at the server');
    } finally {
      await this.abandon();
    }
  }

  async abandon(): Promise<void> {
    this.#unwatch();
    await this.peer.close();
    this.#wire.close();
  }
}
