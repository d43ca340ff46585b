import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { eventually } from '@handback/contract/support/eventually.js';
import { type ConnectionPool, createPool, type PoolEventMap, type PoolOptions } from '@handback/core';
import handback from '@handback/express';
import express, { type RequestHandler } from 'express';
import type { RowDataPacket } from 'mysql2';
import type { Connection } from 'mysql2/promise';
import { CARD, type Evidence } from './evidence.js';

const EVENTS = Object.keys({
  open: 0,
  openFailed: 0,
  acquire: 0,
  acquireStart: 0,
  acquireFailed: 0,
  shed: 0,
  release: 0,
  reset: 0,
  evict: 0,
  rollback: 0,
  late: 0,
  retry: 0,
  kill: 0,
  leak: 0,
  unleak: 0,
  cancel: 0,
  doubleAcquire: 0,
  distrust: 0,
  warning: 0,
} satisfies Record<keyof PoolEventMap, number>) as (keyof PoolEventMap)[];

/** Every event there is, pinned to the type. */
export const ALL_EVENTS: readonly string[] = EVENTS;

/** Where scenarios play: pools and apps of one account, all of which is looked at. */
export class Stage {
  readonly evidence: Evidence;
  readonly uri: string;
  readonly admin: Connection;
  readonly table: string;

  constructor(evidence: Evidence, parts: { uri: string; admin: Connection; table: string }) {
    this.evidence = evidence;
    this.uri = parts.uri;
    this.admin = parts.admin;
    this.table = parts.table;
  }

  watch(pool: ConnectionPool): void {
    for (const name of EVENTS) {
      pool.events.on(name, (...event: unknown[]) => {
        this.evidence.events.add(name);
        if (name === 'warning') this.evidence.warnings.add((event[0] as { code: string }).code);
        this.evidence.look(`event ${name}`, event);
        const { error } = event[0] as { error?: unknown };
        if (error) this.evidence.look(`event ${name}, error`, error);
      });
    }
  }

  /** `work` on a pool of its own, which is looked at before and after. */
  async pool(options: Partial<PoolOptions>, work: (pool: ConnectionPool) => Promise<unknown>): Promise<void> {
    const uri = typeof options.connection === 'function' ? {} : { uri: this.uri };
    const pool = createPool({ max: 1, log: 10, ...uri, ...options });
    this.watch(pool);
    try {
      this.evidence.look('new pool', pool);
      await work(pool);
      const { options } = pool;
      const shown = { pool, options, stats: pool.stats(), holders: pool.holders() };
      for (const [name, value] of Object.entries(shown)) this.evidence.look(name, value);
    } finally {
      await pool.close({ timeoutMs: 1_000 });
      this.evidence.look('closed pool', pool);
    }
  }

  /** What a call fails with; `undefined` if it does not. */
  async failure(call: () => unknown): Promise<unknown> {
    try {
      await call();
    } catch (error) {
      this.evidence.look('error', error);
      return error;
    }
    return undefined;
  }

  /** An application with one route, which is asked once; `leave` = by a client that does not wait. */
  async app(
    options: Partial<PoolOptions> & { transaction?: boolean },
    handler: RequestHandler,
    then: (
      ask: () => Promise<string>,
      leave: () => Promise<() => void>,
      pool: ConnectionPool,
    ) => Promise<unknown>,
  ): Promise<void> {
    const app = express();
    const db = handback({ uri: this.uri, max: 1, log: 10, ...options });
    this.watch(db.pool);
    app.use(db);
    app.get('/off', handback.off(), handler);
    app.get('/on', handler);
    const server: Server = createServer(app);
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as AddressInfo;
    const ask = async (path = '/on') => {
      const text = await (await fetch(`http://127.0.0.1:${port}${path}`)).text();
      this.evidence.look('response', text);
      return text;
    };
    const leave = async () => {
      const socket = connect(port, '127.0.0.1');
      socket.on('error', () => {});
      socket.write('GET /on HTTP/1.1\r\nHost: x\r\n\r\n');
      return () => void socket.destroy();
    };
    try {
      await then(ask, leave, db.pool);
      this.evidence.look('app', app);
      this.evidence.look('middleware', db);
    } finally {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
      await db.close();
    }
  }

  /** Ends a session from outside, and waits for its end. */
  async kill(thread: number): Promise<void> {
    await this.admin.query(`KILL ${Number(thread)}`);
    await eventually(async () => {
      const [rows] = await this.admin.query<RowDataPacket[]>(
        'SELECT 1 FROM information_schema.PROCESSLIST WHERE ID = ?',
        [thread],
      );
      if ((rows as unknown[]).length > 0) throw new Error('still there');
    });
  }
}

/** A statement that takes `seconds`, with a card number bound to it and another one in its text. */
export function slow(seconds: number, options: object = {}): { sql: string; values: string[] } {
  return { sql: `SELECT SLEEP(${seconds}), ? AS bound, '${CARD}' AS written`, values: [CARD], ...options };
}
