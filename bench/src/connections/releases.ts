import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '@handback/contract/support/eventually.js';
import { TcpProxy } from '@handback/contract/support/tcp-proxy.js';
import { type ConnectionPool, createPool, type PoolOptions } from '@handback/core';
import { createPool as createMariadb } from 'mariadb';
import { createPool as createMysql2 } from 'mysql2/promise';

/** What a use of a connection does, on a connection of any driver here. */
export interface Using {
  query(sql: string, values?: number[]): Promise<unknown>;
  execute(sql: string, values?: number[]): Promise<unknown>;
  transaction(work: (tx: Pick<Using, 'query'>) => Promise<unknown>): Promise<unknown>;
}

/** One use from acquire to release, and how many commands it asks for itself. */
export interface Use {
  readonly asks: number;
  run(on: Using): Promise<unknown>;
}

/** A pool whose uses come one after the other, so that what follows a release can be told from what comes next. */
export interface UsedPool {
  use(use: Use): Promise<void>;
  close(): Promise<unknown>;
}

export type OpenUsed = (url: string) => UsedPool;

const UPDATE = 'UPDATE items SET price = price + 1 WHERE id = ?';

/** Each kind as often as the others. */
export const plainUses: readonly Use[] = [
  { asks: 1, run: (on) => on.query('SELECT * FROM items WHERE id = ?', [7]) },
  { asks: 1, run: (on) => on.query("INSERT INTO written VALUES (NULL, 'one more')") },
  { asks: 1, run: (on) => on.query(UPDATE, [8]) },
  { asks: 1, run: (on) => on.query('DELETE FROM written ORDER BY id LIMIT 1') },
  { asks: 1, run: (on) => on.execute('SELECT * FROM items WHERE id = ?', [9]) },
  {
    asks: 4,
    run: (on) =>
      on.transaction(async (tx) => {
        await tx.query(UPDATE, [1]);
        await tx.query(UPDATE, [2]);
      }),
  },
];

export const dirtyUses: readonly Use[] = [
  { asks: 1, run: (on) => on.query("SET SESSION sql_mode = 'ANSI_QUOTES'") },
  { asks: 1, run: (on) => on.query('SET @mine = 1') },
  { asks: 1, run: (on) => on.query('CREATE TEMPORARY TABLE IF NOT EXISTS mine (id INT)') },
  { asks: 1, run: (on) => on.query("SELECT GET_LOCK('mine', 0)") },
];

export const schemaUse: Use = { asks: 1, run: (on) => on.query('USE information_schema') };

export const writtenTable =
  'CREATE TABLE IF NOT EXISTS written (id INT AUTO_INCREMENT PRIMARY KEY, text VARCHAR(20))';

/** What went over the wire on behalf of the pool, and not of its user. */
export interface Extra {
  /** Round trips per release. */
  readonly perRelease: number;
  /** Of those: COM_RESET_CONNECTION. */
  readonly resets: number;
}

/** Runs each of the uses so many times, and counts what they did not ask for. */
export async function extraRoundTrips(
  url: string,
  open: OpenUsed,
  uses: readonly Use[],
  times: number,
): Promise<Extra> {
  const proxy = await TcpProxy.inFrontOf(url);
  const pool = open(proxy.url(url));
  try {
    // What is learned, and prepared, once.
    for (const use of uses) await pool.use(use);
    await sleep(50);
    proxy.mark();
    for (let i = 0; i < times; i++) for (const use of uses) await pool.use(use);
    // The last of them is cleaned too.
    await sleep(50);
    const { reset = 0, ...commands } = proxy.traffic.commands;
    const sent = Object.values(commands).reduce((sum, count) => sum + count, reset);
    const asked = times * uses.reduce((sum, { asks }) => sum + asks, 0);
    const releases = times * uses.length;
    return { perRelease: (sent - asked) / releases, resets: reset / releases };
  } finally {
    await pool.close();
    await proxy.close();
  }
}

export const usedHandback =
  (options: PoolOptions = {}): OpenUsed =>
  (uri) => {
    const pool = createPool({ uri, ...options });
    return {
      async use({ run }) {
        await pool.run((db) => run(db));
        await returned(pool);
      },
      close: () => pool.close(),
    };
  };

/** What is cleaned after the release is clean again. */
function returned(pool: ConnectionPool): Promise<void> | undefined {
  const { idle } = pool.stats();
  if (idle === 1) return undefined;
  return eventually(() => {
    if (pool.stats().idle !== 1) throw new Error('the connection has not come back');
  });
}

export const usedMysql2 =
  (options: Record<string, unknown> = {}): OpenUsed =>
  (uri) =>
    usedPeer(createMysql2({ uri, connectionLimit: 1, ...options }));

export const usedMariadb =
  (options: Record<string, unknown> = {}): OpenUsed =>
  (url) => {
    const { hostname: host, port, username: user, password, pathname } = new URL(url);
    const pool = createMariadb({
      ...{ host, port: Number(port), user, password: decodeURIComponent(password) },
      ...{ database: pathname.slice(1), connectionLimit: 1, ...options },
    });
    return usedPeer(pool);
  };

interface ByHand extends Pick<Using, 'query' | 'execute'> {
  beginTransaction(): Promise<void>;
  commit(): Promise<void>;
}

interface PeerPool {
  getConnection(): Promise<ByHand & { release(): Promise<void> | void }>;
  end(): Promise<unknown>;
}

function usedPeer(pool: PeerPool): UsedPool {
  return {
    async use({ run }) {
      const connection = await pool.getConnection();
      try {
        await run(using(connection));
      } finally {
        await connection.release();
      }
    },
    close: () => pool.end(),
  };
}

function using(connection: ByHand): Using {
  return {
    query: (sql, values) => connection.query(sql, values),
    execute: (sql, values) => connection.execute(sql, values),
    transaction: (work) => byHand(connection, work),
  };
}

async function byHand(connection: ByHand, work: (tx: ByHand) => Promise<unknown>): Promise<void> {
  await connection.beginTransaction();
  await work(connection);
  await connection.commit();
}
