import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import type { LeaseHandle as Lease } from '#core/lease-handle.js';
import { Scope } from '#core/scope.js';
import type { FakeConnection } from './fake-connection.js';
import { connectError, lostError, serverError } from './fake-server.js';
import { type Outcome, sumOfStates, TestPool, track } from './fixture.js';
import { TestRequest } from './request-fixture.js';
import { MODES, type Operation, type Setup, type SIMPLE } from './simulation-operations.js';

/** A pool, those who use it, and a server with moods. */
export class Simulation {
  readonly test: TestPool;
  readonly #held: Lease[] = [];
  readonly #old: Lease[] = [];
  readonly #requests: TestRequest[] = [];
  readonly #outcomes: Outcome<unknown>[] = [];
  readonly #waiters: { outcome: Outcome<Lease>; controller: AbortController }[] = [];
  /** Connections that are out, by what the events say. */
  readonly #out = new Set<number>();
  readonly #threadOf = new Map<number, number>();
  readonly #aborts: AbortController[] = [];
  readonly #setup: Setup;
  #closing: Outcome<void> | null = null;

  constructor(setup: Setup) {
    this.#setup = setup;
    const maxIdle = Math.min(setup.maxIdle, setup.max);
    this.test = new TestPool({ ...setup, maxIdle, minIdle: Math.min(setup.minIdle, maxIdle) });
    this.test.observe('open', ({ connection, threadId }) => this.#threadOf.set(connection, threadId));
    this.test.observe('acquire', ({ connection }) => this.#handedOut(connection));
    this.test.observe('release', ({ connection }) => this.#out.delete(connection));
    this.test.driver.reply = (sql) => {
      if (sql.includes('hangs')) return 'hang';
      if (sql.includes('fails')) return serverError(1054);
      return sql.includes('fatal') ? Object.assign(new Error('fatal'), { fatal: true }) : undefined;
    };
  }

  /** What everybody relies on who is given a connection. */
  #handedOut(id: number): void {
    assert.ok(!this.#out.has(id), `connection ${id} was handed to two`);
    this.#out.add(id);
    const connection = this.test.driver.connections.find((each) => each.threadId === this.#threadOf.get(id));
    assert.ok(connection);
    assert.ok(connection.isUsable(), `connection ${id} is dead`);
    assert.ok(!connection.isBusy(), `connection ${id} is busy`);
    assert.ok(!connection.session.inTransaction, `connection ${id} has an open transaction`);
    const { reset, onConnect } = this.#setup;
    const foreign = connection.session.touched && reset !== 'rollback';
    assert.ok(!foreign, `connection ${id} has the session state of another`);
    assert.ok(onConnect.length === 0 || connection.session.ready, `connection ${id} lacks onConnect`);
  }

  async step(operation: Operation): Promise<void> {
    this.#do(operation);
    if (operation.do === 'tick') await this.test.clock.advance(operation.ms);
    else await this.test.clock.settle();
    this.#collect();
  }

  /** The same in the middle of something else, which goes on when it is done. */
  interfere(operation: Operation): void {
    this.#do(operation);
  }

  #do(operation: Operation): void {
    switch (operation.do) {
      case 'query':
        return this.#ask(pick(this.#held, operation.n)?.query(this.#abortable(operation.sql)));
      case 'requestQuery':
        return this.#ask(pick(this.#requests, operation.n)?.db.query(this.#abortable(operation.sql)));
      case 'resize':
        return this.#resize(operation);
      case 'close':
        this.#closing ??= track(this.test.pool.close({ timeoutMs: operation.timeoutMs }));
        return;
      case 'tick':
        return;
      case 'opens':
      case 'resets':
      case 'kills':
      case 'goodbyes':
      case 'pings':
        return this.#mood(operation.do, operation.mode);
      default:
        this.#simple(operation.do, operation.n);
    }
  }

  #abortable(sql: string) {
    const controller = new AbortController();
    this.#aborts.push(controller);
    return { sql, signal: controller.signal };
  }

  #resize({ max, minIdle }: { max: number; minIdle: number }): void {
    const { maxIdleGiven = max } = this.test.flow.settings;
    this.test.mayExceed = true;
    this.test.pool.resize({ max, minIdle: Math.min(minIdle, max, maxIdleGiven) });
  }

  #simple(what: (typeof SIMPLE)[number] | 'expose' | 'evictAll', n: number): void {
    const { pool, driver } = this.test;
    const hanging = driver.opens.filter((open) => !open.over);
    const alive = driver.connections.filter((connection) => !connection.lost);
    const actions: Record<typeof what, () => void> = {
      acquire: () => this.#acquire(),
      abort: () => pick(this.#waiters, n)?.controller.abort(),
      tryAcquire: () => this.#hold(pool.tryAcquire()),
      release: () => this.#release(n),
      releaseAgain: () => pick(this.#old, n)?.release(),
      answer: () => pick(alive.filter(waitsForAnAnswer), n)?.answerAnything(),
      lose: () => pick(alive, n)?.lose(),
      openArrives: () => void pick(hanging, n)?.succeed(),
      openFails: () => pick(hanging, n)?.fail(connectError('ECONNRESET')),
      request: () => this.#requests.push(new TestRequest(this.test)),
      requestAnswers: () => pick(this.#requests, n)?.answer(),
      clientLeaves: () => pick(this.#requests, n)?.leave(),
      oneShot: () => this.#ask(pool.query(this.#abortable('UPDATE t SET a = 1'))),
      begin: () => this.#ask(pick(this.#users, n)?.beginTransaction()),
      commit: () => this.#ask(pick(this.#users, n)?.commit()),
      rollback: () => this.#ask(pick(this.#users, n)?.rollback()),
      transaction: () =>
        this.#ask(pick(this.#users, n)?.transaction((tx) => tx.query(this.#abortable('UPDATE t SET a = 2')))),
      scopeRelease: () => this.#ask(pick(this.#requests, n)?.db.release()),
      abortQuery: () => this.#aborts.splice(n % Math.max(1, this.#aborts.length), 1)[0]?.abort(),
      answerPing: () => pick(alive, n)?.answerPing(),
      evictAll: () => void pool.evictAll(),
      expose: () => pick(this.#held.filter(isAlive), n)?.connection(),
    };
    actions[what]();
  }

  get #users(): (Lease | Scope)[] {
    return [...this.#held, ...this.#requests.map(({ db }) => db)];
  }

  #mood(what: (typeof MODES)[number], mode: string): void {
    const { driver } = this.test;
    if (what === 'opens') {
      if (mode === 'well') driver.accept();
      else if (mode === 'hangs') driver.hang();
      else if (mode === 'fails') driver.refuse('ECONNREFUSED');
      else driver.refuse('ER_ACCESS_DENIED_ERROR', 1045);
    } else if (what === 'kills') {
      driver.killReply = mode === 'well' ? undefined : mode === 'hangs' ? 'hang' : serverError(1095);
    } else if (what === 'resets') {
      driver.resetReply = mode === 'well' ? 'ok' : mode === 'hangs' ? 'hang' : serverError(1047);
    } else if (what === 'pings') {
      driver.pingReply = mode === 'well' ? 'ok' : mode === 'hangs' ? 'hang' : lostError();
    } else {
      driver.saysGoodbye = mode === 'well';
    }
  }

  #acquire(): void {
    const controller = new AbortController();
    const outcome = track(this.test.pool.acquire({ signal: controller.signal }));
    this.#waiters.push({ outcome, controller });
  }

  #ask(promise: Promise<unknown> | undefined): void {
    if (promise) this.#outcomes.push(track(promise));
  }

  #hold(lease: Lease | undefined): void {
    if (lease) this.#held.push(lease);
  }

  #release(n: number): void {
    const lease = pick(this.#held, n);
    if (!lease) return;
    this.#held.splice(this.#held.indexOf(lease), 1);
    this.#old.push(lease);
    lease.release();
  }

  #collect(): void {
    for (const waiter of [...this.#waiters]) {
      if (waiter.outcome.state === 'pending') continue;
      this.#waiters.splice(this.#waiters.indexOf(waiter), 1);
      if (waiter.outcome.state === 'fulfilled') this.#held.push(waiter.outcome.value);
    }
  }

  /** What holds at every moment of rest. */
  check(): void {
    this.test.check();
    const stats = this.test.stats();
    const scopes = this.#requests.map(({ db }) => db.state);
    // A lease may have been taken away (maxHoldMs) without its holder having noticed.
    const leases = [...this.#held, ...this.#requests.map(({ db }) => Scope.lifeOf(db).lease)];
    const holding = leases.filter((lease) => lease && !lease.released).length;
    const threads = this.test.pool.holders().map(({ threadId }) => threadId);
    assert.equal(new Set(threads).size, threads.length, 'a connection is held by two');
    const served = stats.acquired - stats.released;
    if (this.#closing) {
      assert.ok(stats.leased <= served);
      assert.equal(stats.pending, 0);
      return;
    }
    // A connection whose statement could not be stopped is cut in its holder's hands.
    const cut = served - stats.leased;
    assert.ok(
      served >= holding && cut >= 0 && cut <= stats.evicted.undrained,
      `leased ${stats.leased}, ${served} not given back`,
    );
    const waiting = this.#waiters.length + scopes.filter((state) => state === 'waiting').length;
    assert.ok(stats.pending >= waiting, `pending ${stats.pending}, ${waiting} wait`);
    assert.ok(
      stats.idle === 0 || stats.validating >= stats.pending,
      `${stats.pending} wait beside ${stats.idle} idle connections`,
    );
  }

  /** The server is well again, everybody gives back what they hold, and time passes. */
  async wind(): Promise<void> {
    const { driver, clock } = this.test;
    for (const mode of MODES) this.#mood(mode, 'well');
    for (const open of driver.opens) if (!open.over) open.fail(connectError('ECONNRESET'));
    while (this.#held.length > 0) this.#release(0);
    for (const request of this.#requests) request.answer();
    for (let n = 0; n < 12; n++) {
      await clock.advance(2_000);
      this.#collect();
      for (const connection of driver.connections.filter(waitsForAnAnswer)) connection.answerAnything();
      while (this.#held.length > 0) this.#release(0);
    }
  }

  checkWound(): void {
    this.test.check();
    const { leased, pending, validating, draining, resetting, ghost, closing } = this.test.stats();
    assert.deepEqual(
      { leased, pending, validating, draining, resetting, ghost, closing },
      { leased: 0, pending: 0, validating: 0, draining: 0, resetting: 0, ghost: 0, closing: 0 },
    );
    // Whom the closed pool has left to the server may stay there.
    this.test.mayExceed &&= this.#closing !== null;
    this.test.check();
    assert.deepEqual(
      this.#outcomes.filter(({ state }) => state === 'pending'),
      [],
      'a statement was never answered',
    );
    assert.deepEqual(this.#waiters, [], 'an acquire was never answered');
  }

  /** A new acquire works, and nothing is left after the end. */
  async close(): Promise<void> {
    const { pool, clock, driver } = this.test;
    if (!this.#closing) {
      // Where nobody may wait, one that has just become too old is in the way of its successor.
      if (this.test.flow.settings.maxPending === 0) pool.tryAcquire()?.release();
      await clock.settle();
      const fresh = track(pool.acquire({ timeoutMs: 5_000 }));
      await clock.settle();
      fresh.value.release();
      this.#closing = track(pool.close({ timeoutMs: 1_000 }));
    }
    await clock.advance(10_000);
    assert.equal(this.#closing.state, 'fulfilled');
    const stats = this.test.stats();
    assert.equal(sumOfStates(stats), 0, `left: ${inspect(stats)}`);
    const alive = driver.connections.filter((connection) => !connection.lost);
    assert.deepEqual(alive, [], 'a socket was left open');
    assert.deepEqual(clock.timers, []);
  }
}

function pick<T>(from: readonly T[], n: number): T | undefined {
  return from[n % Math.max(1, from.length)];
}

function isAlive(lease: Lease): boolean {
  return lease.usable;
}

function waitsForAnAnswer(connection: FakeConnection): boolean {
  return !connection.lost && (connection.running !== undefined || connection.resetting);
}
