import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { databaseUrl } from '@handback/contract/support/database.js';
import { type ConnectionPool, createPool } from '@handback/core';
import { statsOf } from 'handback-examples/dist/shared/stats.js';
import type { RowDataPacket } from 'mysql2';

/** An application with a pool, whose statistics are answered over HTTP; it holds what it is told to hold. */
export class Stage {
  readonly pool: ConnectionPool;
  /** What it answers with; in place of its pool's statistics, where that is set. */
  answer: unknown;
  status = 200;
  /** How often it was asked. */
  questions = 0;
  /** The headers of the last question. */
  asked: NodeJS.Dict<string | string[]> = {};
  readonly #server: Server;
  readonly #cancel = new AbortController();
  readonly #work: Promise<unknown>[] = [];

  private constructor(pool: ConnectionPool) {
    this.pool = pool;
    this.#server = createServer((req, res) => {
      this.asked = req.headers;
      this.questions++;
      res.writeHead(this.status, { 'content-type': 'application/json' });
      res.end(JSON.stringify(this.answer ?? statsOf(pool)));
    });
  }

  static async open(): Promise<Stage> {
    const stage = new Stage(createPool({ uri: databaseUrl(), name: 'shop', max: 4, leakAfterMs: 0 }));
    await new Promise<void>((done) => stage.#server.listen(0, '127.0.0.1', done));
    return stage;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/stats`;
  }

  /** A route runs this statement until the stage is closed. */
  async runs(route: string, sql: string): Promise<void> {
    const { signal } = this.#cancel;
    const started = new Promise<void>((done) => {
      this.#work.push(
        this.pool.run(
          async (db) => {
            await db.query('SELECT 1');
            done();
            await db.query({ sql, signal });
          },
          { name: route },
        ),
      );
    });
    this.#work.at(-1)?.catch(() => {});
    await started;
  }

  /** A route keeps its connection, after this statement, until the stage is closed. @returns its thread */
  keeps(route: string, sql: string): Promise<number> {
    const over = new Promise((done) => this.#cancel.signal.addEventListener('abort', done));
    return new Promise((done) => {
      const work = this.pool.run(
        async (db) => {
          const [[row]] = await db.query<RowDataPacket[]>('SELECT CONNECTION_ID() AS id');
          await db.query(sql);
          done(row?.id);
          await over;
        },
        { name: route },
      );
      this.#work.push(work);
    });
  }

  async close(): Promise<void> {
    this.#cancel.abort();
    await Promise.allSettled(this.#work);
    await this.pool.close();
    this.#server.closeAllConnections();
    await new Promise((done) => this.#server.close(done));
  }
}
