import { EventEmitter } from 'node:events';
import { type ConnectionPool, createPool, type Lease, type PoolOptions } from '@handback/core';
import handback from '@handback/express';
import express from 'express';
import { createPool as createMariadbPool } from 'mariadb';
import { createPool as createMysql2Pool, type PoolOptions as Mysql2Options } from 'mysql2/promise';
import { ONE } from '../http/work.js';
import type { ConnectionFacts } from '../measure/server.js';

interface Where {
  uri: string;
  connection: ConnectionFacts;
  /** The largest number that will be held: all that `more` is asked for, together. */
  most: number;
}

/** Something of which there can be any number. */
interface Held {
  /** Makes so many more of them, and keeps them. */
  more(count: number): Promise<void>;
  end(): Promise<void>;
}

const times = (count: number) => Array.from({ length: count }, (_, n) => n);

/** Waiters that will never be served must not fail while they are looked at. */
const PATIENT: PoolOptions = { acquireTimeoutMs: 600_000, maxPending: 1_000_000 };

function patientPool(uri: string): ConnectionPool {
  return createPool({ uri, max: 1, ...PATIENT });
}

/** The process ends before they are settled. */
function keep<T>(list: unknown[], promise: Promise<T>): void {
  promise.catch(() => {});
  list.push(promise);
}

/** Idle connections are made by taking them all at once: `take` gives back what hands one back. */
function idle(take: () => Promise<() => unknown>, end: () => Promise<void>): Held {
  let made = 0;
  return {
    async more(count) {
      made += count;
      const givers = await Promise.all(times(made).map(take));
      for (const giveBack of givers) await giveBack();
    },
    end,
  };
}

function idleMysql2(options: Mysql2Options) {
  return ({ uri, most }: Where): Held => {
    const pool = createMysql2Pool({ uri, connectionLimit: most, ...options });
    return idle(
      async () => {
        const connection = await pool.getConnection();
        return () => connection.release();
      },
      () => pool.end(),
    );
  };
}

/** As much of a response as a scope asks. */
class FakeResponse extends EventEmitter {
  readonly writableEnded = false;
  getHeader(): undefined {}
}

type Through = (req: object, res: object, next: () => void) => void;

/** Requests of Express that have passed the middleware. */
function requests(
  { uri }: Where,
  use: (req: { db: ConnectionPool }) => void,
): Held & { pool: ConnectionPool } {
  const app = express();
  const middleware = handback({ uri, max: 1, ...PATIENT });
  const socket = new EventEmitter().setMaxListeners(0);
  const kept: object[] = [];
  return {
    pool: middleware.pool,
    async more(count) {
      for (const _ of times(count)) {
        const res = new FakeResponse();
        const req = Object.assign(Object.create(app.request), { method: 'GET', url: '/', socket, res });
        (middleware as unknown as Through)(req, res, () => {});
        use(req);
        kept.push(req);
      }
    },
    end: async () => {},
  };
}

export const heldOnes = {
  async idleHandback({ uri, most }: Where): Promise<Held> {
    const pool = createPool({ uri, max: most, acquireTimeoutMs: 60_000 });
    return idle(
      async () => {
        const lease = await pool.acquire();
        return () => lease.release();
      },
      () => pool.close(),
    );
  },

  idleMysql2: async (where: Where): Promise<Held> => idleMysql2({})(where),
  idleMysql2Small: async (where: Where): Promise<Held> => idleMysql2({ maxPreparedStatements: 100 })(where),

  async idleMariadb({ connection, most }: Where): Promise<Held> {
    const pool = createMariadbPool({ ...connection, connectionLimit: most, acquireTimeout: 60_000 });
    return idle(
      async () => {
        const one = await pool.getConnection();
        return () => one.release();
      },
      () => pool.end(),
    );
  },

  async pendingHandback({ uri }: Where): Promise<Held> {
    const pool = patientPool(uri);
    const holder: Lease = await pool.acquire();
    const waiting: unknown[] = [holder];
    return {
      async more(count) {
        for (const _ of times(count)) keep(waiting, pool.acquire());
      },
      end: async () => {},
    };
  },

  async pendingMysql2({ uri }: Where): Promise<Held> {
    const pool = createMysql2Pool({ uri, connectionLimit: 1 });
    const waiting: unknown[] = [await pool.getConnection()];
    return {
      async more(count) {
        for (const _ of times(count)) keep(waiting, pool.getConnection());
      },
      end: async () => {},
    };
  },

  async pendingMariadb({ connection }: Where): Promise<Held> {
    const pool = createMariadbPool({ ...connection, connectionLimit: 1, acquireTimeout: 600_000 });
    const waiting: unknown[] = [await pool.getConnection()];
    return {
      async more(count) {
        for (const _ of times(count)) keep(waiting, pool.getConnection());
      },
      end: async () => {},
    };
  },

  /** With the requests themselves, which `scopesBare` has too. */
  scopesRead: async (where: Where): Promise<Held> => requests(where, ({ db }) => void db),

  async scopesWaiting(where: Where): Promise<Held> {
    const held = requests(where, ({ db }) => void db.query(ONE, [1]).catch(() => {}));
    const holder: Lease = await held.pool.acquire();
    // Were it dropped, it would be taken back.
    return { ...held, end: async () => holder.release() };
  },

  scopesBare: async (where: Where): Promise<Held> => requests(where, () => {}),
} as const satisfies Record<string, (where: Where) => Promise<Held>>;
