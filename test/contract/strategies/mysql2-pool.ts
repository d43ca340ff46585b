import { EventEmitter } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { dbOn, type PoolView, type Row, type Stats, type Strategy } from '@handback/contract';
import { databaseUrl } from '@handback/contract/support/database.js';
import {
  createConnection,
  createPool,
  type Pool,
  type PoolConnection,
  type PoolOptions,
} from 'mysql2/promise';

/** Arranges for a request's connection to go back to mysql2's pool; called when the request has got it. */
export type Ending = (request: { req: IncomingMessage; res: ServerResponse }, release: () => void) => void;

/**
 * What a plugin on mysql2's own pool looks like; `ending` is the only thing that differs between the strategies.
 * Without one, the framework's own end-of-request hook releases.
 */
export function onMysql2Pool(ending?: Ending, options: PoolOptions = {}): (max: number) => Strategy {
  return (max) => {
    const pool = createPool({ uri: databaseUrl(), connectionLimit: max, ...options });
    const counters = { acquired: 0, released: 0 };
    const atFrameworkEnd = new WeakMap<IncomingMessage, () => void>();
    const whenEnded: Ending = ending ?? (({ req }, release) => atFrameworkEnd.set(req, release));
    return {
      pool: viewOf(pool, max, counters),
      begin(req, res) {
        let acquiring: Promise<PoolConnection> | undefined;
        const acquire = async () => {
          const connection = await pool.getConnection();
          counters.acquired += 1;
          whenEnded({ req, res }, () => {
            acquiring = undefined;
            counters.released += 1;
            connection.release();
          });
          return connection;
        };
        return dbOn(() => {
          acquiring ??= acquire();
          return acquiring;
        });
      },
      frameworkEnd(req) {
        atFrameworkEnd.get(req)?.();
        atFrameworkEnd.delete(req);
      },
    };
  };
}

interface PoolInternals {
  _allConnections: { length: number; get(index: number): { threadId: number; stream: { destroy(): void } } };
  _freeConnections: { length: number };
  _connectionQueue: { length: number };
}

function viewOf(pool: Pool, max: number, counters: { acquired: number; released: number }): PoolView {
  const {
    _allConnections: all,
    _freeConnections: free,
    _connectionQueue: queue,
  } = pool.pool as unknown as PoolInternals;
  return {
    events: new EventEmitter(),
    stats: (): Stats => ({
      ...{ opening: 0, validating: 0, resetting: 0, draining: 0, ghost: 0, closing: 0 },
      ...{ ...counters, cleanReleases: 0, late: 0, rolledBack: 0, evicted: {}, closed: 0, max },
      opened: all.length,
      leased: all.length - free.length,
      idle: free.length,
      pending: queue.length,
    }),
    query: async (sql, values = []) => {
      const [rows, fields] = await pool.query(sql, values);
      return [rows as Row[], fields];
    },
    run: () => Promise.reject(new Error('not part of this strategy')),
    /** Leaves nothing behind on the server, whatever the strategy has lost. */
    async close() {
      // Never settles while a lost connection runs a statement; what it is needed for is done at once: no new opens.
      pool.end().catch(() => {});
      const connections = Array.from({ length: all.length }, (_, index) => all.get(index));
      const control = await createConnection(databaseUrl());
      for (const { threadId, stream } of connections) {
        await control.query(`KILL ${threadId}`).catch(() => {});
        stream.destroy();
      }
      await control.end();
    },
  };
}
