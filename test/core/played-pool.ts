import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import fc from 'fast-check';
import type { LeaseHandle } from '#core/lease-handle.js';
import type { PoolOptions } from '#core/options.js';
import { serverError } from './fake-server.js';
import { TestPool, track } from './fixture.js';

const sizes = fc
  .tuple(fc.integer({ min: 1, max: 3 }), fc.nat(3), fc.nat(2))
  .map(([max, most, least]) => ({ max, maxIdle: Math.min(most, max), minIdle: Math.min(least, most, max) }));

const others = fc.record({
  reuse: fc.constantFrom('lifo', 'fifo'),
  validate: fc.constantFrom('idle', 'always', 'never'),
  validateAfterMs: fc.constantFrom(100, 500, 1_000_000),
  maxLifetimeMs: fc.constantFrom(0, 3_000),
  reset: fc.constantFrom('auto', 'always'),
  acquireTimeoutMs: fc.constantFrom(0, 100, 5_000, 5_000),
  maxPending: fc.constantFrom(0, 1, 2, 10_000),
  maxUses: fc.constantFrom(0, 2),
  maxHoldMs: fc.constantFrom(0, 0, 600),
  leakAfterMs: fc.constantFrom(0, 400),
  drainTimeoutMs: fc.constantFrom(0, 5_000),
});

/** Of a pool that is small, and comes to all its limits. */
export const options: fc.Arbitrary<Partial<PoolOptions>> = fc
  .tuple(sizes, others)
  .map(([size, other]) => ({ ...size, ...other }) as Partial<PoolOptions>);

const OFTEN = ['acquire', 'acquire', 'tryAcquire', 'release', 'release'] as const;
const LEASES = ['query', 'releaseAgain', 'begin', 'expose', 'abort', 'hang', 'fail'] as const;
const CONNECTIONS = [
  'pass',
  'pass',
  'stall',
  'lose',
  'occupy',
  'deaf',
  'evictAll',
  'resize',
  'resize',
] as const;
const WATCHERS = ['close', 'listen', 'listen', 'subscribe', 'react'] as const;

/** `which` of those that there are; `ms`: for how long. */
export interface Act {
  readonly act: (typeof OFTEN | typeof LEASES | typeof CONNECTIONS | typeof WATCHERS)[number];
  readonly which: number;
  readonly ms: number;
}

const act: fc.Arbitrary<Act> = fc.record({
  act: fc.constantFrom(...OFTEN, ...OFTEN, ...LEASES, ...CONNECTIONS, ...WATCHERS),
  which: fc.nat(20),
  ms: fc.constantFrom(1, 60, 700, 3_500),
});

/** What is done before anything that it leads to has had its turn. */
export const turns: fc.Arbitrary<Act[]> = fc.oneof(
  { weight: 2, arbitrary: act.map((one) => [one]) },
  { weight: 1, arbitrary: fc.array(act, { minLength: 2, maxLength: 4 }) },
);

/** What the server may say that tells something of other connections too: it goes down, is read-only, has killed the session. */
const OMINOUS = [1053, 1836, 1927];
const CHANNELS = ['handback:acquire', 'handback:release', 'tracing:handback:acquire:asyncEnd'];

/** A pool, and what is out of it. */
export class Played {
  readonly test: TestPool;
  readonly #out: LeaseHandle[] = [];
  readonly #back: LeaseHandle[] = [];
  readonly #wavers: boolean;
  /** Those that it hears while it plays: they are everybody's. */
  readonly #channels = new Map<string, () => void>();
  /** To be done when a connection goes. */
  #reaction: Act | null = null;
  #signal = new AbortController();

  /** `heard`: somebody listens; 'at times' = comes and goes. */
  constructor(settings: Partial<PoolOptions>, heard: boolean | 'at times') {
    this.#wavers = heard === 'at times';
    this.test = new TestPool(settings);
    this.test.mayExceed = true;
    // Whoever listens hears of each: such a pool looks closer at all of them.
    if (heard !== true) this.test.listenNoMore();
    this.test.observe('evict', () => this.#react());
  }

  /** @returns how things stand then */
  async play(acts: readonly Act[]): Promise<unknown> {
    const { pool, clock } = this.test;
    for (const [channel, listener] of this.#channels) subscribe(channel, listener);
    await clock.settle();
    for (const each of acts) {
      if (each.act === 'pass') await clock.advance(each.ms);
      else this.#do(each);
    }
    const now = { held: pool.holders().length, threads: this.#out.map(({ threadId }) => threadId) };
    await clock.settle();
    for (const [channel, listener] of this.#channels) unsubscribe(channel, listener);
    return { now, stats: this.test.stats(), at: clock.now() };
  }

  #do({ act, which, ms }: Act): void {
    const { pool, clock, driver } = this.test;
    const lease = this.#out[which % Math.max(1, this.#out.length)];
    const connection = driver.connections[which % Math.max(1, driver.connections.length)];
    if (act === 'acquire') this.#asked(which % 2 === 0 ? pool.acquire() : this.#abortable());
    else if (act === 'tryAcquire') this.#have(pool.tryAcquire());
    else if (act === 'release') this.#release(lease);
    else if (act === 'releaseAgain') this.#back[which % Math.max(1, this.#back.length)]?.release();
    else if (act === 'abort') this.#abort();
    else if (act === 'listen') this.#listen(which);
    else if (act === 'subscribe') this.#subscribe(which);
    else if (act === 'react') this.#reaction = REACTIONS[which % REACTIONS.length] ?? null;
    else if (act === 'stall') clock.stall(ms);
    else if (act === 'lose') connection?.lose();
    else if (act === 'occupy') connection && Object.assign(connection, { occupied: !connection.occupied });
    else if (act === 'deaf') this.#deafen(which);
    else if (act === 'evictAll') pool.evictAll();
    else if (act === 'resize') pool.resize({ max: 1 + (which % 3), minIdle: 0 });
    else if (act === 'close') which < 8 && track(pool.close());
    else if (lease) this.#use(lease, act, which);
  }

  /** Or back again: the server answers no ping, or carries out no KILL, of which ghosts come. */
  #deafen(which: number): void {
    const { driver } = this.test;
    if (which % 2 === 0) driver.pingReply = driver.pingReply === 'ok' ? serverError(1927) : 'ok';
    else driver.killReply = driver.killReply ? undefined : serverError(1095);
  }

  #use(lease: LeaseHandle, act: Act['act'], which: number): void {
    if (act === 'begin') track(lease.beginTransaction());
    else if (act === 'query') track(lease.query('SELECT 1'));
    else if (act === 'expose') this.#expose(lease);
    else if (act === 'hang') this.#answered(lease, 'hang');
    else if (act === 'fail') this.#answered(lease, serverError(OMINOUS[which % OMINOUS.length] as number));
  }

  #release(lease: LeaseHandle | undefined): void {
    if (!lease) return;
    this.#out.splice(this.#out.indexOf(lease), 1);
    this.#back.push(lease);
    lease.release();
  }

  #expose(lease: LeaseHandle): void {
    try {
      lease.connection();
    } catch {
      // It is lost, or was taken away.
    }
  }

  /** A statement that is answered in this way; one that hangs drains when it comes back. */
  #answered(lease: LeaseHandle, reply: 'hang' | Error): void {
    const connection = this.test.driver.connections.find(({ threadId }) => threadId === lease.threadId);
    if (!connection) return;
    connection.reply = (sql) => (sql.includes('SLEEP') ? reply : undefined);
    track(lease.query('SELECT SLEEP(60)'));
  }

  #abortable(): Promise<LeaseHandle> {
    return this.test.pool.acquire({ signal: this.#signal.signal });
  }

  #abort(): void {
    this.#signal.abort();
    this.#signal = new AbortController();
  }

  #listen(which: number): void {
    if (!this.#wavers) return;
    const { events } = this.test.pool;
    const name = which % 2 === 0 ? 'acquire' : 'release';
    if (events.listenerCount(name) > 0) events.removeAllListeners(name);
    else if (which % 3 === 0) events.once(name, () => {});
    else events.on(name, () => {});
  }

  #subscribe(which: number): void {
    if (!this.#wavers) return;
    const channel = CHANNELS[which % CHANNELS.length] as string;
    const listener = this.#channels.get(channel) ?? (() => {});
    if (this.#channels.delete(channel)) unsubscribe(channel, listener);
    else {
      this.#channels.set(channel, listener);
      subscribe(channel, listener);
    }
  }

  /** In the midst of whatever the pool does. */
  #react(): void {
    const reaction = this.#reaction;
    this.#reaction = null;
    if (reaction) this.#do(reaction);
  }

  #asked(asked: Promise<LeaseHandle>): void {
    asked.then(
      (lease) => this.#have(lease),
      () => {},
    );
  }

  #have(lease: LeaseHandle | undefined): void {
    if (lease) this.#out.push(lease);
  }
}

const REACTIONS: readonly Act[] = (
  ['tryAcquire', 'release', 'acquire', 'close', 'evictAll', 'resize'] as const
).map((act) => ({ act, which: 0, ms: 0 }));
