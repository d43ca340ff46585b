import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Scope } from '#core/scope.js';
import { serverError } from './fake-server.js';
import { TestPool, track } from './fixture.js';
import { TestRequest } from './request-fixture.js';

const TAKE = 'UPDATE accounts SET balance = balance - 10 WHERE id = 1';
const GIVE = 'UPDATE accounts SET balance = balance + 10 WHERE id = 2';

type Run = (sql: string) => Promise<unknown>;
type Pause = () => Promise<void>;
type Transfer = (
  db: Scope,
  pause: Pause,
  swallow: (work: Promise<unknown>) => Promise<unknown>,
) => Promise<void>;

async function move(run: Run, pause: Pause, swallow: (work: Promise<unknown>) => Promise<unknown>) {
  await pause();
  await swallow(run(TAKE));
  await pause();
  await swallow(run(GIVE));
  await pause();
}

/** The ways to write one. */
const TRANSFERS: Readonly<Record<string, Transfer>> = {
  'begin and commit': async (db, pause, swallow) => {
    await db.beginTransaction();
    await move((sql) => db.query(sql), pause, swallow);
    await db.commit();
  },
  'SQL of its own': async (db, pause, swallow) => {
    await db.query('BEGIN');
    await move((sql) => db.execute(sql), pause, swallow);
    await db.query('COMMIT');
  },
  'transaction(fn) with tx': (db, pause, swallow) =>
    db.transaction((tx) => move((sql) => tx.query(sql), pause, swallow)),
  'transaction(fn) with db': (db, pause, swallow) =>
    db.transaction(() => move((sql) => db.query(sql), pause, swallow)),
  'both at once': async (db, pause, swallow) => {
    await db.beginTransaction();
    await pause();
    await Promise.all([TAKE, GIVE].map((sql) => swallow(db.query(sql))));
    await db.commit();
  },
  'both at once in transaction(fn)': (db, _pause, swallow) =>
    db.transaction(async (tx) => {
      await Promise.all([TAKE, GIVE].map((sql) => swallow(tx.query(sql))));
    }),
  'a savepoint': (db, pause, swallow) =>
    db.transaction((tx) => tx.transaction((inner) => move((sql) => inner.query(sql), pause, swallow))),
};

type Happening =
  | 'goesOn'
  | 'serverAnswers'
  | 'serverFails'
  | 'rolledBack'
  | 'deadlock'
  | 'answered'
  | 'clientLeaves'
  | 'lost'
  | 'release'
  | 'killsHang'
  | 'killsFail'
  | 'short'
  | 'long';
const happening = fc.constantFrom<Happening>(
  ...([
    'goesOn',
    'goesOn',
    'serverAnswers',
    'serverAnswers',
    'serverFails',
    'deadlock',
    'rolledBack',
    'answered',
  ] as const),
  ...(['clientLeaves', 'lost', 'release', 'killsHang', 'killsFail', 'short', 'long'] as const),
);

interface Story {
  readonly how: string;
  /** Whether the handler goes on after an error. */
  readonly swallows: boolean;
  readonly slow: boolean;
  readonly before: readonly string[];
  readonly happenings: readonly Happening[];
}

const story: fc.Arbitrary<Story> = fc.record({
  how: fc.constantFrom(...Object.keys(TRANSFERS)),
  swallows: fc.boolean(),
  slow: fc.boolean(),
  before: fc.constantFrom<string[]>([], ['SELECT 1'], ['SET @a = 1']),
  happenings: fc.array(happening, { maxLength: 25 }),
});

async function tell({ how, swallows, slow, before, happenings }: Story): Promise<TestPool> {
  const test = new TestPool({ max: 2, acquireTimeoutMs: 1_000 });
  const request = new TestRequest(test, { drainTimeoutMs: 500 });
  for (const sql of before) await request.db.query(sql);
  if (slow) test.driver.reply = (sql) => (/^(SHOW|KILL)/.test(sql) ? undefined : 'hang');
  const paused: (() => void)[] = [];
  const pause = () => new Promise<void>((resolve) => void paused.push(resolve));
  const transfer = TRANSFERS[how] ?? assert.fail();
  const outcome = track(
    transfer(request.db, pause, (work) => (swallows ? work.catch(() => undefined) : work)),
  );
  const busy = () => test.driver.connections.find(({ running, lost }) => running !== undefined && !lost);
  const actions: Record<Happening, () => unknown> = {
    goesOn: () => paused.shift()?.(),
    serverAnswers: () => busy()?.answer(),
    serverFails: () => busy()?.answer(serverError(1062)),
    rolledBack: () => {
      const connection = busy();
      if (!connection) return;
      connection.session.inTransaction = false;
      connection.answer(serverError(1205));
    },
    deadlock: () => {
      const connection = busy();
      if (!connection) return;
      connection.session.inTransaction = false;
      connection.answer(serverError(1213));
    },
    answered: () => request.answer(),
    clientLeaves: () => request.leave(),
    lost: () => test.driver.connections.find(({ lost }) => !lost)?.lose(),
    release: () => request.db.release(),
    killsHang: () => (test.driver.killReply = 'hang'),
    killsFail: () => (test.driver.killReply = serverError(1095)),
    short: () => test.clock.advance(100),
    long: () => test.clock.advance(1_100),
  };
  for (const each of happenings) {
    await actions[each]();
    await test.clock.settle();
  }
  test.driver.reply = () => undefined;
  for (let n = 0; n < 12; n++) {
    busy()?.answer();
    paused.shift()?.();
    await test.clock.advance(300);
  }
  checkNothingHalf(test, outcome.state, swallows);
  return test;
}

function checkNothingHalf(test: TestPool, state: string, swallows: boolean): void {
  const sent = test.driver.connections.flatMap((connection) => connection.sent);
  const alone = sent.filter(({ sql, inTransaction }) => sql.startsWith('UPDATE') && !inTransaction);
  assert.deepEqual(alone, [], 'a half of the transfer ran by itself');
  assert.notEqual(state, 'pending', 'the transfer came to no end');
  const committed = test.driver.connections.flatMap(({ session }) => session.committed);
  const whole =
    committed.filter((sql) => sql === TAKE).length === committed.filter((sql) => sql === GIVE).length;
  assert.ok(whole || swallows, `committed: ${committed.join('; ')}`);
  if (state === 'fulfilled' && !swallows)
    assert.deepEqual(committed.sort(), [GIVE, TAKE].sort(), 'it said done');
}

describe('half a transfer', () => {
  it('can’t happen, whatever ends, hangs, fails or is lost in between', async function () {
    this.timeout(60_000);
    await fc.assert(
      fc.asyncProperty(story, async (each) => {
        await tell(each);
      }),
      { numRuns: 1_500 },
    );
  });

  for (const how of Object.keys(TRANSFERS)) {
    it(`where nothing happens the whole of it is committed: ${how}`, async () => {
      const test = await tell({ how, swallows: false, slow: false, before: [], happenings: [] });
      const texts = test.connection().texts.filter((sql) => /UPDATE|COMMIT/.test(sql));
      assert.deepEqual(texts, [TAKE, GIVE, 'COMMIT']);
    });
  }
});
