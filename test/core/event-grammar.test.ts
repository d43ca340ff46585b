import assert from 'node:assert/strict';
import { channel, tracingChannel } from 'node:diagnostics_channel';
import fc from 'fast-check';
import type { AcquireTrace } from '#core/channels.js';
import type { PoolEventMap } from '#core/events.js';
import { times } from '../support/times.js';
import { Simulation } from './simulation.js';
import { MODES, type Operation, operation, type Setup, setup } from './simulation-operations.js';

/** Shown in the titles, so that any run can be had again. */
const seed = Number(process.env.HANDBACK_SEED ?? Math.floor(Math.random() * 2 ** 31));

type Name = keyof PoolEventMap;
type Message = { readonly lease: number; readonly connection: number; readonly route: string };

/** What each event of a lease may follow; `undefined` = it is the first. */
const FOLLOWS: Partial<Record<Name, readonly (string | undefined)[]>> = {
  acquireStart: [undefined],
  acquire: ['asking'],
  acquireFailed: ['asking'],
  shed: ['failed'],
  leak: ['held'],
  rollback: ['held', 'leaked', 'returned'],
  release: ['held', 'leaked', 'returned'],
  // One that was taken away from its holder comes back after its end.
  unleak: ['leaked', 'over leaked'],
  reset: ['over'],
};

const NAMES = [...Object.keys(FOLLOWS), 'evict', 'open', 'openFailed'] as Name[];

/** Reads the events of one pool, in the order in which they are told, as sentences about leases and connections. */
class Grammar {
  wrong: unknown;
  readonly #states = new Map<number, string>();
  readonly #routes = new Map<number, string>();
  readonly #open = new Set<number>();
  readonly counts = new Map<Name, number>();

  hear(name: Name, message: Message): void {
    try {
      this.#read(name, message);
      this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
    } catch (error) {
      this.wrong ??= error;
    }
  }

  #read(name: Name, message: Message): void {
    if (name === 'open') {
      assert.ok(!this.#open.has(message.connection), `connection ${message.connection} is opened twice`);
      this.#open.add(message.connection);
    } else if (name === 'evict') {
      assert.ok(
        this.#open.delete(message.connection),
        `connection ${message.connection} is evicted, which is not open`,
      );
    } else if (name !== 'openFailed') {
      this.#ofLease(name, message);
    }
  }

  #ofLease(name: Name, { lease, route }: Message): void {
    const before = this.#states.get(lease);
    assert.ok(FOLLOWS[name]?.includes(before), `${name} of lease ${lease}, which is ${before}`);
    assert.equal(route, this.#routes.get(lease) ?? route, `${name} of lease ${lease} names another route`);
    this.#routes.set(lease, route);
    const next = after(name, before);
    if (next !== undefined) this.#states.set(lease, next);
  }

  /** How many leases are in one of these states. */
  in(...states: string[]): number {
    return [...this.#states.values()].filter((state) => states.includes(state)).length;
  }

  get connections(): number {
    return this.#open.size;
  }
}

function after(name: Name, before: string | undefined): string | undefined {
  switch (name) {
    case 'acquireStart':
      return 'asking';
    case 'acquire':
      return 'held';
    case 'acquireFailed':
      return 'failed';
    case 'leak':
      return 'leaked';
    case 'unleak':
      return before === 'leaked' ? 'returned' : 'over';
    case 'release':
      return before === 'leaked' ? 'over leaked' : 'over';
    default:
      return undefined;
  }
}

/** Somebody who does something when they hear of something: where `n` = which of the events of this name. */
interface Reaction {
  readonly to: Name;
  readonly nth: number;
  readonly by: 'listener' | 'tracer';
  readonly operation: Operation;
}

/** An application can do this where it stands; the rest is what servers and time do. */
function isTheirs({ do: what }: Operation): boolean {
  const others = ['answer', 'answerPing', 'lose', 'openArrives', 'openFails', 'tick'];
  return ![...others, ...MODES].includes(what);
}

const reaction: fc.Arbitrary<Reaction> = fc.record({
  to: fc.constantFrom<Name[]>(...NAMES),
  nth: fc.nat(4),
  by: fc.constantFrom('listener', 'listener', 'tracer'),
  operation: operation.filter(isTheirs),
});

/** Deeper than this nobody reacts: what they do is told, too. */
const DEEPEST = 3;

class Company {
  readonly events = new Grammar();
  readonly published = new Grammar();
  readonly #simulation: Simulation;
  readonly #undo: (() => void)[] = [];
  readonly #reactions: readonly Reaction[];
  readonly #heard = new Map<string, number>();
  #depth = 0;
  #calm = false;
  /** Acquires that are traced, by their message: what was said of them. */
  readonly #traced = new Map<object, string[]>();

  constructor(simulation: Simulation, reactions: readonly Reaction[]) {
    this.#simulation = simulation;
    this.#reactions = reactions;
    const { pool } = simulation.test;
    for (const name of NAMES) {
      this.#subscribe(channel(`handback:${name}`), (message) => {
        if ((message as { pool: string }).pool !== pool.name) return;
        this.published.hear(name, message as Message);
      });
      simulation.test.observe(name, (message) => {
        this.events.hear(name, message as unknown as Message);
        this.#react(name, 'listener');
      });
    }
    const { start, end, asyncStart, asyncEnd, error } = tracingChannel('handback:acquire');
    for (const [part, each] of Object.entries({ start, end, asyncStart, asyncEnd, error }))
      this.#subscribe(each, (message) => this.#trace(part, message as AcquireTrace));
  }

  #subscribe(to: ReturnType<typeof channel>, listener: (message: unknown) => void): void {
    to.subscribe(listener);
    this.#undo.push(() => void to.unsubscribe(listener));
  }

  #trace(part: string, message: AcquireTrace): void {
    if (message.pool !== this.#simulation.test.pool.name) return;
    const said = this.#traced.get(message) ?? [];
    this.#traced.set(message, said);
    said.push(part);
    if (part === 'start') this.#react('acquireStart', 'tracer');
    if (part === 'asyncStart')
      this.#react(message.connection === undefined ? 'acquireFailed' : 'acquire', 'tracer');
  }

  #react(name: Name, by: Reaction['by']): void {
    const key = `${name} ${by}`;
    const nth = this.#heard.get(key) ?? 0;
    this.#heard.set(key, nth + 1);
    if (this.#calm || this.#depth >= DEEPEST) return;
    this.#depth++;
    try {
      for (const each of this.#reactions)
        if (each.to === name && each.by === by && each.nth === nth)
          this.#simulation.interfere(each.operation);
    } finally {
      this.#depth--;
    }
  }

  check(): void {
    const { pending, leased, draining, opening, closing, ghost, ...stats } = this.#simulation.test.stats();
    for (const grammar of [this.events, this.published]) {
      if (grammar.wrong) throw grammar.wrong;
      assert.equal(grammar.in('asking'), pending, 'acquires that have begun and not ended = pending');
      assert.equal(
        grammar.in('held', 'leaked', 'returned'),
        leased + draining,
        'leases = leased or draining',
      );
      const { idle, validating, resetting } = stats;
      assert.equal(
        grammar.connections,
        idle + leased + draining + validating + resetting,
        'open and not evicted',
      );
      const told = (name: Name) => grammar.counts.get(name) ?? 0;
      assert.equal(told('acquire'), stats.acquired);
      assert.equal(told('leak'), stats.leaked);
      assert.equal(told('shed'), stats.shed);
      assert.equal(
        told('evict'),
        Object.values(stats.evicted).reduce((sum, each) => sum + each, 0),
      );
    }
    const asking = [...this.#traced.values()].filter((said) => !said.includes('asyncEnd'));
    assert.equal(asking.length, pending, 'traced acquires that have not ended');
    for (const said of this.#traced.values())
      assert.match(said.join(), /^start,end(,(error,)?asyncStart,asyncEnd)?$/);
  }

  /** From here on they only listen. */
  calmDown(): void {
    this.#calm = true;
  }

  leave(): void {
    for (const undo of this.#undo) undo();
  }
}

let pools = 0;

async function play(
  options: Setup,
  operations: readonly Operation[],
  reactions: readonly Reaction[],
): Promise<void> {
  // What an earlier one leaves behind must not be taken for this one's.
  const simulation = new Simulation(Object.assign({}, options, { name: `pool ${++pools}` }));
  const company = new Company(simulation, reactions);
  try {
    for (const each of operations) {
      await simulation.step(each);
      simulation.check();
      company.check();
    }
    company.calmDown();
    await simulation.wind();
    simulation.checkWound();
    company.check();
    await simulation.close();
    company.check();
    assert.equal(company.events.connections, 0, 'opened and never evicted');
    assert.equal(company.events.in('asking', 'held', 'leaked', 'returned'), 0, 'a lease has no end');
  } finally {
    company.leave();
  }
}

describe(`the events, read as sentences (HANDBACK_SEED=${seed})`, () => {
  it('each acquire ends once, each lease is released once, in whatever comes between; channels say the same', async function () {
    const numRuns = times(200);
    this.timeout(60_000 * Math.max(1, numRuns / 200));
    const operations = fc.array(operation, { maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(setup, operations, (options, all) => play(options, all, [])),
      { numRuns, seed },
    );
  });

  it('also when those who hear of something do something, then and there', async function () {
    const numRuns = times(300);
    this.timeout(60_000 * Math.max(1, numRuns / 300));
    const operations = fc.array(operation, { maxLength: 40 });
    const reactions = fc.array(reaction, { maxLength: 6 });
    await fc.assert(fc.asyncProperty(setup, operations, reactions, play), { numRuns, seed });
  });
});
