import assert from 'node:assert/strict';
import { ACTIONS, type Action, act } from './actions.js';
import type { ActorKind } from './actors.js';
import { expected } from './expected.js';
import { RacePool } from './fixture.js';
import { askAsNew, outcomes, Watched } from './outcome.js';
import { POINTS, type Point } from './peer/stop.js';
import { DEADLINES, ENTRY, SCENES, type Scene } from './scenes.js';

const KINDS = ['lease', 'request'] as const satisfies ActorKind[];

/** After so long whatever failed for good is tried again. */
const LATER_MS = 60_000;

/** `lively`: the server goes on after what has happened. Otherwise this one statement never gets an answer. */
async function play(race: RacePool, scene: Scene, action: Action, isLively: boolean): Promise<string> {
  const { clock, pool } = race;
  const { who, own, others, stop } = scene;
  await race.rest();
  await act(action, race, scene);
  await race.rest();
  if (isLively) stop.go();
  await race.settled(own);
  who.release();
  await race.settled(others);
  if (action === 'close') return outcomes([...own, ...others]);
  // Again, when the connection may be somebody else's.
  who.release();
  await clock.advance(LATER_MS);
  const after = new Watched('after', askAsNew(pool, 'after'));
  await race.settled([after]);
  return outcomes([...own, ...others, after]);
}

/** Nobody was told that something was done which was not, or the other way round, and nothing was done twice. */
function checkLedger({ peer }: RacePool, point: Point, line: string): void {
  const entries = peer.ledger.get(ENTRY) ?? 0;
  assert.equal(peer.count('COMMIT'), point === 'commit' ? 1 : 0, 'COMMIT is sent once');
  if (line.includes('OUTCOME_UNKNOWN')) assert.ok(entries <= 1);
  else assert.equal(entries, line.includes('commit ok') ? 1 : 0);
}

/**
 * One connection, and one beyond for a KILL. What was given up while it was being opened, and a KILL that was not
 * answered, the server may still have.
 */
function threadsAllowed(point: Point): number {
  return point === 'kill' ? 3 : 2;
}

async function story(kind: ActorKind, point: Point, action: Action, isLively: boolean): Promise<string> {
  const race = await RacePool.open({ max: 1, ...DEADLINES });
  try {
    const scene = await SCENES[point](race, kind, point, isLively);
    const line = await play(race, scene, action, isLively);
    scene.stop.go();
    await race.end();
    checkLedger(race, point, line);
    assert.ok(race.peer.mostThreads <= threadsAllowed(point), `${race.peer.mostThreads} threads`);
    return line;
  } finally {
    await race.abandon();
  }
}

describe('wherever the server stops, whatever happens then', () => {
  for (const point of POINTS) {
    describe(`at ${point}`, () => {
      for (const action of ACTIONS) {
        it(`${action}: every promise settles as it must, and the next one gets its own rows`, async () => {
          for (const kind of KINDS) {
            for (const isLively of [true, false]) {
              const server = isLively ? 'a server that goes on' : 'a server that stays silent';
              const line = await story(kind, point, action, isLively);
              const due = expected(kind, point, action, isLively);
              assert.equal(line, action === 'close' ? due : `${due}, after ok`, `a ${kind}, ${server}`);
            }
          }
        });
      }
    });
  }
});
