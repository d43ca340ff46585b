import { EventEmitter } from 'node:events';
import type { DoubleAcquireReport, ErrorCode, HandbackError, HolderReport, PoolReport } from './errors.js';
import { outsideRequests } from './neutral.js';
import type { EvictReason } from './states.js';

/** What `pool.events` tells. Durations are in milliseconds; statements never carry values. */
export interface PoolEventMap {
  /** A connection was opened. */
  open: [{ connection: number; threadId: number; durationMs: number }];
  /** An attempt to open failed; the next one is made in `retryInMs`, when somebody needs it. */
  openFailed: [{ error: Error; attempt: number; retryInMs: number }];
  acquire: [{ connection: number; route: string; waitedMs: number }];
  acquireFailed: [{ route: string; error: HandbackError }];
  /** A lease ended; `clean` = it went straight back, without a reset. */
  release: [{ connection: number; route: string; heldMs: number; clean: boolean }];
  reset: [{ connection: number; reason: string; durationMs: number }];
  /** The pool stopped using a connection. */
  evict: [{ connection: number; reason: EvictReason; detail: string }];
  /** An open transaction was rolled back at the end of its lease. */
  rollback: [{ connection: number; route: string; statement: string | undefined }];
  /** Work after the end of its request. */
  late: [{ route: string; statement: string | undefined }];
  /** All of a `transaction(fn, { retries })` was undone, and is run again in `delayMs`; `errno` = 1213 or 1205. */
  retry: [{ connection: number; route: string; attempt: number; errno: number; delayMs: number }];
  /** A statement was killed because it outlived the drain deadline. */
  kill: [{ connection: number; threadId: number; route: string }];
  /** A connection has been held longer than `leakAfterMs`. */
  leak: [HolderReport & { connection: number; statements: number }];
  /** One that was reported has come back. */
  unleak: [{ connection: number; route: string; heldMs: number }];
  /** A statement was killed: at `queryTimeoutMs`, because its signal was aborted, or because the reader of its rows had left. */
  cancel: [
    { connection: number; route: string; statement: string; reason: 'timeout' | 'signal' | 'abandoned' },
  ];
  /** A request that holds a connection asks for another one; see the option `onDoubleAcquire`. */
  doubleAcquire: [DoubleAcquireReport];
  /** A connection was lost, or found dead: the others are asked before they are used. */
  distrust: [{ reason: string }];
  /** Something an operator should know; `stack` = of the call that it is about. Without a listener it becomes a process warning. */
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

/**
 * Observers can't disturb the pool: what a listener throws surfaces as an uncaught exception, not in the flow. Nor are
 * they called in the async context of whoever happens to have caused the event, which may be another request than the
 * one it is about.
 */
export class PoolEvents extends EventEmitter<PoolEventMap> {
  /** @internal As {@link heard} says it, of the two that come with every lease: these must not cost even the question. */
  hearsAcquire = false;
  /** @internal */
  hearsRelease = false;

  static {
    for (const name of CHANGES) {
      const change = EventEmitter.prototype[name] as (...given: unknown[]) => unknown;
      const value = function changed(this: PoolEvents, ...given: unknown[]) {
        const result = change.apply(this, given);
        this.#look();
        return result;
      };
      Object.defineProperty(PoolEvents.prototype, name, { value, configurable: true, writable: true });
    }
  }

  #look(): void {
    this.hearsAcquire = this.heard('acquire');
    this.hearsRelease = this.heard('release');
  }

  /** Whether building the event is worth it. */
  heard(name: keyof PoolEventMap): boolean {
    return this.listenerCount(name) > 0;
  }

  tell<Name extends keyof PoolEventMap>(name: Name, ...event: PoolEventMap[Name]): void {
    try {
      outsideRequests(() => (this.emit as (name: string, ...event: unknown[]) => boolean)(name, ...event));
    } catch (error) {
      process.nextTick(() => {
        throw error;
      });
    }
  }

  warn(warning: PoolEventMap['warning'][0]): void {
    if (this.heard('warning')) return this.tell('warning', warning);
    const { message, code, stack: detail } = warning;
    const options = { type: 'HandbackWarning', code, ...(detail ? { detail } : {}) };
    outsideRequests(() => process.emitWarning(message, options));
  }
}
