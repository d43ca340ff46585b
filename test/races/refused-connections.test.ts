import assert from 'node:assert/strict';
import type { PoolOptions } from '#core/options.js';
import { RacePool } from './fixture.js';
import { askAsNew, outcomes, Watched } from './outcome.js';
import { err, framed, ServerError } from './peer/packets.js';

const HOST_BLOCKED = [1129, "Host '192.0.2.7' is blocked because of many connection errors"] as const;
const TOO_MANY = [1040, 'Too many connections'] as const;
const DENIED = [1045, "Access denied for user 'app'@'192.0.2.7' (using password: YES)"] as const;

function refusal([errno, message]: readonly [number, string], number: number): Buffer {
  return framed(err(new ServerError(errno, '08004', message)), number);
}

async function withPeer(
  options: Partial<PoolOptions>,
  work: (race: RacePool) => Promise<void>,
): Promise<void> {
  const race = await RacePool.open({ max: 1, acquireTimeoutMs: 5_000, ...options });
  race.pool.events.on('warning', () => {});
  try {
    await work(race);
    race.peer.distortion = () => undefined;
    await race.clock.advance(15_000);
    const after = new Watched('after', askAsNew(race.pool, 'after'));
    await race.settled([after]);
    assert.equal(outcomes([after]), 'after ok', 'once the server lets it in');
    await race.end();
  } finally {
    await race.abandon();
  }
}

/** What comes in place of the greeting, or of the answer to the login. */
function says(race: RacePool, at: 'greeting' | 'login', bytes: Buffer): void {
  race.peer.distortion = (_session, what) => (what === at ? bytes : undefined);
}

async function demanded(race: RacePool, everyMs: number, times: number): Promise<Watched[]> {
  const all = [];
  for (let n = 0; n < times; n++) {
    all.push(new Watched(`query ${n}`, race.pool.query('SELECT 1')));
    await race.clock.advance(everyMs);
  }
  return all;
}

describe('a server that does not let the pool in', () => {
  it('1129, the host is blocked: all fail fast with its words, and it is asked once in ten seconds', () =>
    withPeer({}, async (race) => {
      says(race, 'greeting', refusal(HOST_BLOCKED, 0));
      const all = await demanded(race, 500, 36);
      for (const { ended, error } of all) {
        assert.equal(ended, 'OPEN_FAILED');
        assert.match(String((error as Error).cause), /is blocked because of many connection errors/);
      }
      const attempts = race.peer.sessions.length;
      assert.ok(attempts <= 2, `${attempts} attempts in 18 s`);
    }));

  it('1045: all fail fast with its words, and the password is tried once a second at most', () =>
    withPeer({}, async (race) => {
      says(race, 'login', refusal(DENIED, 2));
      const all = await demanded(race, 250, 40);
      for (const { ended, error } of all) {
        assert.equal(ended, 'OPEN_FAILED');
        assert.match(String((error as Error).cause), /Access denied/);
      }
      const attempts = race.peer.sessions.length;
      assert.ok(attempts >= 5 && attempts <= 11, `${attempts} attempts in 10 s`);
    }));

  it('1045 while there are connections: they serve on, those who wait included', () =>
    withPeer({ max: 2 }, async (race) => {
      const acquiring = race.pool.acquire();
      await race.settled([new Watched('acquire', acquiring)]);
      const lease = await acquiring;
      says(race, 'login', refusal(DENIED, 2));
      const waiting = new Watched('waiting', askAsNew(race.pool, 'patient'));
      await race.clock.advance(1_000);
      const working = new Watched('working', lease.query("SELECT 'own' AS nonce"));
      await race.settled([working]);
      lease.release();
      await race.settled([waiting]);
      assert.equal(outcomes([working, waiting]), 'working ok, waiting ok');
    }));

  it('1040: who waits is served when there is room, within the deadline', () =>
    withPeer({}, async (race) => {
      says(race, 'greeting', refusal(TOO_MANY, 0));
      const waiting = new Watched('query', askAsNew(race.pool, 'patient'));
      await race.clock.advance(4_000);
      assert.equal(waiting.ended, undefined);
      assert.ok(race.peer.sessions.length <= 8, `${race.peer.sessions.length} attempts in 4 s`);
      race.peer.distortion = () => undefined;
      await race.settled([waiting]);
      assert.equal(outcomes([waiting]), 'query ok');
    }));

  const GARBAGE: Record<string, Buffer> = {
    'HTTP/1.1 400 Bad Request': Buffer.from('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n'),
    'random bytes': Buffer.from('b7f0c2a91e55d3040b88f6aa3c217e90', 'hex'),
    'an empty packet': framed(Buffer.alloc(0), 0),
  };
  for (const [what, bytes] of Object.entries(GARBAGE)) {
    it(`${what} instead of a greeting: whoever waits is told by the deadline`, () =>
      withPeer({}, async (race) => {
        says(race, 'greeting', bytes);
        const waiting = new Watched('query', race.pool.query('SELECT 1'));
        await race.clock.advance(5_000);
        assert.equal(waiting.ended, 'OPEN_FAILED');
        assert.ok((waiting.error as Error).cause instanceof Error);
      }));
  }
});
