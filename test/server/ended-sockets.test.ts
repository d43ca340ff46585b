import { strict as assert } from 'node:assert';
import { connect } from 'node:net';
import { databaseUrl } from '@handback/contract/support/database.js';
import { Gate } from '@handback/contract/support/eventually.js';
import { ServerWatcher } from '@handback/contract/support/server-watcher.js';
import { type ConnectionPool, createPool } from '@handback/core';
import type { RowDataPacket } from 'mysql2';

type Queryable = Pick<ConnectionPool, 'query'>;

const idOf = async (db: Queryable): Promise<number> => {
  const [rows] = await db.query<RowDataPacket[]>('SELECT CONNECTION_ID() AS id');
  return rows[0]?.id as number;
};

describe('a statement begun in the tick in which its socket ends', () => {
  let pool: ConnectionPool;
  let watcher: ServerWatcher;
  let onEnd: (() => void) | undefined;

  before(async () => {
    watcher = await ServerWatcher.open();
    const { hostname, port } = new URL(databaseUrl());
    const stream = () => {
      const socket = connect(Number(port), hostname).setNoDelay(true);
      // Comes before the driver's own listener.
      return socket.on('end', () => onEnd?.());
    };
    pool = createPool({ uri: databaseUrl(), connection: { stream }, max: 1 });
    pool.events.on('warning', () => {});
  });

  afterEach(() => {
    onEnd = undefined;
  });

  after(() => Promise.all([pool.close(), watcher.close()]));

  /** What `work` comes to, begun when the socket has ended: before anybody has heard of it, or just after. */
  async function whenKilled<T>(id: number, when: 'before' | 'after', work: () => Promise<T>): Promise<T> {
    const begun = new Gate<T>();
    // Handled by the caller, once the KILL is acknowledged.
    begun.opened.catch(() => {});
    onEnd = () => {
      onEnd = undefined;
      if (when === 'before') begun.open(work());
      else process.nextTick(() => begun.open(work()));
    };
    await watcher.disconnect(id);
    return begun.opened;
  }

  it('goes to another connection when it was idle', async () => {
    const id = await idOf(pool);
    assert.notEqual(await whenKilled(id, 'after', () => idOf(pool)), id);
  });

  it('goes to another connection in the middle of a request', () =>
    pool.run(async (db) => {
      const id = await idOf(db);
      assert.notEqual(await whenKilled(id, 'after', () => idOf(db)), id);
    }));

  it('fails once it may have been sent, and only a BEGIN is tried again, before its function has run', async () => {
    let runs = 0;
    const transaction = () =>
      pool.transaction((tx) => {
        runs++;
        return idOf(tx);
      });
    const { retried } = pool.stats();
    const id = await idOf(pool);
    assert.notEqual(await whenKilled(id, 'before', transaction), id);
    assert.equal(runs, 1);
    assert.equal(pool.stats().retried, retried + 1);
    await assert.rejects(
      whenKilled(await idOf(pool), 'before', () => idOf(pool)),
      {
        code: 'PROTOCOL_CONNECTION_LOST',
      },
    );
    assert.equal(pool.stats().retried, retried + 1);
  });

  it('is not sent elsewhere in a transaction, or where session state was set', async () => {
    await pool.run(async (db) => {
      await db.beginTransaction();
      const lost = whenKilled(await idOf(db), 'after', () => idOf(db));
      await assert.rejects(lost, { code: 'TRANSACTION_ROLLED_BACK' });
      await db.rollback();
      await idOf(db);
    });
    await pool.run(async (db) => {
      await db.query("SET time_zone = '+05:00'");
      const lost = whenKilled(await idOf(db), 'after', () => idOf(db));
      await assert.rejects(lost, { code: 'CONNECTION_LOST' });
      await db.release();
      await idOf(db);
    });
  });
});
