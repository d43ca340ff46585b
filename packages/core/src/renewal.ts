import type { Clock } from './clock.js';
import type { Entry } from './entry.js';
import { type ErrorClass, suspicionOf } from './error-classes.js';
import { HandbackError } from './errors.js';
import type { PoolEvents } from './events.js';
import type { Knowledge } from './knowledge.js';
import type { PoolSettings } from './options.js';
import { howToValidate } from './policy.js';
import type { Session } from './session.js';
import type { Slots } from './slots.js';
import type { EvictReason } from './states.js';
import type { PoolTrust } from './trust.js';

/** New connections that lead to the same server again are not replaced more often than this: it may stay as it is. */
const RENEW_EVERY_MS = 1_000;

export interface RenewalParts {
  readonly settings: PoolSettings;
  readonly clock: Clock;
  readonly events: PoolEvents;
  readonly slots: Slots;
  readonly knowledge: Knowledge;
  readonly trust: PoolTrust;
}

export interface RenewalHooks {
  evict(entry: Entry, reason: EvictReason, detail: string, cause?: Error): void;
  /** Some are gone: who waits is served by others. */
  onEvicted(): void;
}

/** What the trouble of one connection means for the others, and the renewal of all. */
export class Renewal {
  readonly #parts: RenewalParts;
  readonly #hooks: RenewalHooks;
  /** When an error was the last reason to renew all. */
  #renewedAt = Number.NEGATIVE_INFINITY;

  constructor(parts: RenewalParts, hooks: RenewalHooks) {
    this.#parts = parts;
    this.#hooks = hooks;
  }

  /** A statement has failed in this way. */
  failed({ session, generation }: Entry, of: ErrorClass): void {
    const reason = session.unusable ?? of;
    const suspicion = suspicionOf(of);
    if (suspicion === 'distrust') this.distrust(reason);
    // What is out since before the last renewal tells nothing new.
    else if (suspicion === 'clear' && generation === this.#parts.trust.generation)
      this.#leave(session, reason);
  }

  /** The server is the wrong one: whoever connects anew may find the right one, but not, as just seen, yet. */
  #leave(session: Session, reason: string): void {
    const now = this.#parts.clock.now();
    if (now - this.#renewedAt < RENEW_EVERY_MS) return session.pardon();
    this.#renewedAt = now;
    this.renew(reason);
  }

  /** What cut one connection off may have cut off others, and the server may be another one: they are asked first. */
  distrust(reason: string): void {
    const { trust, knowledge, events } = this.#parts;
    trust.distrust();
    knowledge.doubt();
    if (events.heard('distrust')) events.tell('distrust', { reason });
  }

  /** A silence that one has not survived says something about all that have been silent as long. */
  foundDead(entry: Entry, detail: string, cause?: Error): void {
    const { slots, clock, settings, trust } = this.#parts;
    const now = clock.now();
    const silent = [...slots.idle].filter((each) => howToValidate(each, now, settings, trust) !== null);
    this.#hooks.evict(entry, 'validation', detail, cause);
    this.distrust(detail);
    const gone = new HandbackError('CONNECTION_LOST', 'A connection that was idle as long is dead.');
    for (const each of silent) {
      if (each.state === 'idle') this.#hooks.evict(each, 'distrusted', gone.message, gone);
    }
    this.#hooks.onEvicted();
  }

  /**
   * Idle connections go now, those in use when they come back, and new ones come as they are needed.
   *
   * @returns how many connections are affected
   */
  renew(reason: string): number {
    const { slots, trust, knowledge } = this.#parts;
    const { closing, ghost } = slots.counts;
    const affected = slots.size - closing - ghost;
    trust.renew();
    knowledge.doubt();
    for (const entry of slots.idle) this.#hooks.evict(entry, 'stale', reason);
    this.#hooks.onEvicted();
    return affected;
  }
}
