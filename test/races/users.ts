import assert from 'node:assert/strict';
import type { LeaseHandle } from '#core/lease-handle.js';
import type { Queryable } from '#core/queryable.js';
import type { Transaction } from '#core/transaction.js';
import { TestRequest } from '../core/request-fixture.js';
import type { RacePool } from './fixture.js';
import { askAsNew, ownRows, question, Watched } from './outcome.js';

interface Session extends Queryable {
  transaction(fn: (tx: Transaction) => Promise<unknown>): Promise<unknown>;
  release(): unknown;
}

/** Somebody who takes connections, uses them in every way, and lets them go, more often than needed. */
export abstract class User {
  /** Every promise that was given to it. */
  readonly promises: Watched[] = [];
  /** What it wanted to have committed. */
  readonly transfers = new Map<string, Watched>();
  protected readonly race: RacePool;
  protected isOver = false;
  readonly #name: string;
  protected controller = new AbortController();
  #count = 0;

  constructor(race: RacePool, name: string) {
    this.race = race;
    this.#name = name;
  }

  /** What it can send statements on now. */
  protected abstract readonly session: Session | null;
  /** It wants a connection, unless it has one. */
  abstract begin(): void;
  abstract release(): void;
  /** It goes, and wants nothing more. */
  finish(): void {
    this.isOver = true;
    this.release();
  }

  /** Sends something on what it has given back. */
  abstract useStale(): void;
  abstract abort(): void;

  protected watch(promise: Promise<unknown>): Watched {
    const watched = new Watched(`${this.#name}${++this.#count}`, promise);
    this.promises.push(watched);
    return watched;
  }

  protected nonce(): string {
    return `${this.#name}${++this.#count}`;
  }

  ask(): void {
    const nonce = this.nonce();
    const { signal } = this.controller;
    const asked = this.session?.query({ sql: question(nonce), signal });
    if (asked) this.watch(asked.then((answer) => ownRows(nonce, answer)));
  }

  prepare(): void {
    const nonce = this.nonce();
    const asked = this.session?.execute(question(nonce));
    if (asked) this.watch(asked.then((answer) => ownRows(nonce, answer)));
  }

  stain(): void {
    const asked = this.session?.query(`SET @owner = '${this.#name}'`);
    if (asked) this.watch(asked);
  }

  transfer(): void {
    const entry = this.nonce();
    const done = this.session?.transaction(async (tx) => {
      await tx.query(`INSERT INTO ledger VALUES ('${entry}')`);
    });
    if (done) this.transfers.set(entry, this.watch(done));
  }
}

export class LeaseUser extends User {
  #lease: LeaseHandle | null = null;
  #stale: LeaseHandle | null = null;
  #waiting = false;

  protected get session(): Session | null {
    return this.#lease;
  }

  begin(): void {
    if (this.#lease || this.#waiting) return;
    this.#waiting = true;
    this.controller = new AbortController();
    this.watch(this.#acquire(this.controller.signal));
  }

  async #acquire(signal: AbortSignal): Promise<void> {
    try {
      const lease = await this.race.pool.acquire({ signal });
      this.#lease = lease;
      await askAsNew(lease, this.nonce());
    } finally {
      this.#waiting = false;
      if (this.isOver) this.release();
    }
  }

  release(): void {
    this.#stale?.release();
    this.#lease?.release();
    this.#stale = this.#lease ?? this.#stale;
    this.#lease = null;
  }

  useStale(): void {
    const stale = this.#stale;
    if (!stale) return;
    stale.release();
    this.watch(assert.rejects(stale.query(question(this.nonce())), { code: 'LEASE_RELEASED' }));
  }

  abort(): void {
    this.controller.abort();
  }
}

export class RequestUser extends User {
  #request: TestRequest | null = null;
  #stale: TestRequest | null = null;

  protected get session(): Session | null {
    return this.#request?.db ?? null;
  }

  begin(): void {
    if (this.#request) return;
    this.controller = new AbortController();
    this.#request = new TestRequest(this.race, { afterResponse: 'cancel' });
    this.watch(askAsNew(this.#request.db, this.nonce()));
  }

  /** The answer; before that, an early hand-back. */
  release(): void {
    this.#request?.db.release();
    this.#request?.answer();
    this.#stale = this.#request ?? this.#stale;
    this.#request = null;
  }

  useStale(): void {
    const nonce = this.nonce();
    const late = this.#stale?.db.query(question(nonce));
    // The end is decided a turn later.
    if (late) this.watch(late.then((answer) => ownRows(nonce, answer)));
  }

  /** The client leaves. */
  abort(): void {
    this.#request?.leave();
    this.#stale = this.#request ?? this.#stale;
    this.#request = null;
  }
}
