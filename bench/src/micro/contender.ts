import type { ConnectionFacts } from '../measure/server.js';

/** A pool as the loops use it; every resource is there and idle once it is `ready`. */
export interface PromisePool<Resource = unknown> {
  readonly style: 'promise';
  acquire(): Promise<Resource>;
  release(resource: Resource): void;
  /** Synchronous; only where the pool has such a thing. */
  tryAcquire?(): Resource | undefined;
  /** An acquire that can be called off; only where the pool has such a thing. */
  acquireCancellable?(): Cancellable;
}

/** A pool without promises. */
export interface CallbackPool<Resource = unknown> {
  readonly style: 'callback';
  acquire(done: (error: unknown, resource: Resource) => void): void;
  release(resource: Resource): void;
}

export type AnyPool = PromisePool | CallbackPool;

export interface Cancellable {
  readonly settled: Promise<unknown>;
  cancel(): void;
}

export interface PoolSize {
  readonly max: number;
  /** How many will wait at most: where the default allows fewer, this is what has to be set. */
  readonly waiters: number;
  readonly connection: ConnectionFacts;
}

/** Ready to be measured: `acquire` gives what is there already, it opens nothing. */
export type MakePool = (size: PoolSize) => AnyPool;

export interface Contender {
  /** As the table shows it; settings other than the defaults are in its name. */
  readonly name: string;
  /** Loaded in the cell's process alone. */
  load(): Promise<MakePool>;
}
