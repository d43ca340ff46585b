import assert from 'node:assert/strict';
import fc from 'fast-check';
import { RacePool } from './fixture.js';
import { askAsNew, outcomes, Watched } from './outcome.js';
import { ServerError } from './peer/packets.js';
import { POINTS } from './peer/stop.js';
import { LeaseUser, RequestUser, type User } from './users.js';

const RUNS = Number(process.env.HANDBACK_RACE_RUNS ?? 150);
const SEED = Number(process.env.HANDBACK_SEED ?? Math.floor(Math.random() * 2 ** 31));
const MAX = 2;

/** Ends that are somebody's right: the caller's, the clock's, the server's, the pool's. */
const LEGAL = new Set(
  `ok AbortError ACQUIRE_TIMEOUT OPEN_FAILED POOL_CLOSED CLIENT_GONE SCOPE_ENDED LEASE_RELEASED TRANSACTION_ROLLED_BACK
  TRANSACTION_NESTED OUTCOME_UNKNOWN QUERY_TIMEOUT QUERY_CANCELLED CONNECTION_LOST PROTOCOL_CONNECTION_LOST ECONNRESET EPIPE
  PROTOCOL_UNEXPECTED_PACKET ER_UNKNOWN_ERROR ER_QUERY_INTERRUPTED`.split(/\s+/),
);

const REFUSAL = new ServerError(1105, 'HY000', 'Unknown error');

interface Stage {
  readonly race: RacePool;
  readonly users: readonly User[];
}

type Step = (stage: Stage) => unknown;

const user = fc.nat(2);
const byUser = (name: string, act: (who: User) => void) =>
  user.map((n) => named(`${name} ${n}`, ({ users }) => act(users[n] as User)));

/** Shown by its name when a script fails. */
function named(name: string, step: Step): Step {
  return Object.assign(step, { [fc.toStringMethod]: () => name });
}

const stop = fc
  .tuple(fc.constantFrom(...POINTS), fc.boolean())
  .map(([point, heedsKills]) =>
    named(`stop at ${point}${heedsKills ? '' : ' for good'}`, ({ race }) =>
      race.peer.stopAt(point, { heedsKills }),
    ),
  );
const goOn = fc.tuple(fc.nat(3), fc.boolean()).map(([n, fails]) =>
  named(`${fails ? 'fail' : 'go on'} ${n}`, ({ race }) => {
    const held = race.peer.held.at(-1 - n);
    if (fails) held?.fail(REFUSAL);
    else held?.go();
  }),
);
const cut = fc
  .tuple(fc.nat(3), fc.constantFrom('FIN' as const, 'RST' as const))
  .map(([n, how]) => named(`${how} ${n}`, ({ race }) => race.peer.sessions.at(-1 - n)?.cut(how)));
const time = fc
  .constantFrom(50, 600, 1_000, 3_000, 10_000)
  .map((ms) => named(`${ms} ms`, ({ race }) => race.clock.advance(ms)));
const rest = fc.constant(named('rest', ({ race }) => race.clock.rest()));
const echo = fc.constant(
  named('echo', ({ race: { peer } }) => {
    peer.distortion = (_session, sql, packets) => {
      if (sql === 'greeting' || sql === 'login') return undefined;
      peer.distortion = () => undefined;
      return Buffer.concat([...packets, ...packets]);
    };
  }),
);

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: byUser('begin', (who) => who.begin()) },
  { weight: 4, arbitrary: byUser('ask', (who) => who.ask()) },
  { weight: 2, arbitrary: byUser('prepare', (who) => who.prepare()) },
  { weight: 2, arbitrary: byUser('stain', (who) => who.stain()) },
  { weight: 3, arbitrary: byUser('transfer', (who) => who.transfer()) },
  { weight: 4, arbitrary: byUser('release', (who) => who.release()) },
  { weight: 1, arbitrary: byUser('use stale', (who) => who.useStale()) },
  { weight: 2, arbitrary: byUser('abort', (who) => who.abort()) },
  { weight: 4, arbitrary: stop },
  { weight: 3, arbitrary: goOn },
  { weight: 2, arbitrary: cut },
  { weight: 3, arbitrary: time },
  { weight: 6, arbitrary: rest },
  { weight: 1, arbitrary: echo },
);

/** What was acknowledged is there, once; what was refused is not; only of what is unknown it may be either. */
function checkTransfers({ race, users }: Stage): void {
  for (const [entry, { ended }] of users.flatMap(({ transfers }) => [...transfers])) {
    const times = race.peer.ledger.get(entry) ?? 0;
    if (ended === 'ok') assert.equal(times, 1, `${entry} was acknowledged`);
    else if (ended === 'OUTCOME_UNKNOWN') assert.ok(times <= 1, `${entry} was done ${times} times`);
    else assert.equal(times, 0, `${entry} failed with ${ended}`);
  }
}

async function play(stage: Stage, script: readonly Step[]): Promise<void> {
  const { race, users } = stage;
  for (const each of script) await each(stage);
  race.peer.calmDown();
  await race.rest();
  for (const each of users) each.finish();
  const promises = users.flatMap((each) => each.promises);
  await race.settled(promises);
  for (const { name, ended, error } of promises)
    assert.ok(LEGAL.has(ended as string), `${name}: ${ended} ${(error as Error)?.stack}`);
  checkTransfers(stage);
  // Time for what is put off after a failure.
  await race.clock.advance(60_000);
  const after = [new Watched('a', askAsNew(race.pool, 'a')), new Watched('b', askAsNew(race.pool, 'b'))];
  await race.settled(after);
  assert.equal(outcomes(after), 'a ok, b ok');
  await race.end();
}

describe('three users on two connections of a server that does what it likes', () => {
  it(`${RUNS} scripts: every promise settles, every row is its asker’s own, nothing is lost or done twice (HANDBACK_SEED=${SEED})`, async function () {
    this.timeout(60_000);
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40, size: 'max' }), async (script) => {
        const race = await RacePool.open({
          max: MAX,
          acquireTimeoutMs: 20_000,
          connectTimeoutMs: 3_000,
          queryTimeoutMs: 8_000,
          drainTimeoutMs: 2_000,
        });
        const users = [new LeaseUser(race, 'x'), new LeaseUser(race, 'y'), new RequestUser(race, 'z')];
        try {
          await play({ race, users }, script);
        } finally {
          await race.abandon();
        }
      }),
      { numRuns: RUNS, seed: SEED },
    );
  });
});
