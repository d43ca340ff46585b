import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { databaseUrl, withBank } from '@handback/contract/support/database.js';
import { eventually } from '@handback/contract/support/eventually.js';
import { ServerWatcher } from '@handback/contract/support/server-watcher.js';
import { TcpProxy } from '@handback/contract/support/tcp-proxy.js';
import { type ConnectionPool, createPool } from '@handback/core';
import type { RowDataPacket } from 'mysql2';

type Queryable = Pick<ConnectionPool, 'query'>;

async function see(db: Queryable, expression: string): Promise<unknown> {
  const [[row]] = await db.query<RowDataPacket[]>(`SELECT ${expression} AS seen`);
  return row?.seen;
}

const connectionId = (db: Queryable) => see(db, 'CONNECTION_ID()');

describe('one connection, and what goes wrong on it', () => {
  let proxy: TcpProxy;
  let pool: ConnectionPool;
  let watcher: ServerWatcher;

  before(async () => {
    proxy = await TcpProxy.inFrontOf(databaseUrl());
    watcher = await ServerWatcher.open();
  });

  after(() => Promise.all([proxy.close(), watcher.close()]));

  beforeEach(() => {
    pool = createPool({ uri: proxy.url(databaseUrl()), max: 1, connectTimeoutMs: 500 });
    // A transaction left open is warned of.
    pool.events.on('warning', () => {});
  });

  afterEach(async () => {
    proxy.flow = 'pass';
    await pool.close({ timeoutMs: 0 });
  });

  for (const flow of ['swallow-to-server', 'swallow-to-client'] as const) {
    it(`a reset that is not answered (${flow}): evicted at its deadline, and the next holder gets another`, async () => {
      const lease = await pool.acquire();
      await lease.query('SET @a = 1');
      const stalled = lease.threadId as number;
      proxy.mark();
      proxy.flow = flow;
      const evicted = once(pool.events, 'evict');
      lease.release();
      const next = pool.run(async (db) => [await connectionId(db), await see(db, '@a')]);
      const [{ reason }] = await evicted;
      assert.equal(reason, 'reset-failed');
      assert.deepEqual(proxy.traffic.commands.reset, 1);
      proxy.flow = 'pass';
      const [id, variable] = await next;
      assert.notEqual(id, stalled);
      assert.equal(variable, null);
      assert.equal(pool.stats().evicted['reset-failed'], 1);
      await eventually(async () => assert.equal(await watcher.isConnected(stalled), false));
    });
  }

  it('a connection that is cut in its reset is replaced', async () => {
    const lease = await pool.acquire();
    await lease.query('SET @a = 1');
    const cut = lease.threadId;
    proxy.flow = 'swallow-to-client';
    const evicted = once(pool.events, 'evict');
    lease.release();
    proxy.cutAll('RST');
    const [{ reason }] = await evicted;
    proxy.flow = 'pass';
    assert.equal(reason, 'reset-failed');
    assert.notEqual(await connectionId(pool), cut);
  });

  it('an unknown column: the request goes on with its session, and so does the next', async () => {
    const ids = await pool.run(async (db) => {
      await db.query("SET @own = 'mine'");
      const before = await connectionId(db);
      await assert.rejects(db.query('SELECT nothing'), { code: 'ER_BAD_FIELD_ERROR' });
      await assert.rejects(db.execute('SELECT nothing'), { code: 'ER_BAD_FIELD_ERROR' });
      assert.equal(await see(db, '@own'), 'mine');
      return [before, await connectionId(db)];
    });
    assert.equal(ids[1], ids[0]);
    assert.equal(await connectionId(pool), ids[0]);
    assert.equal(await see(pool, '@own'), null);
  });

  it('USE of an unknown schema fails for its caller; the next holder is in the configured one', async () => {
    const configured = new URL(databaseUrl()).pathname.slice(1);
    await pool.run(async (db) => {
      await db.query('USE information_schema');
      await assert.rejects(db.query('USE handback_test_of_nobody'), { code: 'ER_BAD_DB_ERROR' });
      assert.equal(await see(db, 'DATABASE()'), 'information_schema');
    });
    assert.equal(await see(pool, 'DATABASE()'), configured);
    await assert.rejects(pool.query('USE handback_test_of_nobody'), { code: 'ER_BAD_DB_ERROR' });
    assert.equal(await see(pool, 'DATABASE()'), configured);
  });

  it('a query after release() rejects, and the server never hears of it', async () => {
    const lease = await pool.acquire();
    await lease.query('SELECT 1');
    lease.release();
    const holder = await pool.acquire();
    proxy.mark();
    await assert.rejects(lease.query('SELECT 2'), { code: 'LEASE_RELEASED' });
    await assert.rejects(lease.execute('SELECT 2'), { code: 'LEASE_RELEASED' });
    assert.equal(await see(holder, '3'), 3);
    assert.deepEqual(proxy.traffic.commands, { query: 1 });
    holder.release();
  });

  it('a transaction that an error left half done is rolled back', () =>
    withBank(async (bank) => {
      const work = pool.run(async (db) => {
        await db.beginTransaction();
        await db.query(bank.add, [-100, 1]);
        await db.query(`UPDATE ${bank.table} SET nothing = 0`);
      });
      await assert.rejects(work, { code: 'ER_BAD_FIELD_ERROR' });
      assert.equal(await see(pool, '@@in_transaction'), 0);
      assert.ok(await bank.isUnlocked(1));
      assert.equal(await bank.balance(1), 1000);
      assert.equal(pool.stats().rolledBack, 1);
    }));
});
