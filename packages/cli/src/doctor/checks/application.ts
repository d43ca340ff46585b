import { count, duration, plural } from '../../durations.js';
import type { Finding } from '../../findings.js';
import type { ApplicationPool } from '../application.js';
import { firstOf } from '../names.js';
import type { Picture } from '../picture.js';

/** What the pools of the application say of themselves: who has the connections there. */
export function applicationPools({
  pools,
  expectations,
}: Pick<Picture, 'pools' | 'expectations'>): Finding[] {
  return pools.flatMap((pool, at) => [
    exhaustion(pool),
    // 0 = held for as long as anybody likes.
    ...(expectations[at]?.leakAfterMs ? [holders(pool, expectations[at].leakAfterMs)] : []),
    history(pool),
  ]);
}

function label({ name }: ApplicationPool): string {
  return name === 'default' ? 'the pool' : `the pool ${name}`;
}

function gauges({ stats }: ApplicationPool): string {
  const names = ['max', 'leased', 'idle', 'opening', 'ghost', 'pending'];
  return names.map((name) => `${name} ${count(stats[name] ?? 0)}`).join(', ');
}

function exhaustion(pool: ApplicationPool): Finding {
  const { max = 0, leased = 0, pending = 0 } = pool.stats;
  const waiting = pending > 0;
  const full = leased >= max;
  return {
    id: 'pool-exhausted',
    severity: waiting ? 'warning' : full ? 'info' : 'ok',
    title: waiting
      ? `${plural(pending, 'acquire')} ${pending === 1 ? 'waits' : 'wait'} for a connection of ${label(pool)}`
      : `${label(pool)} has ${count(leased)} of ${count(max)} connections out`,
    evidence: [gauges(pool), ...firstOf(pool.holders, describeHolder)],
    change: waiting
      ? pool.holders.length > 0
        ? 'shorten what the holders above do with their connection; a larger max moves the queue into the database'
        : 'see who holds the connections: answer with { stats: pool.stats(), holders: pool.holders() } at this url'
      : undefined,
  };
}

function describeHolder({ route, ageMs, statement, threadId }: ApplicationPool['holders'][number]): string {
  const thread = threadId === undefined ? '' : ` as #${threadId}`;
  return `${route} holds one${thread} for ${duration(ageMs)}${statement === undefined ? '' : `: ${statement}`}`;
}

function holders(pool: ApplicationPool, leakAfterMs: number): Finding {
  const long = pool.holders.filter(({ ageMs }) => ageMs >= leakAfterMs);
  const found = long.length > 0;
  return {
    id: 'pool-holders',
    severity: found ? 'warning' : 'ok',
    title: found
      ? `${plural(long.length, 'connection')} of ${label(pool)} held for ${duration(leakAfterMs)} or longer`
      : `nobody holds a connection of ${label(pool)} for ${duration(leakAfterMs)}`,
    evidence: firstOf(long, describeHolder),
    change: found
      ? 'hand back before waiting for something else: `release()`, or idleHandBackMs on that route'
      : undefined,
  };
}

/** Counters that stay at 0 in a pool that is well, with what to do about each. */
const COUNTERS: readonly (readonly [string, string, string])[] = [
  [
    'timedOut',
    'acquires met their deadline',
    'more room or shorter work: see who holds connections when it happens',
  ],
  [
    'shed',
    'acquires were refused because of load',
    'more room or shorter work: see who holds connections when it happens',
  ],
  ['leaked', 'leases were held for too long', 'the log names their routes (warning LEAK)'],
  ['rolledBack', 'transactions were left open', 'commit() before the answer ends, or `transaction(fn)`'],
  ['queryTimedOut', 'statements were killed at queryTimeoutMs', 'the log names them'],
];

function history(pool: ApplicationPool): Finding {
  const found = COUNTERS.filter(([name]) => (pool.stats[name] ?? 0) > 0);
  return {
    id: 'pool-history',
    severity: found.length > 0 ? 'info' : 'ok',
    title:
      found.length > 0
        ? `since its start ${label(pool)} had trouble`
        : `since its start nobody was turned away by ${label(pool)}, and nothing was left open`,
    evidence: found.map(([name, meaning]) => `${name} ${count(pool.stats[name] ?? 0)}: ${meaning}`),
    change: found.length > 0 ? [...new Set(found.map(([, , change]) => change))].join('; ') : undefined,
  };
}
