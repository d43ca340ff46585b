import { createPool } from '@handback/core';
import { createPool as createMariadb } from 'mariadb';
import { createPool as createMysql2 } from 'mysql2/promise';
import { taskOf } from '../measure/child.js';
import { median } from '../measure/median.js';

// One connection is used, used and pinged, used and reset, in turn: what each costs this process.

export interface ResetTask {
  kind: 'handback' | 'mysql2' | 'mariadb';
  url: string;
}

export interface Cost {
  cpuUs: number;
  wallUs: number;
}

/** Medians of one use from acquire to release, its statement included. */
export interface ResetCosts {
  plain: Cost;
  pinged: Cost;
  reset: Cost;
}

/** One use; the next waits until the connection is ready again. */
type Use = () => Promise<unknown>;

const BLOCKS = 15;
const USES = 100;
/** Both are answered by an OK alone; the second leaves something behind. */
const PLAIN = 'DELETE FROM items WHERE id = 0';
const DIRTY = 'SET @mine = 1';

const task = taskOf<ResetTask>();

function usesOf({ kind, url }: ResetTask): Record<keyof ResetCosts, Use> {
  if (kind === 'handback') return handbackUses(url);
  return kind === 'mysql2' ? mysql2Uses(url) : mariadbUses(url);
}

function handbackUses(uri: string): Record<keyof ResetCosts, Use> {
  const pool = createPool({ uri, max: 1 });
  // It pings before it hands out.
  const validating = createPool({ uri, max: 1, validate: 'always' });
  const use = (on: typeof pool, sql: string) => async () => {
    const lease = await on.acquire();
    await lease.query(sql);
    lease.release();
  };
  return {
    plain: use(pool, PLAIN),
    pinged: use(validating, PLAIN),
    reset: use(pool, DIRTY),
  };
}

function mysql2Uses(uri: string): Record<keyof ResetCosts, Use> {
  const pool = createMysql2({ uri, connectionLimit: 1 });
  const resetting = createMysql2({ uri, connectionLimit: 1, resetOnRelease: true });
  const use = (on: typeof pool, ping: boolean) => async () => {
    const connection = await on.getConnection();
    if (ping) await connection.ping();
    await connection.query(PLAIN);
    connection.release();
  };
  return { plain: use(pool, false), pinged: use(pool, true), reset: use(resetting, false) };
}

function mariadbUses(url: string): Record<keyof ResetCosts, Use> {
  const { hostname: host, port, username: user, password, pathname } = new URL(url);
  const facts = {
    ...{ host, port: Number(port), user, password: decodeURIComponent(password) },
    database: pathname.slice(1),
  };
  // By itself it pings what was unused for half a second; here nothing is.
  const pool = createMariadb({ ...facts, connectionLimit: 1 });
  const resetting = createMariadb({ ...facts, connectionLimit: 1, resetAfterUse: true });
  const use = (on: typeof pool, ping: boolean) => async () => {
    const connection = await on.getConnection();
    if (ping) await connection.ping();
    await connection.query(PLAIN);
    await connection.release();
  };
  return { plain: use(pool, false), pinged: use(pool, true), reset: use(resetting, false) };
}

async function block(use: Use): Promise<Cost> {
  const cpu = process.cpuUsage();
  const start = performance.now();
  for (let i = 0; i < USES; i++) await use();
  const wallMs = performance.now() - start;
  const { user, system } = process.cpuUsage(cpu);
  return { cpuUs: (user + system) / USES, wallUs: (wallMs * 1_000) / USES };
}

async function measure(): Promise<ResetCosts> {
  const uses = usesOf(task);
  const names = ['plain', 'pinged', 'reset'] as const;
  const costs: Record<keyof ResetCosts, Cost[]> = { plain: [], pinged: [], reset: [] };
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
  return { plain: medianOf('plain'), pinged: medianOf('pinged'), reset: medianOf('reset') };
}

const costs = await measure();
process.stdout.write(`${JSON.stringify(costs)}\n`, () => process.exit());
