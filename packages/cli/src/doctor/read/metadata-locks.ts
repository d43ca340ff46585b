import type { Row } from '../../session.js';
import type { MetadataWait, ServerFacts, Thread, Transaction } from '../picture.js';
import { hasPerformanceSchema } from './programs.js';
import { integer, type Readings, text } from './readings.js';

/** `Waiting for table metadata lock`, `… schema metadata lock`, `… global read lock`, `… backup lock`, … */
const WAITS = /^Waiting for .*\block\b/i;
/** Locks inside a table are the engine's. */
const OF_THE_ENGINE = /row lock|table level lock/i;

interface Lock {
  readonly threadId: number;
  /** `schema.table`; undefined for the server's global locks. */
  readonly object: string | undefined;
  readonly granted: boolean;
}

const FROM_PERFORMANCE_SCHEMA = `SELECT t.PROCESSLIST_ID AS threadId, m.OBJECT_SCHEMA AS inSchema,
  m.OBJECT_NAME AS name, m.LOCK_STATUS = 'GRANTED' AS granted
  FROM performance_schema.metadata_locks m
  JOIN performance_schema.threads t ON t.THREAD_ID = m.OWNER_THREAD_ID
  WHERE m.OBJECT_TYPE = 'TABLE' AND t.PROCESSLIST_ID IS NOT NULL`;
const FROM_PLUGIN = `SELECT THREAD_ID AS threadId, TABLE_SCHEMA AS inSchema, TABLE_NAME AS name, 1 AS granted
  FROM information_schema.METADATA_LOCK_INFO WHERE LOCK_TYPE = 'Table metadata lock'`;

const WHO_HOLDS =
  'who holds the metadata locks that others wait for; named are those who may (open transactions)';

/** Who waits for a metadata lock: DDL, and everybody who came to the table after it. Asks nothing where nobody does. */
export async function readMetadataWaits(
  readings: Readings,
  server: ServerFacts,
  threads: readonly Thread[],
  transactions: readonly Transaction[] | null,
): Promise<MetadataWait[]> {
  const waiters = threads.filter(({ state }) => WAITS.test(state) && !OF_THE_ENGINE.test(state));
  if (waiters.length === 0) return [];
  const locks = await readLocks(readings, server);
  return locks ? waitsFrom(locks, waiters) : guesses(waiters, threads, transactions ?? []);
}

/** null = the server has no list of them for us. */
async function readLocks(readings: Readings, server: ServerFacts): Promise<Lock[] | null> {
  const { isMariaDb } = server;
  const listed = hasPerformanceSchema(server) ? await readings.want(FROM_PERFORMANCE_SCHEMA) : null;
  // Empty while somebody waits: the instrument is off, which is MariaDB's default.
  if (listed?.some((row) => integer(row.granted) === 0)) return listed.map(lockOf);
  const ofPlugin = isMariaDb ? await readings.want(FROM_PLUGIN) : null;
  if (ofPlugin) return ofPlugin.map(lockOf);
  readings.unseen.push({
    what: WHO_HOLDS,
    why: 'neither performance_schema.metadata_locks nor the plugin METADATA_LOCK_INFO shows them to this account',
    remedy: isMariaDb
      ? "INSTALL SONAME 'metadata_lock_info', which takes effect at once"
      : 'GRANT SELECT ON performance_schema.* TO this account',
  });
  return null;
}

function lockOf(row: Row): Lock {
  const name = text(row.name);
  return {
    threadId: integer(row.threadId),
    object: name === '' ? undefined : `${text(row.inSchema)}.${name}`,
    granted: integer(row.granted) === 1,
  };
}

function waitsFrom(locks: readonly Lock[], waiters: readonly Thread[]): MetadataWait[] {
  const waiting = new Set(waiters.map(({ id }) => id));
  return waiters.map((waiter) => {
    const asked = locks.find(({ threadId, granted }) => threadId === waiter.id && !granted)?.object;
    const objects = asked === undefined ? objectsNamedBy(waiter, locks) : [asked];
    // Who waits too, behind another, holds nothing up that would not go on by itself.
    const holding = locks.filter(
      ({ threadId, object, granted }) =>
        granted && object !== undefined && objects.includes(object) && !waiting.has(threadId),
    );
    return {
      waiter: waiter.id,
      waitedMs: waiter.ageMs,
      object: holding[0]?.object ?? objects[0],
      holders: [...new Set(holding.map(({ threadId }) => threadId))],
      certain: holding.length > 0,
    };
  });
}

/** The plugin does not say what a thread waits for: a table that its statement names, and somebody has locked. */
function objectsNamedBy({ statement = '', database }: Thread, locks: readonly Lock[]): string[] {
  const words = new Set(statement.toLowerCase().match(/[\p{L}\p{N}_$-]+/gu) ?? []);
  const objects = new Set(locks.flatMap(({ object }) => (object === undefined ? [] : [object])));
  return [...objects].filter((object) => {
    const dot = object.indexOf('.');
    const [inSchema, name] = [object.slice(0, dot).toLowerCase(), object.slice(dot + 1).toLowerCase()];
    return words.has(name) && (inSchema === database?.toLowerCase() || words.has(inSchema));
  });
}

/** Without a list: the oldest open transactions that do not wait themselves; most likely one in the same schema. */
function guesses(
  waiters: readonly Thread[],
  threads: readonly Thread[],
  transactions: readonly Transaction[],
): MetadataWait[] {
  const waiting = new Set(waiters.map(({ id }) => id));
  const candidates = transactions
    .filter(({ threadId }) => !waiting.has(threadId))
    .toSorted((a, b) => b.ageMs - a.ageMs)
    .map(({ threadId }) => threads.find(({ id }) => id === threadId))
    .filter((thread) => thread !== undefined);
  return waiters.map((waiter) => {
    const inSchema = candidates.filter(({ database }) => database === waiter.database);
    const holders = (inSchema.length > 0 ? inSchema : candidates).map(({ id }) => id);
    return { waiter: waiter.id, waitedMs: waiter.ageMs, object: undefined, holders, certain: false };
  });
}
