import { EventEmitter } from 'node:events';
import { isPublished, publish, published } from './channels.js';
import type { DoubleAcquireReport, ErrorCode, HandbackError, HolderReport, PoolReport } from './errors.js';
import { outsideRequests } from './neutral.js';
import type { EvictReason } from './states.js';

/** On whose behalf. */
export interface HolderFacts {
  /** Pattern of the route, or METHOD + '(unmatched)', or the job's name. */
  readonly route: string;
  /** Of a request. */
  readonly method?: string;
  /** The framework's own id of the request, else its header `x-request-id`. */
  readonly requestId?: string;
}

/** Which lease it is, and on whose behalf. */
export interface LeaseFacts extends HolderFacts {
  /** From the beginning of its acquire on; unique in its pool, ever rising. */
  readonly lease: number;
}

/** One lease on a connection. */
export interface LeaseOnConnection extends LeaseFacts {
  /** Number of the connection; unique in its pool, ever rising. */
  readonly connection: number;
}

/** What `pool.events` tells. Durations are in milliseconds; statements never carry values. */
export interface PoolEventMap {
  /** A connection was opened. */
  open: [{ connection: number; threadId: number; durationMs: number }];
  /** An attempt to open failed; the next one is made in `retryInMs`, when somebody needs it. */
  openFailed: [{ error: Error; attempt: number; retryInMs: number }];
  /** Somebody asks for a connection. Each ends in one `acquire` or one `acquireFailed`. */
  acquireStart: [LeaseFacts];
  acquire: [LeaseOnConnection & { waitedMs: number }];
  /** `code` is that of the error, or WITHDRAWN: whoever asked has given up waiting, or their client has left. */
  acquireFailed: [LeaseFacts & { waitedMs: number; code: ErrorCode | 'WITHDRAWN'; error?: HandbackError }];
  /** One that failed because of load; told beside its `acquireFailed`. `pending` = who still waits. */
  shed: [LeaseFacts & { waitedMs: number; code: 'QUEUE_FULL' | 'OVERLOADED'; pending: number }];
  /** A lease ended; `clean` = it went straight back, without a reset. `usedMs` = for how long statements ran on it. */
  release: [LeaseOnConnection & { heldMs: number; usedMs: number; statements: number; clean: boolean }];
  reset: [LeaseOnConnection & { reason: string; durationMs: number }];
  /** The pool stopped using a connection; `lease` = the one that it was taken away from, or that ended with it. */
  evict: [{ connection: number; lease?: number; reason: EvictReason; detail: string }];
  /** An open transaction was rolled back at the end of its lease. */
  rollback: [LeaseOnConnection & { statement: string | undefined }];
  /** Work after the end of its request. */
  late: [HolderFacts & { statement: string | undefined }];
  /** All of a `transaction(fn, { retries })` was undone, and is run again in `delayMs`; `errno` = 1213 or 1205. */
  retry: [LeaseOnConnection & { attempt: number; errno: number; delayMs: number }];
  /** A statement was killed because it outlived the drain deadline. */
  kill: [LeaseOnConnection & { threadId: number }];
  /** A connection has been held longer than `leakAfterMs`. */
  leak: [HolderReport & LeaseOnConnection];
  /** One that was reported has come back. */
  unleak: [LeaseOnConnection & { heldMs: number }];
  /** A statement was killed: at `queryTimeoutMs`, because its signal was aborted, or because the reader of its rows had left. */
  cancel: [LeaseOnConnection & { statement: string; reason: 'timeout' | 'signal' | 'abandoned' }];
  /** A request that holds a connection asks for another one; see the option `onDoubleAcquire`. */
  doubleAcquire: [DoubleAcquireReport];
  /** A connection was lost, or found dead: the others are asked before they are used. */
  distrust: [{ reason: string }];
  /** Something an operator should know; the `report` of an exhausted pool has all who hold a connection; `stack` = of the call that it is about. Without a listener it becomes a process warning. */
  warning: [{ code: WarningCode; message: string; report?: PoolReport; stack?: string }];
}

export type WarningCode =
  | ErrorCode
  | 'OPEN_TRANSACTION'
  | 'LATE'
  | 'LEAK'
  | 'NO_ROOM'
  | 'SERVER_LIMITS'
  | 'STATUS_HIDDEN'
  | 'BEHIND_PROXY'
  | 'PINNED'
  | 'UNSAFE_SETTING';

/** What changes who listens; the others, such as `once`, go through these. */
const CHANGES = [
  'on',
  'addListener',
  'prependListener',
  'off',
  'removeListener',
  'removeAllListeners',
] as const;

/** Those of which something is told with each acquire. */
const OF_ACQUIRES = ['acquireStart', 'acquire'] as const;

/**
 * Observers can't disturb the pool: what a listener throws surfaces as an uncaught exception, not in the flow. Nor are
 * they called in the async context of whoever happens to have caused the event, which may be another request than the
 * one it is about.
 *
 * Each event is published on `node:diagnostics_channel` as well: see channels.ts.
 */
// What is asked with every lease must not cost even the question: it is private to the compiler, not to the engine.
export class PoolEvents extends EventEmitter<PoolEventMap> {
  private readonly pool: string;
  private acquireHasListeners = false;
  private releaseHasListeners = false;

  static {
    for (const name of CHANGES) {
      const change = EventEmitter.prototype[name] as (...given: unknown[]) => unknown;
      const value = function changed(this: PoolEvents, ...given: unknown[]) {
        const result = change.apply(this, given);
        this.look();
        return result;
      };
      Object.defineProperty(PoolEvents.prototype, name, { value, configurable: true, writable: true });
    }
  }

  /** `pool`: its name, for those who hear of several. */
  constructor(pool = 'default') {
    super();
    this.pool = pool;
  }

  private look(): void {
    this.acquireHasListeners = OF_ACQUIRES.some((name) => this.listenerCount(name) > 0);
    this.releaseHasListeners = this.listenerCount('release') > 0;
  }

  /** @internal As {@link heard} says it, of what comes with every lease. */
  get hearsAcquire(): boolean {
    return this.acquireHasListeners || published.acquires;
  }

  /** @internal */
  get hearsRelease(): boolean {
    return this.releaseHasListeners || published.releases;
  }

  /** Whether building the event is worth it. */
  heard(name: keyof PoolEventMap): boolean {
    return this.listenerCount(name) > 0 || isPublished(name);
  }

  tell<Name extends keyof PoolEventMap>(name: Name, ...event: PoolEventMap[Name]): void {
    try {
      outsideRequests(() => {
        if (isPublished(name)) publish(name, { pool: this.pool, ...event[0] });
        (this.emit as (name: string, ...event: unknown[]) => boolean)(name, ...event);
      });
    } catch (error) {
      uncaught(error);
    }
  }

  /** One listener that throws keeps nothing from the others. */
  override emit<K>(name: keyof PoolEventMap | K, ...event: unknown[]): boolean {
    const listeners = this.rawListeners(name as keyof PoolEventMap) as ((...event: unknown[]) => void)[];
    for (const listener of listeners) {
      try {
        listener.apply(this, event);
      } catch (error) {
        uncaught(error);
      }
    }
    return listeners.length > 0;
  }

  warn(warning: PoolEventMap['warning'][0]): void {
    if (this.heard('warning')) this.tell('warning', warning);
    // Whoever watches the channels watches: it is told to the operator none the less.
    if (this.listenerCount('warning') > 0) return;
    const { message, code, stack: detail } = warning;
    const options = { type: 'HandbackWarning', code, ...(detail ? { detail } : {}) };
    outsideRequests(() => process.emitWarning(message, options));
  }
}

function uncaught(error: unknown): void {
  process.nextTick(() => {
    throw error;
  });
}
