import assert from 'node:assert/strict';
import type { EventEmitter } from 'node:events';
import { ConnectionPool } from '#core/connection-pool.js';
import type { ErrorCode, HandbackError } from '#core/errors.js';
import type { PoolEventMap } from '#core/events.js';
import type { PoolOptions } from '#core/options.js';
import { Pool } from '#core/pool.js';
import { readPoolOptions } from '#core/read-options.js';
import type { PoolStats } from '#core/stats.js';
import { FakeClock } from './fake-clock.js';
import type { FakeConnection } from './fake-connection.js';
import { FakeDriver } from './fake-driver.js';

const EVENTS: readonly (keyof PoolEventMap)[] = [
  'open',
  'openFailed',
  'acquireStart',
  'acquire',
  'acquireFailed',
  'shed',
  'release',
  'reset',
  'evict',
  'rollback',
  'late',
  'retry',
  'kill',
  'cancel',
  'leak',
  'unleak',
  'distrust',
  'doubleAcquire',
  'warning',
];

export function sumOfStates(stats: PoolStats): number {
  const { idle, leased, opening, validating, resetting, draining, ghost, closing } = stats;
  return idle + leased + opening + validating + resetting + draining + ghost + closing;
}

/** What is looked at in tests of its own, and would only get in the way of others. */
const QUIET: Partial<PoolOptions> = { validateAfterMs: 1_000_000_000, leakAfterMs: 0 };

/** A pool on a fake driver and a fake clock; what must always hold is checked whenever it comes to rest. */
export class TestPool {
  readonly clock = new FakeClock();
  readonly driver = new FakeDriver();
  /** The flow underneath, for scopes. */
  readonly flow: Pool;
  readonly pool: ConnectionPool;
  /** `max` was made smaller than what there is. */
  mayExceed = false;
  #wrong: unknown;
  readonly events: { name: keyof PoolEventMap; event: unknown }[] = [];
  readonly #leases = new LeaseBook();
  #listens = true;

  constructor(options: Partial<PoolOptions> = {}) {
    this.flow = new Pool(readPoolOptions({ connection: {}, ...QUIET, ...options }), this.driver, this.clock);
    this.pool = new ConnectionPool(this.flow);
    for (const name of EVENTS) {
      this.observe(name, (event) => {
        this.events.push({ name, event });
        this.checkBooks();
      });
    }
    this.observe('acquireStart', (event) => this.#listens && this.#leases.begun(event));
    this.observe('acquire', (event) => this.#listens && this.#leases.granted(event));
    this.observe('acquireFailed', (event) => this.#listens && this.#leases.failed(event));
    this.observe('release', (event) => this.#listens && this.#leases.over(event));
    this.clock.onRest = () => this.check();
  }

  /** What an observer finds wrong is thrown by the next `check`: what it throws itself the pool keeps out of its flow. */
  observe<Name extends keyof PoolEventMap>(
    name: Name,
    look: (event: PoolEventMap[Name][0]) => unknown,
  ): void {
    (this.pool.events as EventEmitter).on(name, (event: PoolEventMap[Name][0]) => {
      try {
        look(event);
      } catch (error) {
        this.#wrong ??= error;
      }
    });
  }

  /** At rest. */
  check(): void {
    if (this.#wrong) throw this.#wrong;
    this.checkBooks();
    const { pending, leased, draining } = this.stats();
    if (this.#listens) this.#leases.check(pending, leased + draining);
  }

  /** From here on nobody listens to what comes with every lease. */
  listenNoMore(): void {
    this.#listens = false;
    for (const name of ['acquireStart', 'acquire', 'release'] as const)
      this.pool.events.removeAllListeners(name);
  }

  /** The invariants of every moment. */
  checkBooks(): void {
    const stats = this.pool.stats();
    assert.equal(stats.opened - stats.closed, sumOfStates(stats), 'opened - closed = the sum of the states');
    if (this.mayExceed) return;
    assert.ok(sumOfStates(stats) <= stats.max, `${sumOfStates(stats)} connections, max ${stats.max}`);
    assert.ok(this.driver.poolThreads <= stats.max, 'sessions on the server never exceed max');
  }

  /** The promise's value, for which everything that needs no time may come to rest. */
  async rest<T>(promise: Promise<T>): Promise<T> {
    const outcome = track(promise);
    await this.clock.settle();
    return outcome.value;
  }

  stats(): PoolStats {
    return this.pool.stats();
  }

  /** The events of one name, in order. */
  told<Name extends keyof PoolEventMap>(name: Name): PoolEventMap[Name][0][] {
    return this.events
      .filter((each) => each.name === name)
      .map(({ event }) => event as PoolEventMap[Name][0]);
  }

  /** The n-th connection that was opened. */
  connection(index = 0): FakeConnection {
    const connection = this.driver.connections[index];
    assert.ok(connection, `connection ${index} was never opened`);
    return connection;
  }
}

/** What the events of leases must amount to: each acquire ends once, and each lease, under its own number. */
class LeaseBook {
  readonly #asking = new Set<number>();
  readonly #held = new Set<number>();
  #last = 0;

  begun({ lease }: { lease: number }): void {
    assert.ok(lease > this.#last, `acquire ${lease} begins after ${this.#last}`);
    this.#last = lease;
    this.#asking.add(lease);
  }

  granted({ lease }: { lease: number }): void {
    assert.ok(this.#asking.delete(lease), `acquire ${lease} succeeds, which does not wait`);
    this.#held.add(lease);
  }

  failed({ lease }: { lease: number }): void {
    assert.ok(this.#asking.delete(lease), `acquire ${lease} fails, which does not wait`);
  }

  over({ lease }: { lease: number }): void {
    assert.ok(this.#held.delete(lease), `lease ${lease} ends, which nobody has`);
  }

  check(pending: number, held: number): void {
    assert.equal(this.#asking.size, pending, 'acquires that have begun and not ended = pending');
    assert.equal(this.#held.size, held, 'leases that have begun and not ended = leased or draining');
  }
}

/** What has become of a promise so far. */
export class Outcome<T> {
  state: 'pending' | 'fulfilled' | 'rejected' = 'pending';
  #value: T | undefined;
  #error: unknown;

  constructor(promise: Promise<T>) {
    promise.then(
      (value) => {
        this.state = 'fulfilled';
        this.#value = value;
      },
      (error) => {
        this.state = 'rejected';
        this.#error = error;
      },
    );
  }

  get value(): T {
    assert.equal(this.state, 'fulfilled', `it is ${this.state}: ${String(this.#error)}`);
    return this.#value as T;
  }

  get error(): HandbackError {
    assert.equal(this.state, 'rejected', `it is ${this.state}`);
    return this.#error as HandbackError;
  }

  /** Its error's code; undefined while there is none. */
  get code(): string | undefined {
    return (this.#error as { code?: string } | undefined)?.code;
  }
}

export function track<T>(promise: Promise<T>): Outcome<T> {
  return new Outcome(promise);
}

/** For `assert.rejects`. */
export function coded(code: ErrorCode): { name: 'HandbackError'; code: ErrorCode } {
  return { name: 'HandbackError', code };
}
