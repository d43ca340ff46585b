import type { Readable } from 'node:stream';
import type { Connection, PoolConnection } from 'mysql2/promise';
import type { Db, RawConnection, Row } from './harness.js';

/** The calls of `Db` on whatever connection `acquire` gives, and nothing more. */
export function dbOn(acquire: () => Promise<Connection>): Db {
  const db: Db = {
    async query(sql, values = []) {
      const [rows, fields] = await (await acquire()).query(sql as string, values);
      return [rows as Row[], fields];
    },
    async execute(sql, values = []) {
      const [rows, fields] = await (await acquire()).execute(sql, values as []);
      return [rows as Row[], fields];
    },
    beginTransaction: async () => (await acquire()).beginTransaction(),
    commit: async () => (await acquire()).commit(),
    rollback: async () => (await acquire()).rollback(),
    async transaction(work) {
      await db.beginTransaction();
      try {
        const result = await work(db);
        await db.commit();
        return result;
      } catch (error) {
        await db.rollback();
        throw error;
      }
    },
    stream: (): Readable => {
      throw new Error('not part of this strategy');
    },
    release: async () => ((await acquire()) as PoolConnection).release(),
    connection: async () => (await acquire()) as unknown as RawConnection,
    get state(): string {
      throw new Error('not part of this strategy');
    },
    get signal(): AbortSignal {
      throw new Error('not part of this strategy');
    },
  };
  return db;
}
