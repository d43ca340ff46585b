import assert from 'node:assert/strict';
import { databaseUrl } from '@handback/contract/support/database.js';
import { eventually } from '@handback/contract/support/eventually.js';
import { ServerWatcher } from '@handback/contract/support/server-watcher.js';
import {
  type ConnectionPool,
  createPersistent,
  createPool,
  type HandbackError,
  type Persistent,
  type PersistentOptions,
  type PoolOptions,
} from '@handback/core';
import type { RowDataPacket } from 'mysql2';

interface Answers {
  query<T extends RowDataPacket[]>(sql: string, values?: unknown[]): Promise<[T, unknown]>;
}

/** The one value of a statement's one row. */
export async function answerTo(db: Answers, sql: string, values?: unknown[]): Promise<unknown> {
  const [rows] = await db.query<RowDataPacket[]>(sql, values);
  return Object.values(rows[0] ?? {})[0];
}

export async function threadOf(db: Answers): Promise<number> {
  return Number(await answerTo(db, 'SELECT CONNECTION_ID()'));
}

/** A pool on the real server, closed at the end whatever happens. */
export async function withPool<T>(
  options: Partial<PoolOptions>,
  work: (pool: ConnectionPool, server: ServerWatcher) => Promise<T>,
): Promise<T> {
  const pool = createPool({ uri: databaseUrl(), ...options });
  pool.events.on('warning', () => {});
  return watched(
    () => pool.close({ timeoutMs: 100 }),
    (server) => work(pool, server),
  );
}

export async function withPersistent<T>(
  options: Partial<PersistentOptions>,
  work: (db: Persistent, server: ServerWatcher) => Promise<T>,
): Promise<T> {
  const db = createPersistent({ uri: databaseUrl(), ...options });
  db.events.on('warning', () => {});
  return watched(
    () => db.end({ timeoutMs: 100 }),
    (server) => work(db, server),
  );
}

async function watched<T>(
  close: () => Promise<void>,
  work: (server: ServerWatcher) => Promise<T>,
): Promise<T> {
  const server = await ServerWatcher.open();
  try {
    return await work(server);
  } finally {
    await close();
    await server.close();
  }
}

/** Until the server has ended the session, and this process has had the time to hear of it. */
export async function killed(server: ServerWatcher, threadId: number): Promise<void> {
  await server.disconnect(threadId);
  await eventually(async () => assert.equal(await server.isConnected(threadId), false));
  for (let n = 0; n < 5; n++) await server.threads();
}

/** Such an option is refused before anything is opened; the message has these words. */
export function refused(options: object, ...words: string[]): void {
  const uri = 'mysql://nobody@192.0.2.1/shop';
  assert.throws(
    () => createPool({ uri, ...options }),
    ({ code, message }: HandbackError) => {
      assert.equal(code, 'INVALID_OPTION', message);
      for (const word of words) assert.ok(message.includes(word), `${message}: no ${word}`);
      return true;
    },
  );
}
