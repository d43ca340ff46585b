import { AsyncLocalStorage } from 'node:async_hooks';
import type { FaultName, Invariant, Report } from '../../types.js';
import type { Row } from '../contender.js';
import { foreignErrorOf } from '../probes.js';
import { Deadlines } from './deadlines.js';
import { LiveRequests } from './live.js';
import { Loop } from './loop.js';
import { GrantOrder } from './order.js';
import { Secrets } from './secrets.js';

/** So many of each invariant are told in words; the others are counted. */
const TOLD = 20;
/** After a fault what it caused may still arrive. */
const GRACE_MS = 2_000;
const INTERRUPTED = 1317;

/** Everything that this process sees of the invariants. */
export class Evidence {
  readonly counts: Record<string, number> = {};
  readonly loop = new Loop();
  readonly live = new LiveRequests();
  readonly secrets = new Secrets();
  readonly caller = new AsyncLocalStorage<string>();
  readonly deadlines = new Deadlines(this.loop, (detail) => this.violation('I7', detail));
  readonly #order = new GrantOrder();
  readonly #send: (report: Report) => void;
  readonly #lastSeen = new Map<FaultName, number>();
  readonly #acquireTimeoutMs: number;
  #active: readonly FaultName[] = [];
  /** The answers of a session that nobody has used, by the names of the probes. */
  fresh: Row = {};

  constructor(send: (report: Report) => void, acquireTimeoutMs: number) {
    this.#send = send;
    this.#acquireTimeoutMs = acquireTimeoutMs;
  }

  count(name: string): void {
    this.counts[name] = (this.counts[name] ?? 0) + 1;
  }

  /** Somebody looked, whatever was found. */
  checked(...looked: Invariant[]): void {
    for (const invariant of looked) this.count(`checked:${invariant}`);
  }

  violation(invariant: Invariant, detail: string): void {
    this.count(`violations:${invariant}`);
    if ((this.counts[`violations:${invariant}`] ?? 0) <= TOLD)
      this.#send({ kind: 'violation', invariant, detail });
  }

  faults(active: readonly FaultName[]): void {
    const now = performance.now();
    for (const name of [...this.#active, ...active]) this.#lastSeen.set(name, now);
    this.#active = active;
  }

  /** Whether a fault is at work, or was a moment ago. */
  suffers(name: FaultName): boolean {
    if (this.#active.includes(name)) return true;
    return performance.now() - (this.#lastSeen.get(name) ?? Number.NEGATIVE_INFINITY) < GRACE_MS;
  }

  granted(waitedMs: number, stalledMs = 0): void {
    this.checked('I16');
    const inversion = this.#order.granted(performance.now() - waitedMs, this.loop.stalledMs);
    if (inversion > 0)
      this.violation('I16', `a connection went to one that had asked ${inversion.toFixed(1)} ms later`);
    if (waitedMs - stalledMs > this.#acquireTimeoutMs + 200)
      this.violation('I16', `an acquire was granted after ${Math.round(waitedMs)} ms`);
  }

  said(where: string, what: unknown): void {
    this.checked('I15');
    const secret = this.secrets.inside(what);
    if (secret) this.violation('I15', `${secret} is in ${where}`);
  }

  /** An error that a statement of a request has met; `over` = its answer has ended, so that it may have been cancelled. */
  failed(error: unknown, during: string, over: boolean): void {
    const { errno, code } = (error ?? {}) as { errno?: number; code?: string };
    this.count(`error:${code ?? errno ?? 'unnamed'}`);
    this.said(`the error ${code ?? errno} of ${during}`, error);
    const foreign = foreignErrorOf(error);
    if (foreign) this.violation('I2', `${during} failed with ${errno}: ${foreign}`);
    if (errno === INTERRUPTED && !over && !this.suffers('kill-query'))
      this.violation('I11', `${during} was killed, and nobody had cancelled it`);
  }

  stop(): void {
    this.loop.stop();
    this.deadlines.stop();
  }
}
