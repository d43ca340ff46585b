import { type Channel, channel, type TracingChannel, tracingChannel } from 'node:diagnostics_channel';
import { watchAny } from './channel-watch.js';
import type { LeaseFacts, PoolEventMap } from './events.js';
import { outsideRequests } from './neutral.js';

/** Every event of `pool.events` is also published as `handback:<its name>`, with the pool's name in it. */
const EVENTS: Readonly<Record<keyof PoolEventMap, Channel>> = {
  open: channel('handback:open'),
  openFailed: channel('handback:openFailed'),
  acquireStart: channel('handback:acquireStart'),
  acquire: channel('handback:acquire'),
  acquireFailed: channel('handback:acquireFailed'),
  shed: channel('handback:shed'),
  release: channel('handback:release'),
  reset: channel('handback:reset'),
  evict: channel('handback:evict'),
  rollback: channel('handback:rollback'),
  late: channel('handback:late'),
  retry: channel('handback:retry'),
  kill: channel('handback:kill'),
  leak: channel('handback:leak'),
  unleak: channel('handback:unleak'),
  cancel: channel('handback:cancel'),
  doubleAcquire: channel('handback:doubleAcquire'),
  distrust: channel('handback:distrust'),
  warning: channel('handback:warning'),
};

/** What all messages of the tracing channels have. The same object is given to each of the handlers of one operation. */
export interface TraceMessage {
  /** The pool's `name`. */
  readonly pool: string;
  /**
   * Whose it is: one object for everything that is traced of one lease. Undefined for an open, which is nobody's, and of a
   * query until it has a connection.
   */
  holder?: LeaseFacts | undefined;
  /** Number of the connection in its pool, when it has one. */
  connection?: number | undefined;
  /** What it failed with. An error's own message may have been written by the server. */
  error?: unknown;
}

export interface AcquireTrace extends TraceMessage {
  readonly holder: LeaseFacts;
  /** When it has ended: for how long it waited, in ms. */
  waitedMs?: number;
}

export interface QueryTrace extends TraceMessage {
  /** The statement, its values replaced by `?`. */
  readonly statement: string;
  /** It was sent with `execute()`. */
  readonly prepared: boolean;
  /** What the server calls itself; undefined before the first connection. */
  readonly system: 'mysql' | 'mariadb' | undefined;
  /** The default schema of the pool's connections, where the options name it. */
  readonly database: string | undefined;
  /** The server's end of the connection, when there is one; undefined on a unix socket. */
  readonly address: { readonly host: string; readonly port: number } | undefined;
}

export interface TransactionTrace extends TraceMessage {
  readonly isolation: string | undefined;
  readonly readOnly: boolean;
  /** How often it was run so far; more than 1 with the option `retries`. */
  attempts: number;
  /** When it has ended. */
  outcome?: 'committed' | 'rolled back' | 'unknown';
}

export interface ResetTrace extends TraceMessage {
  /** All of the session, or its open transaction alone. */
  readonly how: 'reset' | 'rollback';
  /** Why it was needed, in words. */
  readonly reason: string;
}

export interface OpenTrace extends TraceMessage {
  /** The server's id of the session, when it is open. */
  threadId?: number;
}

/** The tracing channels, `tracing:handback:<name>:start` and so on, and what is published on each. */
export interface TraceMessages {
  acquire: AcquireTrace;
  query: QueryTrace;
  transaction: TransactionTrace;
  reset: ResetTrace;
  open: OpenTrace;
}

type Traces = { readonly [Name in keyof TraceMessages]: TracingChannel<unknown, TraceMessages[Name]> };

/** @internal */
export const traces: Traces = {
  acquire: tracingChannel('handback:acquire'),
  query: tracingChannel('handback:query'),
  transaction: tracingChannel('handback:transaction'),
  reset: tracingChannel('handback:reset'),
  open: tracingChannel('handback:open'),
};

export function isPublished(name: keyof PoolEventMap): boolean {
  return EVENTS[name].hasSubscribers;
}

export function publish(name: keyof PoolEventMap, message: object): void {
  EVENTS[name].publish(message);
}

const { start, end, asyncStart, asyncEnd, error: failed } = traces.acquire;

/** What of every lease is published, on whichever channel. Asked with each: that must cost no more than to look here. */
export const published = {
  acquires: false,
  releases: false,
};

watchAny([EVENTS.acquire, EVENTS.acquireStart, start, end, asyncStart, asyncEnd, failed], (heard) => {
  published.acquires = heard;
});
watchAny([EVENTS.release], (heard) => {
  published.releases = heard;
});

export function isTraced(name: keyof TraceMessages): boolean {
  return traces[name].hasSubscribers;
}

/** The beginning of an operation: published in the async context of whoever asks for it, so that it can be told whose it is. */
export function traceBegins<T>(name: keyof TraceMessages, message: TraceMessage, begin: () => T): T {
  const { start, end } = traces[name] as TracingChannel<unknown, TraceMessage>;
  return start.runStores(message, () => {
    try {
      return begin();
    } finally {
      end.publish(message);
    }
  });
}

/** Its end, which comes in nobody's context: who began it is found by the message. */
export function traceEnds(name: keyof TraceMessages, message: TraceMessage, error?: unknown): void {
  const { error: failed, asyncStart, asyncEnd } = traces[name] as TracingChannel<unknown, TraceMessage>;
  outsideRequests(() => {
    if (error !== undefined && error !== null) {
      message.error = error;
      failed.publish(message);
    }
    asyncStart.publish(message);
    asyncEnd.publish(message);
  });
}
