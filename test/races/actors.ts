import type { LeaseHandle } from '#core/lease-handle.js';
import { TestRequest } from '../core/request-fixture.js';
import type { RacePool } from './fixture.js';
import { ownRows, question } from './outcome.js';

/** Who has a connection, or wants one. */
export interface Actor {
  /** Takes the connection. */
  acquire(): Promise<unknown>;
  /** `signal`: for this statement alone. */
  run(sql: string, signal?: AbortSignal): Promise<unknown>;
  beginTransaction(): Promise<void>;
  commit(): Promise<unknown>;
  rollback(): Promise<unknown>;
  /** Wants nothing of it any more. */
  abort(): void;
  release(): void;
}

export type ActorKind = 'lease' | 'request';

export function actor(race: RacePool, kind: ActorKind): Actor {
  return kind === 'lease' ? new LeaseActor(race) : new RequestActor(race);
}

export async function ask(who: Actor, nonce: string): Promise<void> {
  ownRows(nonce, (await who.run(question(nonce))) as [unknown, unknown]);
}

/** A lease; to abort is an AbortSignal, of the acquire and of every statement. */
class LeaseActor implements Actor {
  readonly #race: RacePool;
  readonly #controller = new AbortController();
  #lease: LeaseHandle | null = null;
  #wanted = true;

  constructor(race: RacePool) {
    this.#race = race;
  }

  async acquire(): Promise<void> {
    this.#wanted = true;
    const lease = await this.#race.pool.acquire({ signal: this.#controller.signal });
    this.#lease = lease;
    if (!this.#wanted) lease.release();
  }

  get #held(): LeaseHandle {
    if (!this.#lease) throw new Error('it has no lease');
    return this.#lease;
  }

  run(sql: string, signal = this.#controller.signal): Promise<unknown> {
    return this.#held.query({ sql, signal });
  }

  beginTransaction(): Promise<void> {
    return this.#held.beginTransaction();
  }

  commit(): Promise<unknown> {
    return this.#held.commit();
  }

  rollback(): Promise<unknown> {
    return this.#held.rollback();
  }

  abort(): void {
    this.#controller.abort();
  }

  /** Of one that is not there yet: as soon as it is. */
  release(): void {
    this.#wanted = false;
    this.#lease?.release();
  }
}

/** A request's scope; to abort is the client's leaving, at which what is in flight is killed. */
class RequestActor implements Actor {
  readonly #request: TestRequest;

  constructor(race: RacePool) {
    this.#request = new TestRequest(race, { afterResponse: 'cancel' });
  }

  acquire(): Promise<unknown> {
    return this.run(question('first'));
  }

  run(sql: string, signal?: AbortSignal): Promise<unknown> {
    return this.#request.db.query(signal ? { sql, signal } : sql);
  }

  beginTransaction(): Promise<void> {
    return this.#request.db.beginTransaction();
  }

  commit(): Promise<void> {
    return this.#request.db.commit();
  }

  rollback(): Promise<void> {
    return this.#request.db.rollback();
  }

  abort(): void {
    this.#request.leave();
  }

  release(): void {
    this.#request.db.release();
  }
}
