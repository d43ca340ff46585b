import { type AcquireTrace, isTraced, traceBegins, traceEnds } from './channels.js';
import type { Clock } from './clock.js';
import type { Entry, Holder } from './entry.js';
import type { HandbackError } from './errors.js';
import type { LeaseFacts, PoolEvents } from './events.js';
import { leaseFacts } from './lease-facts.js';
import { waitsSince } from './moment.js';
import type { PoolSettings } from './options.js';
import { numberOf, type Waiter } from './pending.js';

export interface AcquireReportParts {
  readonly settings: PoolSettings;
  readonly clock: Clock;
  readonly events: PoolEvents;
}

const NOTHING = () => {};

/** Numbers the leases, and tells of each acquire: that it begins, and how it ends, once each. */
export class AcquireReports {
  /** Number of the acquire that began last; the lease that comes of it has the same. */
  last = 0;
  private readonly parts: AcquireReportParts;
  /** Those under way that somebody traces; kept no longer than they are, whoever stops listening meanwhile. */
  private readonly traced = new WeakMap<Waiter, AcquireTrace>();

  constructor(parts: AcquireReportParts) {
    this.parts = parts;
  }

  /** Whether anybody listens to any of it. */
  get heard(): boolean {
    return this.parts.events.hearsAcquire;
  }

  /** It has its number, and waits. To be called while whoever asks is on the stack. */
  begun(waiter: Waiter): void {
    this.begin(numberOf(waiter), waiter.holder, waiter);
  }

  /** @returns what is told to those who trace it, if there are any */
  private begin(lease: number, holder: Holder, waiter: Waiter | null): AcquireTrace | undefined {
    const { events, settings } = this.parts;
    const facts = leaseFacts(lease, holder);
    if (events.heard('acquireStart')) events.tell('acquireStart', facts);
    if (!isTraced('acquire')) return undefined;
    const message: AcquireTrace = { pool: settings.name, holder: facts };
    if (waiter) this.traced.set(waiter, message);
    traceBegins('acquire', message, NOTHING);
    return message;
  }

  /** `waiter`: who waited for it; null = nobody, it was there. */
  granted(entry: Entry, waiter: Waiter | null): void {
    const { events } = this.parts;
    const { holder, lease } = entry;
    const message = waiter ? this.traced.get(waiter) : holder && this.begin(lease, holder, null);
    const waitedMs = waiter === null ? 0 : this.waited(waiter);
    if (message) entry.facts = message.holder;
    if (events.heard('acquire')) events.tell('acquire', { connection: entry.id, ...entry.facts, waitedMs });
    if (message) this.traceEnded({ message, waitedMs, connection: entry.id });
  }

  /** `pending` = who still waits. */
  refused(waiter: Waiter, error: HandbackError, pending: number): void {
    const { events } = this.parts;
    const { code } = error;
    const waitedMs = this.waited(waiter);
    const facts = () => this.factsOf(waiter);
    if (events.heard('acquireFailed')) events.tell('acquireFailed', { ...facts(), waitedMs, code, error });
    if ((code === 'QUEUE_FULL' || code === 'OVERLOADED') && events.heard('shed'))
      events.tell('shed', { ...facts(), waitedMs, code, pending });
    const message = this.traced.get(waiter);
    if (message) this.traceEnded({ message, waitedMs, error });
  }

  /** It waits no more, and has no connection. */
  withdrawn(waiter: Waiter): void {
    const { events } = this.parts;
    const waitedMs = this.waited(waiter);
    if (events.heard('acquireFailed'))
      events.tell('acquireFailed', { ...this.factsOf(waiter), waitedMs, code: 'WITHDRAWN' });
    const message = this.traced.get(waiter);
    if (message) this.traceEnded({ message, waitedMs });
  }

  private traceEnded(ended: {
    message: AcquireTrace;
    waitedMs: number;
    connection?: number;
    error?: HandbackError;
  }): void {
    const { message, waitedMs, connection, error } = ended;
    message.waitedMs = waitedMs;
    if (connection !== undefined) message.connection = connection;
    traceEnds('acquire', message, error);
  }

  private factsOf(waiter: Waiter): LeaseFacts {
    return this.traced.get(waiter)?.holder ?? leaseFacts(numberOf(waiter), waiter.holder);
  }

  private waited(waiter: Waiter): number {
    return Math.max(0, this.parts.clock.now() - waitsSince(waiter));
  }
}
