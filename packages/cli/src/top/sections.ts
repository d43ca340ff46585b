import { count, duration, percent, plural } from '../durations.js';
import type { Column } from '../table.js';
import type { Lost } from './server-watch.js';
import type { PoolLine, RouteLine, ServerLine, ThreadLine, View } from './view.js';

/** A table with its title; without rows the sentence in its place. */
export interface Section {
  readonly title: string;
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly string[])[];
  readonly empty: string;
}

const right = (title: string): Column => ({ title, align: 'right' });

/** How full the server is, in one line. */
export function fullness({ connected, maxConnections, running, mostEver }: ServerLine): string {
  const share =
    connected === undefined || maxConnections === undefined
      ? ''
      : `${count(connected)} of ${count(maxConnections)} connections (${percent(connected, maxConnections)})`;
  const parts = [
    share,
    running === undefined ? '' : `${count(running)} running`,
    mostEver === undefined ? '' : `${count(mostEver)} at most so far`,
  ];
  return parts.filter((part) => part !== '').join(', ');
}

/** What this view can't show, and what would. */
export function blindSpots(view: View, hasApps: boolean): string[] {
  const { server, threads, notFound, complete } = view;
  const spots: string[] = [];
  if (!server.seesAllThreads) {
    const seen =
      server.connected === undefined ? '' : ` (${count(threads.length)} of ${count(server.connected)})`;
    spots.push(`Only threads of this account are seen${seen}; GRANT PROCESS ON *.* to it shows the others.`);
  }
  if (notFound > 0) {
    spots.push(
      `${plural(notFound, 'connection')} of the applications not among the threads seen: hidden from this account, just closed, or on another server.`,
    );
  }
  if (hasApps && !complete)
    spots.push(
      'Not all applications told of their connections (pool.connections()): what is not ours is not known.',
    );
  if (!hasApps) spots.push('Without --app nobody says which route holds a connection.');
  return spots;
}

/** After a failure to ask the server. */
export function lostLine({ error, retryInMs }: Lost): string {
  return `${error}; asked again in ${duration(retryInMs)}`;
}

export function sectionsOf(view: View, hasApps: boolean): Section[] {
  const threads = threadSection(view.threads);
  return hasApps ? [poolSection(view.pools), routeSection(view.routes), threads] : [threads];
}

function poolSection(pools: readonly PoolLine[]): Section {
  return {
    title: `Pools (${pools.length})`,
    columns: [
      { title: 'pool' },
      { title: 'application' },
      right('pid'),
      right('max'),
      right('leased'),
      right('idle'),
      right('opening'),
      right('other'),
      right('pending'),
      right('wait'),
      right('leases/s'),
      right('timed out'),
      right('shed'),
    ],
    rows: pools.map(poolRow),
    empty: 'No application answered with a pool.',
  };
}

function poolRow(line: PoolLine): string[] {
  const { pool, app, pid, max, leased, idle, opening, other, pending, waitMs, perSecond, timedOut, shed } =
    line;
  return [
    pool,
    app,
    pid === undefined ? '-' : String(pid),
    ...[max, leased, idle, opening, other, pending].map(count),
    waitMs === undefined ? '-' : duration(waitMs),
    perSecond === undefined ? '-' : perSecond.toFixed(perSecond < 10 ? 1 : 0),
    count(timedOut),
    count(shed),
  ];
}

function routeSection(routes: readonly RouteLine[]): Section {
  const held = routes.reduce((sum, route) => sum + route.held, 0);
  return {
    title: `Holders (${count(held)})`,
    columns: [{ title: 'route' }, { title: 'pool' }, right('held'), right('oldest'), { title: 'statements' }],
    rows: routes.map(({ route, pool, held, oldestMs, statements }) => [
      route,
      pool,
      count(held),
      duration(oldestMs),
      statements.length === 0 ? '(none yet)' : statements.join(' | '),
    ]),
    empty: 'Nobody holds a connection.',
  };
}

function threadSection(threads: readonly ThreadLine[]): Section {
  return {
    title: `Threads (${count(threads.length)})`,
    columns: [
      right('id'),
      { title: 'user' },
      { title: 'host' },
      { title: 'state' },
      right('for'),
      right('trx'),
      { title: 'whose' },
      { title: 'statement' },
    ],
    rows: threads.map((thread) => [
      String(thread.id),
      thread.user,
      thread.port === undefined ? thread.host : `${thread.host}:${thread.port}`,
      stateOf(thread),
      duration(thread.ageMs),
      thread.transactionMs === undefined ? '' : duration(thread.transactionMs),
      whose(thread),
      thread.statement ?? '',
    ]),
    empty: 'None is seen.',
  };
}

function stateOf({ command, state }: ThreadLine): string {
  return state === '' || command === 'Sleep' ? command : `${command}: ${state}`;
}

function whose({ whose, route, heldMs, pool, poolState, program, pid }: ThreadLine): string {
  switch (whose) {
    case 'own':
      return 'this view';
    case 'route':
      return `${route} for ${duration(heldMs ?? 0)}`;
    case 'pool':
      return `${pool}: ${poolState ?? 'ours'}`;
    case 'program':
      return `pool ${pool}${pid === undefined ? '' : `, pid ${pid}`}`;
    case 'unknown':
      return 'not known';
    case 'foreign':
      return program === undefined ? 'not ours' : `not ours: ${program}`;
  }
}
