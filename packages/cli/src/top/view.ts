import type { ApplicationHolder, ApplicationPool } from '../doctor/application.js';
import { mayBeOf } from '../doctor/names.js';
import { numberOf, type Thread } from '../doctor/picture.js';
import type { AppLook } from './app-watch.js';
import type { ServerLook } from './server-watch.js';

export interface ServerLine {
  readonly version: string;
  readonly maxConnections: number | undefined;
  readonly connected: number | undefined;
  readonly running: number | undefined;
  /** The most at the same time since the server started. */
  readonly mostEver: number | undefined;
  /** Whether all threads are seen, or those of our own account alone. */
  readonly seesAllThreads: boolean;
}

export interface PoolLine {
  readonly app: string;
  readonly pool: string;
  readonly pid: number | undefined;
  readonly max: number;
  readonly leased: number;
  readonly idle: number;
  readonly opening: number;
  /** Validating, resetting, draining, closing, ghost. */
  readonly other: number;
  readonly pending: number;
  /** Leases that began per second since the last look; undefined at the first. */
  readonly perSecond: number | undefined;
  /** How long who waits now is going to, at that rate; undefined where nobody gets one, or nobody knows. */
  readonly waitMs: number | undefined;
  readonly timedOut: number;
  readonly shed: number;
}

export interface RouteLine {
  readonly route: string;
  readonly pool: string;
  /** Connections that it holds. */
  readonly held: number;
  readonly oldestMs: number;
  /** What ran last on them, without values; that of the oldest first. */
  readonly statements: readonly string[];
}

/**
 * `route`: held by one of ours. `pool`: ours, and nobody's now. `program`: of a Handback pool that was not asked. `unknown`: not
 * ours as far as the applications told, which was not all.
 */
export type Whose = 'route' | 'pool' | 'program' | 'own' | 'foreign' | 'unknown';

export interface ThreadLine extends Omit<Thread, 'pool'> {
  readonly whose: Whose;
  readonly route: string | undefined;
  /** How long that route has held it. */
  readonly heldMs: number | undefined;
  readonly pool: string | undefined;
  /** Of the pool's connection: `idle`, `leased`, … */
  readonly poolState: string | undefined;
  /** How long its transaction has been open; undefined = none, or not to be seen. */
  readonly transactionMs: number | undefined;
}

export interface View {
  readonly server: ServerLine;
  readonly pools: readonly PoolLine[];
  readonly routes: readonly RouteLine[];
  readonly threads: readonly ThreadLine[];
  /** Connections that the applications told of and that are not among the threads. */
  readonly notFound: number;
  /** Every application told of all of its connections: what is none of them is not ours. */
  readonly complete: boolean;
}

/** Threads of the server itself, which nobody connected. */
const INTERNAL = new Set([
  'Daemon',
  'Binlog Dump',
  'Binlog Dump GTID',
  'Slave_IO',
  'Slave_SQL',
  'Slave_worker',
]);
const INTERNAL_USERS = new Set(['system user', 'event_scheduler']);

/** `before`: the applications at the last look, for what happened since. */
export function viewOf(look: ServerLook, apps: readonly AppLook[], before: readonly AppLook[] = []): View {
  const claims = claimsOf(apps);
  const threads = look.threads.filter(
    ({ command, user }) => !INTERNAL.has(command) && !INTERNAL_USERS.has(user),
  );
  const ids = new Set(threads.map(({ id }) => id));
  const complete = isComplete(apps);
  return {
    server: serverLine(look),
    pools: apps.flatMap((app) => app.pools.map((pool, at) => poolLine(app, pool, at, before))),
    routes: routeLines(apps),
    threads: threads.map((thread) => threadLine(thread, { look, claims, complete })).sort(busiestFirst),
    notFound: [...claims.keys()].filter((id) => !ids.has(id)).length,
    complete,
  };
}

function isComplete(apps: readonly AppLook[]): boolean {
  const pools = apps.flatMap((app) => app.pools);
  return (
    apps.length > 0 &&
    apps.every(({ error }) => error === undefined) &&
    pools.every((pool) => pool.connections)
  );
}

function serverLine({ facts, status, transactions }: ServerLook): ServerLine {
  return {
    version: facts.version,
    maxConnections: numberOf(facts.variables, 'max_connections'),
    connected: numberOf(status, 'threads_connected'),
    running: numberOf(status, 'threads_running'),
    mostEver: numberOf(status, 'max_used_connections'),
    seesAllThreads: transactions !== null,
  };
}

const OTHER_STATES = ['validating', 'resetting', 'draining', 'closing', 'ghost'];

function poolLine(app: AppLook, pool: ApplicationPool, at: number, before: readonly AppLook[]): PoolLine {
  const count = (name: string) => pool.stats[name] ?? 0;
  const perSecond = rateOf(app, pool, at, before);
  const pending = count('pending');
  return {
    app: app.label,
    pool: pool.name,
    pid: pool.pid,
    max: count('max'),
    leased: count('leased'),
    idle: count('idle'),
    opening: count('opening'),
    other: OTHER_STATES.reduce((sum, name) => sum + count(name), 0),
    pending,
    perSecond,
    waitMs: waitOf(pending, perSecond),
    timedOut: count('timedOut'),
    shed: count('shed'),
  };
}

/** Of the same process: another one behind the same url counts from elsewhere. */
function rateOf(
  app: AppLook,
  pool: ApplicationPool,
  at: number,
  before: readonly AppLook[],
): number | undefined {
  const then = before.find(({ label }) => label === app.label);
  const known = then?.pools[at];
  if (!then || !known || known.name !== pool.name || known.pid !== pool.pid) return undefined;
  const began = (pool.stats.acquired ?? 0) - (known.stats.acquired ?? 0);
  const seconds = (app.at - then.at) / 1_000;
  return began >= 0 && seconds > 0 ? began / seconds : undefined;
}

function waitOf(pending: number, perSecond: number | undefined): number | undefined {
  if (pending === 0) return 0;
  return perSecond ? (pending / perSecond) * 1_000 : undefined;
}

function routeLines(apps: readonly AppLook[]): RouteLine[] {
  const groups = new Map<string, { pool: string; route: string; holders: ApplicationHolder[] }>();
  for (const { pools } of apps) {
    for (const { name, holders } of pools) {
      for (const holder of holders) {
        const key = JSON.stringify([name, holder.route]);
        const group = groups.get(key) ?? { pool: name, route: holder.route, holders: [] };
        group.holders.push(holder);
        groups.set(key, group);
      }
    }
  }
  return [...groups.values()].map(routeLine).sort((a, b) => b.held - a.held || b.oldestMs - a.oldestMs);
}

function routeLine({ pool, route, holders }: { pool: string; route: string; holders: ApplicationHolder[] }) {
  const byAge = holders.toSorted((a, b) => b.ageMs - a.ageMs);
  const statements = byAge.flatMap(({ statement }) => statement ?? []);
  return {
    route,
    pool,
    held: holders.length,
    oldestMs: byAge[0]?.ageMs ?? 0,
    statements: [...new Set(statements)],
  };
}

interface Claim {
  readonly pool: string;
  readonly pid: number | undefined;
  readonly state: string | undefined;
  readonly holder: ApplicationHolder | undefined;
}

/** What the applications say is theirs, by thread id. */
function claimsOf(apps: readonly AppLook[]): Map<number, Claim[]> {
  const claims = new Map<number, Claim[]>();
  for (const { name, pid, holders, connections } of apps.flatMap(({ pools }) => pools)) {
    const states = new Map(connections?.map(({ threadId, state }) => [threadId, state]));
    const held = new Map(holders.map((holder) => [holder.threadId, holder]));
    for (const id of new Set([...states.keys(), ...held.keys()])) {
      if (id === undefined) continue;
      const claim: Claim = { pool: name, pid, state: states.get(id), holder: held.get(id) };
      claims.set(id, [...(claims.get(id) ?? []), claim]);
    }
  }
  return claims;
}

function claimOn(thread: Thread, claims: ReadonlyMap<number, Claim[]>): Claim | undefined {
  const fitting = claims.get(thread.id)?.filter(({ pid }) => mayBeOf(thread, pid));
  return fitting?.find(({ holder }) => holder) ?? fitting?.[0];
}

interface Known {
  readonly look: ServerLook;
  readonly claims: ReadonlyMap<number, Claim[]>;
  readonly complete: boolean;
}

function threadLine(thread: Thread, known: Known): ThreadLine {
  const claim = claimOn(thread, known.claims);
  return {
    ...thread,
    whose: whoseIs(thread, known, claim),
    route: claim?.holder?.route,
    heldMs: claim?.holder?.ageMs,
    pool: claim?.pool ?? thread.pool,
    poolState: claim?.state,
    transactionMs: known.look.transactions?.find(({ threadId }) => threadId === thread.id)?.ageMs,
  };
}

/** What told the server its program, and not the name of a pool, has none of Handback's. */
function whoseIs({ id, pool, program }: Thread, { look, complete }: Known, claim: Claim | undefined): Whose {
  if (id === look.ownId) return 'own';
  if (claim) return claim.holder ? 'route' : 'pool';
  if (pool !== undefined) return 'program';
  return complete || program !== undefined ? 'foreign' : 'unknown';
}

function busiestFirst(a: ThreadLine, b: ThreadLine): number {
  const rank = ({ command, whose }: ThreadLine) => (command !== 'Sleep' ? 0 : whose === 'route' ? 1 : 2);
  return rank(a) - rank(b) || b.ageMs - a.ageMs || a.id - b.id;
}
