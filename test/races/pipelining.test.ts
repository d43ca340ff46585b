import assert from 'node:assert/strict';
import { RacePool } from './fixture.js';
import { askAsNew, outcomes, question, Watched } from './outcome.js';
import { err, framed, ok, ServerError } from './peer/packets.js';
import type { Distortion } from './peer/peer.js';
import type { PeerSession } from './peer/session.js';

const AUTOCOMMIT = 2;
const TRACK = 'SET SESSION session_track_state_change = 1';
const ROLE = 'SELECT CURRENT_ROLE() AS role';
const USE = 'USE `test`';
const TEN_MINUTES_MS = 600_000;
const DEADLINES = {
  max: 2,
  connectTimeoutMs: 3_000,
  acquireTimeoutMs: 60_000,
} as const;

const refusal = (errno: number, sequence = 1) =>
  framed(err(new ServerError(errno, 'HY000', 'refused')), sequence);

/** The server stands at the port that it names; its first connection is open, and lent out. */
async function withServer(
  work: (race: RacePool, first: Awaited<ReturnType<RacePool['pool']['acquire']>>) => Promise<void>,
  options: Parameters<typeof RacePool.open>[0] = {},
  statedPort?: number,
): Promise<void> {
  const race = await RacePool.open({ ...DEADLINES, ...options });
  race.peer.statedPort = statedPort ?? race.peer.port;
  race.peer.takesSeveral = statedPort === undefined;
  try {
    const first = await race.pool.acquire();
    await race.rest();
    await work(race, first);
    await race.end();
  } finally {
    await race.abandon();
  }
}

/** What the session was sent in one go with this text, each text once. */
function sentWith(session: PeerSession | undefined, text: string): string[] {
  const chunk = session?.received.map(String).find((each) => each.includes(text)) ?? '';
  const known = { [TRACK]: 'track', [ROLE]: 'role', [USE]: 'use' };
  return Object.entries(known).flatMap(([each, name]) => (chunk.includes(each) ? [name] : []));
}

const newest = ({ peer }: RacePool) => peer.sessions.at(-1);

async function leaveDirty(race: RacePool, lease: Awaited<ReturnType<RacePool['pool']['acquire']>>) {
  await lease.query("SET @owner = 'me'");
  lease.release();
  await race.rest();
}

/** Whether two more leases, one of them new, are right. */
async function bothServed(race: RacePool): Promise<void> {
  const both = ['one', 'two'].map((name) => new Watched(name, askAsNew(race.pool, name)));
  await race.settled(both);
  assert.equal(outcomes(both), 'one ok, two ok');
}

describe('several commands in one go', () => {
  it('opening: the first connection asks step by step, the others at once', () =>
    withServer(async (race, first) => {
      assert.deepEqual(sentWith(race.peer.sessions[0], TRACK), ['track']);
      const second = await race.pool.acquire();
      assert.deepEqual(sentWith(newest(race), TRACK), ['track', 'role']);
      assert.equal(newest(race)?.statements.filter((sql) => sql.startsWith(ROLE)).length, 1);
      first.release();
      second.release();
    }));

  it('opening with onConnect: what it sets is waited for before the role is asked', () =>
    withServer(
      async (race, first) => {
        const second = await race.pool.acquire();
        assert.deepEqual(sentWith(newest(race), TRACK), ['track']);
        assert.deepEqual(
          newest(race)?.statements.map((sql) => sql.slice(0, ROLE.length)),
          [TRACK.slice(0, ROLE.length), 'DO 0', 'DO 0', ROLE],
        );
        first.release();
        second.release();
      },
      { onConnect: 'DO 0' },
    ));

  it('a reset: with the schema and the tracking', () =>
    withServer(async (race, first) => {
      await leaveDirty(race, first);
      assert.deepEqual(sentWith(race.peer.sessions[0], USE), ['track', 'use']);
      assert.deepEqual(race.peer.sessions[0]?.statements.slice(-3), ['RESET', USE, TRACK]);
      await bothServed(race);
      assert.equal(race.pool.stats().reset, 1);
    }));

  it('not where the server names another port than ours', () =>
    withServer(
      async (race, first) => {
        const second = await race.pool.acquire();
        assert.deepEqual(sentWith(newest(race), TRACK), ['track']);
        await leaveDirty(race, first);
        assert.deepEqual(sentWith(race.peer.sessions[0], USE), ['use']);
        second.release();
      },
      {},
      3306,
    ));
});

describe('several commands in one go, of which one fails', () => {
  const FAILING: readonly (readonly [string, Distortion])[] = [
    ['the reset', (_session, sql) => (sql === 'RESET' ? refusal(1105) : undefined)],
    ['the schema', (_session, sql) => (sql === USE ? refusal(1049) : undefined)],
    ['numbers that go on', (_session, sql) => (sql === USE ? framed(ok(AUTOCOMMIT), 2) : undefined)],
    [
      'an answer too many',
      (_session, sql) =>
        sql === USE ? Buffer.concat([framed(ok(AUTOCOMMIT), 1), framed(ok(AUTOCOMMIT), 1)]) : undefined,
    ],
  ];
  for (const [name, distortion] of FAILING) {
    it(`${name}: the connection is not used again`, () =>
      withServer(async (race, first) => {
        race.peer.distortion = distortion;
        await leaveDirty(race, first);
        race.peer.distortion = () => undefined;
        await bothServed(race);
        const [old] = race.peer.sessions;
        assert.ok(old?.socket.closed);
        assert.ok(!old.statements.includes(question('one')) && !old.statements.includes(question('two')));
      }));
  }

  it('the tracking: the session is clean all the same, and is read by its texts', () =>
    withServer(async (race, first) => {
      race.peer.distortion = (_session, sql) => (sql === TRACK ? refusal(1193) : undefined);
      await leaveDirty(race, first);
      assert.equal(race.pool.stats().reset, 1);
      const again = await race.pool.acquire();
      await leaveDirty(race, again);
      assert.deepEqual(race.peer.sessions[0]?.statements.slice(-2), ['RESET', USE]);
    }));

  it('opening, the tracking: the connection is used without', () =>
    withServer(async (race, first) => {
      race.peer.distortion = (_session, sql) => (sql === TRACK ? refusal(1193) : undefined);
      const second = await race.pool.acquire();
      await leaveDirty(race, second);
      assert.deepEqual(newest(race)?.statements.slice(-2), ['RESET', USE]);
      first.release();
    }));

  it('opening, the role: an attempt that failed', () =>
    withServer(async (race, first) => {
      race.peer.distortion = (session, sql) =>
        session.id === 2 && sql.startsWith(ROLE) ? refusal(1105) : undefined;
      const second = new Watched('second', askAsNew(race.pool, 'second'));
      await race.settled([second]);
      assert.equal(outcomes([second]), 'second ok');
      const [, refused] = race.peer.sessions;
      assert.ok(refused?.socket.closed);
      assert.equal(
        refused.statements.filter((sql) => sql.startsWith(ROLE)).length,
        1,
        'and is not asked again',
      );
      assert.equal(newest(race)?.id, 3);
      first.release();
    }));
});

describe('something in between that does not bear several commands in one go', () => {
  const cut: Distortion = (session, sql) => {
    if (sql !== USE && !sql.startsWith(ROLE)) return undefined;
    session.cut('FIN');
    return null;
  };
  const mute: Distortion = (_session, sql) => (sql === USE || sql.startsWith(ROLE) ? null : undefined);

  for (const [name, distortion] of Object.entries({ 'hangs up': cut, 'answers only the first': mute })) {
    it(`${name}, when one is opened: the next is asked step by step, for ten minutes`, () =>
      withServer(async (race, first) => {
        race.peer.distortion = (session, ...rest) =>
          session.id === 2 ? distortion(session, ...rest) : undefined;
        const second = new Watched('second', race.pool.query(question('second')));
        await race.settled([second]);
        assert.equal(outcomes([second]), 'second ok');
        assert.deepEqual(sentWith(race.peer.sessions[1], TRACK), ['track', 'role']);
        assert.deepEqual(sentWith(newest(race), TRACK), ['track']);
        await race.clock.advance(TEN_MINUTES_MS);
        race.pool.evictAll();
        await race.rest();
        const third = await race.pool.acquire();
        assert.deepEqual(sentWith(newest(race), TRACK), ['track', 'role']);
        first.release();
        third.release();
      }));

    it(`${name}, at a reset: its connection is not used again, the next is reset step by step`, () =>
      withServer(async (race, first) => {
        race.peer.distortion = (session, ...rest) =>
          session.id === 1 ? distortion(session, ...rest) : undefined;
        await leaveDirty(race, first);
        await race.clock.advance(3_000);
        const second = await race.pool.acquire();
        await leaveDirty(race, second);
        assert.ok(race.peer.sessions[0]?.socket.closed);
        assert.equal(race.pool.stats().evicted['reset-failed'], 1);
        assert.deepEqual(newest(race)?.statements.slice(-3), ['RESET', USE, TRACK]);
        assert.deepEqual(sentWith(newest(race), USE), ['use']);
        await bothServed(race);
      }));
  }
});
