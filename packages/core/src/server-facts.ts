import type { Ask, ServerFacts } from './driver.js';
import { EMPTY_SCHEMAS, SchemaReach, SYSTEM_SCHEMAS } from './schema-reach.js';

/** One round trip. */
export async function readServerFacts(ask: Ask): Promise<ServerFacts> {
  const [row = {}] = await ask(
    'SELECT VERSION() AS version, @@sql_mode AS sqlMode, @@wait_timeout AS waitTimeout, @@interactive_timeout AS interactiveTimeout,' +
      ' @@max_connections AS maxConnections, @@max_user_connections AS maxUserConnections, @@port AS port',
  );
  const version = String(row.version);
  return {
    version,
    sqlMode: String(row.sqlMode ?? ''),
    isMariaDb: isMariaDb(version),
    waitTimeoutMs: Number(row.waitTimeout) * 1_000,
    interactiveTimeoutMs: Number(row.interactiveTimeout) * 1_000,
    maxConnections: Number(row.maxConnections),
    maxUserConnections: Number(row.maxUserConnections),
    port: Number(row.port),
  };
}

function isMariaDb(version: string): boolean {
  return /mariadb/i.test(version);
}

const NOT_LOOKED_INTO = [...SYSTEM_SCHEMAS, ...EMPTY_SCHEMAS].map((name) => `'${name}'`).join(', ');

/** Reading it opens every table of the account: on the server each statement ends after a second. */
function bounded(select: string, mariaDb: boolean): string {
  if (mariaDb) return `SET STATEMENT max_statement_time = 1 FOR SELECT ${select}`;
  return `SELECT /*+ MAX_EXECUTION_TIME(1000) */ ${select}`;
}

/** Since MDEV-37474 MariaDB shows triggers to those who may write to their table, with NULL in place of the text. */
const TRIGGER_TEXT_IS_NULLABLE = `(SELECT IS_NULLABLE FROM information_schema.COLUMNS
  WHERE TABLE_SCHEMA = 'information_schema' AND TABLE_NAME = 'TRIGGERS' AND COLUMN_NAME = 'ACTION_STATEMENT')`;

/** MariaDB's defaults may assign a variable, or take a sequence's next value, which the session then knows. */
const TELLING_DEFAULTS = `DISTINCT TABLE_SCHEMA AS inSchema, TABLE_NAME AS onTable FROM information_schema.COLUMNS
  WHERE TABLE_SCHEMA NOT IN (${NOT_LOOKED_INTO})
  AND (COLUMN_DEFAULT LIKE '%nextval(%' OR COLUMN_DEFAULT LIKE '%@%:=%')`;

/** Six round trips. Rejects when one of them does, a statement that took too long included. */
export async function readSchemaReach(ask: Ask): Promise<SchemaReach> {
  const [session = {}] = await ask(
    'SELECT VERSION() AS version, DATABASE() AS defaultSchema, @@sql_mode AS sqlMode',
  );
  const mariaDb = isMariaDb(String(session.version));
  // Where it can't be asked, nothing counts as granted.
  const grants = await ask('SHOW GRANTS').catch(() => []);
  const schemas = await ask(
    bounded(
      `SCHEMA_NAME AS name, ${TRIGGER_TEXT_IS_NULLABLE} AS hidesText FROM information_schema.SCHEMATA
       WHERE SCHEMA_NAME NOT IN (${NOT_LOOKED_INTO})`,
      mariaDb,
    ),
  );
  const triggers = await ask(
    bounded(
      `DISTINCT EVENT_OBJECT_SCHEMA AS inSchema, EVENT_OBJECT_TABLE AS onTable FROM information_schema.TRIGGERS
       WHERE EVENT_OBJECT_SCHEMA NOT IN (${NOT_LOOKED_INTO})`,
      mariaDb,
    ),
  );
  const views = await ask(
    bounded(
      `TABLE_SCHEMA AS inSchema, TABLE_NAME AS name, VIEW_DEFINITION AS definition FROM information_schema.VIEWS
       WHERE TABLE_SCHEMA NOT IN (${NOT_LOOKED_INTO})`,
      mariaDb,
    ),
  );
  const defaults = mariaDb ? await ask(bounded(TELLING_DEFAULTS, mariaDb)).catch(nothingIfRefused) : [];
  return SchemaReach.from({
    triggers: triggers.map((row) => ({ schema: text(row.inSchema), table: text(row.onTable) })),
    defaults: defaults.map((row) => ({ schema: text(row.inSchema), table: text(row.onTable) })),
    views: views.map((row) => ({
      schema: text(row.inSchema),
      name: text(row.name),
      definition: text(row.definition),
    })),
    schemas: schemas.map((row) => text(row.name)),
    grants: grants.flatMap((row) => Object.values(row).map(text)),
    defaultSchema: text(session.defaultSchema) || null,
    sqlMode: text(session.sqlMode),
    writersSeeTriggers: mariaDb && schemas.some((row) => row.hidesText === 'YES'),
  });
}

/** Of too many columns: it is rare, and the price would be a reset of every session. */
function nothingIfRefused(error: Error & { sqlState?: string }): Record<string, unknown>[] {
  if (error.sqlState === undefined) throw error;
  return [];
}

function text(value: unknown): string {
  return value === null || value === undefined ? '' : String(value);
}

const SAFETY_MS = 45_000;
const LEAST_SHARE = 0.25;

/** The longest that a connection may lie unused, so that the pool closes it before the server does. */
export function idleLimitMs(facts: ServerFacts, idleTimeoutMs: number): number {
  const limit = Math.max(facts.waitTimeoutMs - SAFETY_MS, facts.waitTimeoutMs * LEAST_SHARE);
  return idleTimeoutMs === 0 ? limit : Math.min(idleTimeoutMs, limit);
}

interface Settings {
  readonly max: number;
  readonly idleTimeoutMs: number;
}

/** Where the options contradict the server: a sentence each, with the arithmetic. */
export function contradictions(facts: ServerFacts, settings: Settings): string[] {
  const found = [idleContradiction(facts, settings), countContradiction(facts, settings)];
  return found.filter((sentence) => sentence !== null);
}

function idleContradiction(facts: ServerFacts, { idleTimeoutMs }: Settings): string | null {
  const used = idleLimitMs(facts, idleTimeoutMs);
  if (idleTimeoutMs <= used) return null;
  const wait = facts.waitTimeoutMs;
  const rule =
    used === wait - SAFETY_MS ? `${wait} - ${SAFETY_MS} = ${used} ms` : `25 % of ${wait} = ${used} ms`;
  return `idleTimeoutMs ${idleTimeoutMs} > ${rule}, the most that wait_timeout ${wait / 1_000} s leaves; ${used} ms is used instead`;
}

/** How many processes with such a pool find room: how many there are, the pool can't know. */
export function roomFor(facts: ServerFacts, max: number): string {
  const { limit } = limitOf(facts);
  const pools = Math.floor(limit / (max + 1));
  return `room for ${pools} such ${pools === 1 ? 'pool' : 'pools'} (max ${max} + 1 control connection)`;
}

function limitOf({ maxConnections, maxUserConnections }: ServerFacts): {
  limit: number;
  perAccount: boolean;
} {
  const perAccount = maxUserConnections > 0 && maxUserConnections < maxConnections;
  return { limit: perAccount ? maxUserConnections : maxConnections, perAccount };
}

function countContradiction(facts: ServerFacts, { max }: Settings): string | null {
  const { limit, perAccount } = limitOf(facts);
  if (max + 1 <= limit) return null;
  const name = perAccount ? 'max_user_connections' : 'max_connections';
  return `max ${max} + 1 control connection = ${max + 1} > ${name} ${limit} of the ${perAccount ? 'account' : 'server'}; lower max to ${Math.max(1, limit - 1)} or raise ${name}`;
}
