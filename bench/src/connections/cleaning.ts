import { createConnection } from 'mysql2/promise';
import type { Figure } from '../figure.js';
import type { Stage } from '../part.js';
import {
  dirtyUses,
  type Extra,
  extraRoundTrips,
  type OpenUsed,
  plainUses,
  schemaUse,
  type Use,
  usedHandback,
  usedMariadb,
  usedMysql2,
  writtenTable,
} from './releases.js';

const TIMES = 100;
/** Statements of `onConnect`, where there are some. */
const ON_CONNECT = ["SET SESSION time_zone = '+00:00'", 'SET SESSION lock_wait_timeout = 10'];

const pools: Readonly<Record<string, OpenUsed>> = {
  Handback: usedHandback(),
  mysql2: usedMysql2(),
  'mysql2, resetOnRelease': usedMysql2({ resetOnRelease: true }),
  mariadb: usedMariadb(),
  'mariadb, resetAfterUse': usedMariadb({ resetAfterUse: true }),
};

/** Row 10, on the wire: what goes to the server at a release. */
export async function cleaning(url: string, { progress }: Stage): Promise<Figure[]> {
  await execute(url, writtenTable);
  const plain: Record<string, number> = {};
  const dirty: Record<string, Extra> = {};
  for (const [name, open] of Object.entries(pools)) {
    const { perRelease } = await extraRoundTrips(url, open, plainUses, TIMES);
    // Round trips are whole: at most so many releases had one.
    plain[name] = 1 - Math.min(1, perRelease);
    dirty[name] = await extraRoundTrips(url, open, dirtyUses, TIMES / 10);
    progress(`at a release, ${name}: ${(plain[name] * 100).toFixed(1)} % of plain ones without a round trip`);
  }
  const once = (options: Parameters<typeof usedHandback>[0], use: Use) =>
    extraRoundTrips(url, usedHandback(options), [use], TIMES / 10);
  const [setUser] = dirtyUses.slice(1);
  const replayed = {
    variable: await once({}, setUser as Use),
    schema: await once({}, schemaUse),
    onConnect: await once({ onConnect: ON_CONNECT }, setUser as Use),
  };
  return figuresOf(plain, dirty, replayed);
}

async function execute(url: string, sql: string): Promise<void> {
  const connection = await createConnection({ uri: url });
  try {
    await connection.query(sql);
  } finally {
    await connection.end();
  }
}

function figuresOf(
  plain: Record<string, number>,
  dirty: Record<string, Extra>,
  replayed: Record<'variable' | 'schema' | 'onConnect', Extra>,
): Figure[] {
  const split = (values: Record<string, number>) => {
    const { Handback: handback = Number.NaN, ...peers } = values;
    return { handback, peers };
  };
  const each = (pick: (extra: Extra) => number) =>
    split(Object.fromEntries(Object.entries(dirty).map(([name, extra]) => [name, pick(extra)])));
  const { variable, schema, onConnect } = replayed;
  return [
    {
      row: 10,
      id: 'release-clean',
      metric: 'plain releases without a round trip (SELECT, INSERT, UPDATE, DELETE, execute, transaction)',
      unit: 'share',
      ...split(plain),
      target: { atLeast: 0.99 },
      note: 'Counted on the wire. mysql2 never cleans by default: what a use leaves, the next one finds.',
    },
    {
      row: 10,
      id: 'release-dirty-resets',
      metric: 'COM_RESET_CONNECTION per dirty release (SET, @variable, temporary table, GET_LOCK)',
      unit: 'count',
      ...each(({ resets }) => resets),
      target: { atLeast: 1, atMost: 1 },
    },
    {
      row: null,
      id: 'release-dirty-round-trips',
      metric: 'the same: all round trips per dirty release',
      unit: 'count',
      ...each(({ perRelease }) => perRelease),
      raw: { dirty, replayed },
    },
    {
      row: null,
      id: 'release-replay-on-connect',
      metric: `round trips on top for ${ON_CONNECT.length} statements of onConnect, per dirty release`,
      unit: 'count',
      handback: onConnect.perRelease - variable.perRelease,
      peers: {},
    },
    {
      row: null,
      id: 'release-replay-use',
      metric: 'round trips per release after USE of another schema',
      unit: 'count',
      handback: schema.perRelease,
      peers: {},
    },
  ];
}
