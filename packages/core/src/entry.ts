import type { CallSite } from './call-site.js';
import type { DriverConnection } from './driver.js';
import type { LeaseFacts } from './events.js';
import { holderFacts, leaseFacts } from './lease-facts.js';
import type { ScopeSettings } from './options.js';
import type { Owner } from './owner.js';
import type { QueryLog } from './query-log.js';
import { Session } from './session.js';
import type { Surroundings } from './session-changes.js';
import type { State } from './states.js';

/** Who holds or wants a connection, in words for reports; read only when a report is made. */
export interface Holder {
  readonly route: string;
  /** Of a request. */
  readonly method?: string | undefined;
  readonly requestId?: string | undefined;
  /** A route's own limits; without them the pool's hold. */
  readonly settings?: ScopeSettings;
  /** A request, which has a limit for its statements unless told otherwise. */
  readonly isRequest?: boolean;
  /** Keeps the statements, if its owner wants them. */
  readonly log?: QueryLog | null;
  /** On whose behalf, where that is known. */
  owner?: Owner | undefined;
  /** Held for one statement: it comes back with the answer, whatever its owner waits for. */
  readonly comesBack?: boolean;
  /** Where in the application it was asked for; of a sample, and of all where `onDoubleAcquire` has to know. */
  site?: CallSite | undefined;
}

/** A lease that nobody has used yet for more than to have it: no more than its handle. */
export interface Young {
  /** From here on it is a lease in full. */
  grow(): void;
}

/** What an entry knows of the lease that is on it, once that is one in full. */
export interface Holding {
  /** Statements sent on it so far. */
  readonly statements: number;
  /** For how long statements have run on it, in ms. */
  readonly usedMs: number;
  /** When its last statement was sent, if that still runs, else answered. */
  readonly lastActiveAt: number;
  /** Why it has not come back, in a sentence; undefined = nobody but its holder knows. */
  readonly whyHeld?: string | undefined;
  /** When something about it is due: a statement's limit, a report, the end of its time. */
  readonly dueAt: number;
  /** Somebody waits for that, and nothing else keeps the process alive. */
  readonly isStalled: boolean;
  /** That time has come. */
  due(now: number): void;
  /** The pool begins to close. */
  poolCloses(): void;
}

/** The pool's record of one connection, from the decision to open it until it is closed. */
export class Entry {
  /** Never reused, so that an event names one connection. */
  readonly id: number;
  /** Written by `Slots.move` alone. */
  readonly state: State = 'opening';
  readonly session: Session;
  /** How many times the pool had been renewed when it was opened. */
  readonly generation: number;
  readonly bornAt: number;
  connection: DriverConnection | null = null;
  /** Who has it; null = nobody. */
  holder: Holder | null = null;
  /** Number of the lease that is on it, or was last; 0 = there was none. */
  lease = 0;
  /** When they got it. */
  heldSince = 0;
  /** Its lease, while that may be forgotten without anybody's knowing. */
  young: Young | null = null;
  /** Its lease, when there is more to know of it than the above. */
  holding: Holding | null = null;
  /** When it came back last. */
  idleSince: number;
  /** When the server last gave a sign of life on it. */
  provenAt: number;
  /** Just opened, or asked and not handed out since. */
  checked = true;
  /** Its holder had it for longer than `maxHoldMs`: it is not used again. */
  heldTooLong = false;
  /** From when on it is replaced, if no other is just then; Infinity = never. */
  expiresAt = Number.POSITIVE_INFINITY;
  /** When its lifetime is over; Infinity = never. */
  outlivedAt = Number.POSITIVE_INFINITY;
  /**
   * Until when no closer look is needed at it, where it was made idle since anything changed that decides about it: -Infinity =
   * it is; see `Turnstile`.
   */
  plainUntil = Number.NEGATIVE_INFINITY;
  /** The same, where it has to be proven too. */
  provenUntil = Number.NEGATIVE_INFINITY;
  #facts: LeaseFacts | null = null;

  constructor(id: number, now: number, generation = 0, surroundings?: Surroundings) {
    this.id = id;
    this.generation = generation;
    this.session = new Session(surroundings);
    this.bornAt = now;
    this.idleSince = now;
    this.provenAt = now;
  }

  /** What is told of the lease that is on it: one object for each lease, made when it is first asked for. */
  get facts(): LeaseFacts {
    if (this.#facts?.lease !== this.lease) this.#facts = leaseFacts(this.lease, this.holder);
    // A framework may have found the route of a request meanwhile.
    else if (this.holder) Object.assign(this.#facts, holderFacts(this.holder));
    return this.#facts;
  }

  /** What was told of it while it waited is told on. */
  set facts(facts: LeaseFacts) {
    this.#facts = facts;
  }

  /** Nobody has it any more. */
  vacate(): void {
    this.holder = null;
    this.young = null;
    this.holding = null;
  }

  /** What decides about it may have changed. */
  doubt(): void {
    this.plainUntil = Number.NEGATIVE_INFINITY;
    this.provenUntil = Number.NEGATIVE_INFINITY;
  }

  get threadId(): number | undefined {
    return this.connection?.threadId;
  }
}
