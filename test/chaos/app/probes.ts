import type { Row, Statements } from './contender.js';

// What a session looks like to whoever comes next. `shallow` holds no variable, so that a pool that reads statements
// finds it plain, and the clean way back is exercised too.

const SHALLOW = {
  id: 'CONNECTION_ID()',
  // Connection ids begin anew with the server: the second that it started in tells them apart.
  server: 'FLOOR(UUID_SHORT() / 16777216)',
  schema: 'DATABASE()',
  charset: "CHARSET('a')",
  shadow: '(SELECT MAX(n) FROM shadow)',
};

const WHOLE = {
  ...SHALLOW,
  lease: '@lease',
  assigned: '@assigned',
  selected: '@selected',
  inTransaction: '@@in_transaction',
  autocommit: '@@autocommit',
  isolation: '@@tx_isolation',
  readOnly: '@@tx_read_only',
  sqlMode: '@@sql_mode',
  client: '@@character_set_client',
  results: '@@character_set_results',
  collation: '@@collation_connection',
  timeZone: '@@time_zone',
  lock: "IS_USED_LOCK(CONCAT('chaos', CONNECTION_ID())) <=> CONNECTION_ID()",
  statementTime: '@@max_statement_time',
  foreignKeys: '@@foreign_key_checks',
  unique: '@@unique_checks',
  lockWait: '@@innodb_lock_wait_timeout',
  concat: '@@group_concat_max_len',
  clock: '@@timestamp < 1000001',
  insertId: '@@insert_id',
};

const listOf = (probes: Record<string, string>) =>
  Object.entries(probes)
    .map(([name, sql]) => `${sql} AS \`${name}\``)
    .join(', ');

export const shallowProbes = listOf(SHALLOW);
export const wholeProbes = listOf(WHOLE);

/** Those that differ from session to session for good reasons. */
const OWN = new Set(['id', 'server', 'nonce']);

/** What differs from a fresh session, in words; empty when nothing does. */
export function stainsIn(seen: Row, fresh: Row, inTransaction: boolean): string[] {
  const expected: Row = { ...fresh, ...(inTransaction && 'inTransaction' in fresh && { inTransaction: 1 }) };
  return Object.keys(seen)
    .filter((name) => !OWN.has(name) && String(seen[name]) !== String(expected[name]))
    .map((name) => `${name} = ${seen[name]} instead of ${expected[name]}`);
}

const UNKNOWN_TABLE = 1109;

/** ER_LOCK… and their like: what a statement of ours can only meet through the state that somebody else has left. */
const FOREIGN_ERRORS: Record<number, string> = {
  1099: 'a table is locked for reading by this session',
  1100: 'this session has locked other tables',
  1399: 'this session is in an XA transaction',
  1568: 'this session is in a transaction',
  1792: 'this session or transaction is read only',
};

export function foreignErrorOf(error: unknown): string | undefined {
  const { errno, message } = (error ?? {}) as { errno?: number; message?: string };
  if (errno === UNKNOWN_TABLE && message?.includes('information_schema'))
    return 'this session uses another schema';
  return FOREIGN_ERRORS[Number(errno)];
}

const UNKNOWN_STATEMENT = 1243;

/** The ones that only a try can show. Outside of transactions. */
export async function deepStains(
  session: Pick<Statements, 'query'> & { begin(): Promise<void>; rollback(): Promise<void> },
) {
  const stains: string[] = [];
  await session.begin();
  const written = session.query('UPDATE scratch SET n = n WHERE id = -1');
  await written.catch((error) => {
    if (!foreignErrorOf(error)) throw error;
    stains.push(`the first transaction is refused: ${error.errno}`);
  });
  await session.rollback();
  if (await succeeds(session, 'HANDLER left_open READ FIRST', UNKNOWN_TABLE))
    stains.push('a HANDLER is open');
  if (await succeeds(session, 'EXECUTE left_behind', UNKNOWN_STATEMENT))
    stains.push('a statement is prepared');
  return stains;
}

/** @throws what else it fails with than the error that is expected on a clean session */
async function succeeds(
  { query }: Pick<Statements, 'query'>,
  sql: string,
  expected: number,
): Promise<boolean> {
  try {
    await query(sql);
    return true;
  } catch (error) {
    if ((error as { errno?: number }).errno === expected) return false;
    throw error;
  }
}
