import { createPool } from '@handback/core';
import { createPool as createMariadb } from 'mariadb';
import { createConnection } from 'mysql2';
import { createPool as createMysql2 } from 'mysql2/promise';
import { taskOf } from '../measure/child.js';
import { median } from '../measure/median.js';

// A connection is used, used and reset, and a plain one is pinged, in turn: what each costs this process.

export interface ResetTask {
  kind: 'handback' | 'mysql2' | 'mariadb';
  url: string;
}

export interface Cost {
  cpuUs: number;
  wallUs: number;
}

/** Medians. */
export interface ResetCosts {
  /** One use from acquire to release, with a statement that leaves nothing behind. */
  plain: Cost;
  /** The same, and what it leaves is cleaned. */
  reset: Cost;
  /** COM_PING alone, on a connection of mysql2's without any pool. */
  ping: Cost;
  /** COM_RESET_CONNECTION alone, on the same connection. */
  bareReset: Cost;
}

type Uses = Record<'plain' | 'reset', Use>;

/** One use; the next waits until the connection is ready again. */
type Use = () => Promise<unknown>;

const BLOCKS = 15;
const USES = 100;
/** Both are answered by an OK alone; the second leaves something behind. */
const PLAIN = 'DELETE FROM bench.items WHERE id = 0';
const DIRTY = 'SET @mine = 1';

const task = taskOf<ResetTask>();

function usesOf({ kind, url }: ResetTask): Uses {
  if (kind === 'handback') return handbackUses(url);
  return kind === 'mysql2' ? mysql2Uses(url) : mariadbUses(url);
}

function handbackUses(uri: string): Uses {
  const pool = createPool({ uri, max: 1 });
  const use = (sql: string) => async () => {
    const lease = await pool.acquire();
    await lease.query(sql);
    lease.release();
  };
  return { plain: use(PLAIN), reset: use(DIRTY) };
}

function mysql2Uses(uri: string): Uses {
  const pool = createMysql2({ uri, connectionLimit: 1 });
  const resetting = createMysql2({ uri, connectionLimit: 1, resetOnRelease: true });
  const use = (on: typeof pool) => async () => {
    const connection = await on.getConnection();
    await connection.query(PLAIN);
    connection.release();
  };
  return { plain: use(pool), reset: use(resetting) };
}

function mariadbUses(url: string): Uses {
  const { hostname: host, port, username: user, password } = new URL(url);
  const facts = { host, port: Number(port), user, password: decodeURIComponent(password) };
  const pool = createMariadb({ ...facts, connectionLimit: 1 });
  const resetting = createMariadb({ ...facts, connectionLimit: 1, resetAfterUse: true });
  const use = (on: typeof pool) => async () => {
    const connection = await on.getConnection();
    await connection.query(PLAIN);
    await connection.release();
  };
  return { plain: use(pool), reset: use(resetting) };
}

async function block(use: Use): Promise<Cost> {
  const cpu = process.cpuUsage();
  const start = performance.now();
  for (let i = 0; i < USES; i++) await use();
  const wallMs = performance.now() - start;
  const { user, system } = process.cpuUsage(cpu);
  return { cpuUs: (user + system) / USES, wallUs: (wallMs * 1_000) / USES };
}

/** What the driver's types leave out, or take no callback for. */
type Bare = Record<'ping' | 'reset', (done: (error: Error | null) => void) => void>;

/** The same for all: what a command costs by itself, without a pool around it. */
function bareConnection({ url: uri }: ResetTask): Bare {
  return createConnection({ uri, maxPreparedStatements: 1 }) as unknown as Bare;
}

function bareUses(bare: ResetTask): Record<'ping' | 'bareReset', Use> {
  const connection = bareConnection(bare);
  const use = (command: keyof Bare) => () =>
    new Promise<void>((resolve, reject) => {
      connection[command]((error) => (error ? reject(error) : resolve()));
    });
  return { ping: use('ping'), bareReset: use('reset') };
}

async function measure(): Promise<ResetCosts> {
  const uses: Record<keyof ResetCosts, Use> = { ...usesOf(task), ...bareUses(task) };
  const costs: Record<keyof ResetCosts, Cost[]> = { plain: [], reset: [], ping: [], bareReset: [] };
  const names = Object.keys(costs) as (keyof ResetCosts)[];
  // The first two blocks are practice.
  for (let round = -2; round < BLOCKS; round++) {
    for (const name of names) {
      const cost = await block(uses[name]);
      if (round >= 0) costs[name].push(cost);
    }
  }
  const medianOf = (name: keyof ResetCosts): Cost => ({
    cpuUs: median(costs[name].map(({ cpuUs }) => cpuUs)),
    wallUs: median(costs[name].map(({ wallUs }) => wallUs)),
  });
  return {
    plain: medianOf('plain'),
    reset: medianOf('reset'),
    ping: medianOf('ping'),
    bareReset: medianOf('bareReset'),
  };
}

const costs = await measure();
process.stdout.write(`${JSON.stringify(costs)}\n`, () => process.exit());
