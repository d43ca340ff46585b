import type { Clock } from './clock.js';
import type { ServerFacts, StoredCode, Survey } from './driver.js';
import { PoolPipelining } from './pipelining.js';
import { signOfProxy } from './proxy.js';
import { idleLimitMs } from './server-facts.js';
import { NOBODY_LOOKED, type Surroundings } from './session-changes.js';
import type { SqlShape } from './sql.js';

/** Others may change the schema: what was seen longer ago than this is looked at again by the next open. */
const FRESH_FOR_MS = 300_000;

/** A look that failed, most likely because it took too long, is not made by every connection that is opened or reset. */
const LOOK_AGAIN_MS = 5_000;

const NOTHING_SEEN: StoredCode = { reached: () => NOBODY_LOOKED, blind: null };

/** What is known of the server and its schema, and whether it still holds. */
export class Knowledge implements Surroundings {
  readonly pipelining: PoolPipelining;
  readonly #clock: Clock;
  #facts: ServerFacts | null = null;
  readonly #toldOfProxy: boolean;
  #proxy: string | null = null;
  #storedCode = NOTHING_SEEN;
  #takenAt = Number.NEGATIVE_INFINITY;
  #failedAt = Number.NEGATIVE_INFINITY;
  #doubts = 0;
  #schemaChanges = 0;

  /** `behindProxy`: the option of that name. */
  constructor(clock: Clock, behindProxy: boolean) {
    this.#clock = clock;
    this.#toldOfProxy = behindProxy;
    this.pipelining = new PoolPipelining(clock, () => this.#facts?.port);
  }

  /** null until the first connection is open. */
  get facts(): ServerFacts | null {
    return this.#facts;
  }

  /** Why it is a proxy that answers; null = nothing says so. */
  get proxy(): string | null {
    return this.#proxy;
  }

  /** As the option says, or as the greeting shows: what the server tells of itself is not about those who connect to the proxy. */
  get behindProxy(): boolean {
    return this.#toldOfProxy || this.#proxy !== null;
  }

  /** The longest that the server lets a connection lie unused. */
  get idleLimitMs(): number {
    return this.#facts ? idleLimitMs(this.#facts, 0) : Number.POSITIVE_INFINITY;
  }

  /** Whether the next connection that is opened should look again. */
  get isStale(): boolean {
    const now = this.#clock.now();
    return now - this.#takenAt >= FRESH_FOR_MS && now - this.#failedAt >= LOOK_AGAIN_MS;
  }

  /** A connection was lost, or the schema was changed: it may be another server, or another schema. */
  doubt(): void {
    this.#doubts++;
    this.#takenAt = Number.NEGATIVE_INFINITY;
  }

  /** It is used again before anybody has looked: until then every session counts as changed. */
  forget(): void {
    this.#storedCode = NOTHING_SEEN;
  }

  /** Its connection was lost over it. */
  lookFailed(): void {
    this.#failedAt = this.#clock.now();
    this.forget();
  }

  /** Somebody looks around from now on; `greeting`: the version that the other end greeted with. @returns what to do with what they see */
  looking(greeting?: string): (survey: Survey) => void {
    const doubts = this.#doubts;
    const schemaChanges = this.#schemaChanges;
    return ({ facts, reach }) => {
      this.#facts = facts;
      this.#proxy = signOfProxy(greeting, facts);
      if (schemaChanges === this.#schemaChanges) this.#storedCode = reach;
      // Else it may have been out of date before it was complete: the next open looks again.
      if (doubts === this.#doubts) this.#takenAt = this.#clock.now();
    };
  }

  reached(sql: string, { onlyReads, identifierPlaceholder }: SqlShape): string | null {
    return this.#storedCode.reached(sql, onlyReads, identifierPlaceholder);
  }

  get schemaChanges(): number {
    return this.#schemaChanges;
  }

  /** By one of our own statements: what was seen of it no longer counts. */
  schemaChanged(): void {
    this.#schemaChanges++;
    this.#storedCode = NOTHING_SEEN;
    this.doubt();
  }
}
