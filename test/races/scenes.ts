import type { PoolOptions } from '#core/options.js';
import { type Actor, type ActorKind, actor, ask } from './actors.js';
import type { RacePool } from './fixture.js';
import { askAsNew, question, Watched } from './outcome.js';
import { ServerError } from './peer/packets.js';
import type { Point, Stop } from './peer/stop.js';

/** Each deadline of its own length, so that it is known which one has passed. */
export const DEADLINES = {
  acquireTimeoutMs: 60_000,
  connectTimeoutMs: 3_000,
  queryTimeoutMs: 10_000,
  drainTimeoutMs: 5_000,
  validateTimeoutMs: 2_000,
} as const satisfies Partial<PoolOptions>;

export const ENTRY = 'transfer';
export const SLOW = question('slow');

/** A pool of one connection that has come to a point at which the server has stopped. */
export interface Scene {
  readonly stop: Stop;
  /** Who the server is silent to. */
  readonly who: Actor;
  /** Promises of that one, by name. */
  readonly own: Watched[];
  /** Of those who wait for the connection. */
  readonly others: Watched[];
  /** The deadline that passes here. */
  readonly deadlineMs: number;
  /** What the server says there instead. */
  readonly refusal: ServerError;
}

type Begin = (race: RacePool, kind: ActorKind, point: Point, heedsKills: boolean) => Promise<Scene>;

const REFUSALS: Partial<Record<Point, ServerError>> = {
  greeting: new ServerError(1040, '08004', 'Too many connections'),
  login: new ServerError(1045, '28000', "Access denied for user 'peer'@'localhost'"),
  commit: new ServerError(1180, 'HY000', 'Got error during COMMIT'),
  kill: new ServerError(1095, 'HY000', 'You are not owner of thread 1'),
};
const ANY_REFUSAL = new ServerError(1105, 'HY000', 'Unknown error');

function scene(parts: Omit<Scene, 'refusal' | 'others'>, race: RacePool): Scene {
  const refusal = REFUSALS[parts.stop.point] ?? ANY_REFUSAL;
  return { ...parts, refusal, others: [new Watched('next', askAsNew(race.pool, 'next'))] };
}

/** The server is silent while the connection is opened. */
const opening: Begin = async (race, kind, point, heedsKills) => {
  const stop = race.peer.stopAt(point, { heedsKills });
  const who = actor(race, kind);
  const own = [new Watched('acquire', who.acquire())];
  await stop.reached;
  return scene({ stop, who, own, deadlineMs: DEADLINES.connectTimeoutMs }, race);
};

/** It is silent in a query, behind which another waits. */
const querying: Begin = async (race, kind, point, heedsKills) => {
  const who = actor(race, kind);
  await who.acquire();
  const stop = race.peer.stopAt(point, { of: /slow/, heedsKills });
  const own = [new Watched('query', ask(who, 'slow')), new Watched('behind', ask(who, 'behind'))];
  await stop.reached;
  return scene({ stop, who, own, deadlineMs: DEADLINES.queryTimeoutMs }, race);
};

const ending: Begin = async (race, kind, point, heedsKills) => {
  const who = actor(race, kind);
  await who.acquire();
  await who.beginTransaction();
  await who.run(`INSERT INTO ledger VALUES ('${ENTRY}')`);
  const stop = race.peer.stopAt(point, { heedsKills });
  const own = [new Watched(point, point === 'commit' ? who.commit() : who.rollback())];
  await stop.reached;
  return scene({ stop, who, own, deadlineMs: DEADLINES.queryTimeoutMs }, race);
};

/** It is silent while the session is reset, for which the next one waits. */
const resetting: Begin = async (race, kind, point, heedsKills) => {
  const who = actor(race, kind);
  await who.acquire();
  await who.run("SET @owner = 'who'");
  const stop = race.peer.stopAt(point, { heedsKills });
  who.release();
  await stop.reached;
  // Whoever had it wants it again.
  const own = [new Watched('again', kind === 'lease' ? who.acquire() : who.run(question('first')))];
  return scene({ stop, who, own, deadlineMs: DEADLINES.connectTimeoutMs }, race);
};

/** It is silent when it is asked whether a connection that lay idle still lives. */
const validating: Begin = async (race, kind, point, heedsKills) => {
  const who = actor(race, kind);
  await who.acquire();
  who.release();
  await race.clock.advance(1_000);
  const stop = race.peer.stopAt(point, { heedsKills });
  const own = [new Watched('again', who.acquire())];
  await stop.reached;
  return scene({ stop, who, own, deadlineMs: DEADLINES.validateTimeoutMs }, race);
};

/** It does not acknowledge the KILL of a query, behind which another waits. */
const killing: Begin = async (race, kind, point, heedsKills) => {
  const who = actor(race, kind);
  await who.acquire();
  const slow = race.peer.stopAt('header', { of: /slow/, heedsKills });
  const stop = race.peer.stopAt(point, { heedsKills });
  const controller = new AbortController();
  const own = [
    new Watched('query', who.run(SLOW, controller.signal)),
    new Watched('behind', ask(who, 'behind')),
  ];
  await slow.reached;
  controller.abort();
  await stop.reached;
  // How long the KILL may take.
  return scene({ stop, who, own, deadlineMs: 1_000 }, race);
};

export const SCENES: Readonly<Record<Point, Begin>> = {
  greeting: opening,
  login: opening,
  authenticated: opening,
  header: querying,
  row: querying,
  eof: querying,
  commit: ending,
  rollback: ending,
  reset: resetting,
  kill: killing,
  ping: validating,
};
