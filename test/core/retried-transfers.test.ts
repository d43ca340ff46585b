import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Scope } from '#core/scope.js';
import type { Transaction } from '#core/transaction.js';
import type { FakeConnection, Reply } from './fake-connection.js';
import { lostError, serverError } from './fake-server.js';
import { type Outcome, TestPool, track } from './fixture.js';
import { TestRequest } from './request-fixture.js';

const take = (n: number) => `UPDATE accounts SET balance = balance - 10 WHERE id = 1 /* ${n} */`;
const give = (n: number) => `UPDATE accounts SET balance = balance + 10 WHERE id = 2 /* ${n} */`;

/** What may happen to a statement. */
type Fault = (sql: string, connection: FakeConnection) => Reply | undefined;

function lose(connection: FakeConnection): Reply {
  queueMicrotask(() => connection.lose());
  return 'hang';
}

const FAULTS: Readonly<Record<string, Fault>> = {
  none: () => undefined,
  deadlock: (sql, { session }) => {
    if (/^(START|ROLLBACK)/.test(sql)) return undefined;
    session.inTransaction = false;
    return serverError(1213);
  },
  'lock wait': (sql) => (sql.startsWith('UPDATE') ? serverError(1205) : undefined),
  'lock wait that rolls back': (sql, { session }) => {
    if (!sql.startsWith('UPDATE')) return undefined;
    session.inTransaction = false;
    return serverError(1205);
  },
  'bad value': () => serverError(1062),
  'lost before': (_sql, connection) => lose(connection),
  'lost behind': (sql, connection) => {
    connection.session.answer(sql);
    return lose(connection);
  },
  'lost, says the driver': () => lostError(),
};

type Place = 'scope' | 'late' | 'lease' | 'pool';
type Way = 'in order' | 'side by side' | 'in a savepoint' | 'wrapped' | 'through db';

interface Story {
  readonly place: Place;
  readonly way: Way;
  readonly retries: number;
  /** For the statements of the transfers, in the order in which they reach the server. */
  readonly faults: readonly string[];
  readonly transfers: number;
}

const story: fc.Arbitrary<Story> = fc.record({
  place: fc.constantFrom<Place>('scope', 'late', 'lease', 'pool'),
  way: fc.constantFrom<Way>('in order', 'side by side', 'in a savepoint', 'wrapped', 'through db'),
  retries: fc.nat(4),
  faults: fc.array(
    fc.oneof(
      { weight: 3, arbitrary: fc.constant('none') },
      { weight: 2, arbitrary: fc.constantFrom('deadlock', 'lock wait', 'lock wait that rolls back') },
      { weight: 1, arbitrary: fc.constantFrom(...Object.keys(FAULTS)) },
    ),
    { maxLength: 30 },
  ),
  transfers: fc.integer({ min: 1, max: 4 }),
});

function transfer(way: Way, n: number, db: Pick<Scope, 'query'> | null) {
  const halves = async (tx: Pick<Transaction, 'query'>) => {
    await tx.query(take(n));
    await tx.query(give(n));
  };
  const ways: Record<Way, (tx: Transaction) => Promise<unknown>> = {
    'in order': halves,
    'side by side': (tx) => Promise.all([tx.query(take(n)), tx.query(give(n))]),
    'in a savepoint': (tx) => tx.transaction(halves),
    wrapped: (tx) =>
      halves(tx).catch((cause) => {
        throw new Error('no transfer', { cause });
      }),
    'through db': (tx) => halves(db ?? tx),
  };
  return ways[way];
}

async function tell({ place, way, retries, faults, transfers }: Story): Promise<TestPool> {
  const test = new TestPool({ max: 2, acquireTimeoutMs: 60_000 });
  const lease = place === 'lease' ? await test.pool.acquire() : null;
  const scope = new TestRequest(test, place === 'late' ? { over: 'answered' } : {}).db;
  const db = lease ?? (place === 'pool' ? test.pool : scope);
  const left = [...faults];
  test.driver.reply = (sql, connection) =>
    /^(START|SAVEPOINT|RELEASE|ROLLBACK|COMMIT|UPDATE)/.test(sql)
      ? (FAULTS[left.shift() ?? 'none'] ?? assert.fail())(sql, connection)
      : undefined;
  const outcomes: Outcome<unknown>[] = [];
  for (let n = 0; n < transfers; n++) {
    const inside = place === 'scope' ? scope : lease;
    outcomes.push(track(db.transaction(transfer(way, n, inside), { retries })));
  }
  await test.clock.advance(30_000);
  check(test, outcomes);
  return test;
}

function check(test: TestPool, outcomes: Outcome<unknown>[]): void {
  const sent = test.driver.connections.flatMap((connection) => connection.sent);
  const alone = sent.filter(({ sql, inTransaction }) => sql.startsWith('UPDATE') && !inTransaction);
  assert.deepEqual(alone, [], 'a half ran by itself');
  const committed = test.driver.connections.flatMap(({ session }) => session.committed);
  const times = (sql: string) => committed.filter((each) => each === sql).length;
  for (const [n, outcome] of outcomes.entries()) {
    assert.notEqual(outcome.state, 'pending', 'a transfer came to no end');
    assert.equal(times(take(n)), times(give(n)), 'a transfer was done by half');
    const most = outcome.state === 'fulfilled' || outcome.code === 'OUTCOME_UNKNOWN' ? 1 : 0;
    assert.ok(times(take(n)) <= most, `done ${times(take(n))} times: ${outcome.state} ${outcome.code}`);
    if (outcome.state === 'fulfilled') assert.equal(times(take(n)), 1, 'it said done');
  }
}

describe('transfers with retries', () => {
  it('each is done once and whole, or not at all, whatever conflicts, fails or is lost', async function () {
    this.timeout(60_000);
    let retried = 0;
    const told = async (each: Story) => {
      retried += (await tell(each)).stats().retriedTransactions;
    };
    await fc.assert(fc.asyncProperty(story, told), { numRuns: 1_500 });
    assert.ok(retried > 500, `only ${retried} attempts were further ones`);
  });

  it('where there are nothing but conflicts, and retries enough, all are done', async () => {
    for (const place of ['scope', 'late', 'lease', 'pool'] as const) {
      const faults = [
        'none',
        'deadlock',
        'none',
        'none',
        'none',
        'lock wait',
        'none',
        'none',
        'none',
        'none',
      ];
      const test = await tell({ place, way: 'in order', retries: 4, faults, transfers: 1 });
      assert.equal(test.stats().retriedTransactions, 2);
      const committed = test.driver.connections.flatMap(({ session }) => session.committed);
      assert.deepEqual(committed, [take(0), give(0)]);
    }
  });
});
