import { strict as assert } from 'node:assert';
import { eventually, within } from '@handback/contract/support/eventually.js';
import { TcpProxy } from '@handback/contract/support/tcp-proxy.js';
import { createPool, HandbackError } from '@handback/core';
import type { RowDataPacket } from 'mysql2';
import { acquire } from '#core/acquirers.js';
import { ConnectionPool } from '#core/connection-pool.js';
import { Call } from '#core/statement.js';
import { startServer, type ThrowawayServer } from '#scripts/database/index.mjs';

interface Thread extends RowDataPacket {
  Id: number;
  Info: string | null;
}

/** A server of its own: it is frozen, killed and filled up. */
describe('when the server fails', () => {
  let server: ThrowawayServer;
  let pool: ConnectionPool;
  let watcher: ConnectionPool;

  before(async () => {
    server = await startServer({ args: ['--max-connections=12'] });
  });

  after(() => server.stop());

  beforeEach(() => {
    pool = createPool({ uri: server.url, max: 3, acquireTimeoutMs: 4_000, connectTimeoutMs: 500 });
    watcher = createPool({ uri: server.url, max: 1 });
    pool.events.on('warning', () => {});
  });

  afterEach(() => Promise.all([pool.close({ timeoutMs: 100 }), watcher.close({ timeoutMs: 100 })]));

  const threads = async () => {
    const [rows] = await watcher.query<Thread[]>('SHOW FULL PROCESSLIST');
    return rows.filter(({ Info }) => Info !== 'SHOW FULL PROCESSLIST');
  };
  const identity = () => {
    const { opened, closed, idle, leased, opening, validating, resetting, draining, ghost, closing } =
      pool.stats();
    assert.equal(
      opened - closed,
      idle + leased + opening + validating + resetting + draining + ghost + closing,
    );
  };

  it('an idle connection that was killed is never handed out', async () => {
    const lease = await pool.acquire();
    const { threadId } = lease;
    lease.release();
    await watcher.query(`KILL ${threadId}`);
    await eventually(() => assert.equal(pool.stats().idle, 0));
    const [rows] = await pool.query<RowDataPacket[]>('SELECT CONNECTION_ID() AS id');
    assert.notEqual(rows[0]?.id, threadId);
    assert.equal(pool.stats().evicted.broken, 1);
    identity();
  });

  it('a connection that is killed in a request is replaced, unless something was lost with it', async () => {
    const kill = async (db: { query(sql: string): Promise<unknown> }) => {
      const [[row]] = (await db.query('SELECT CONNECTION_ID() AS id')) as [[{ id: number }]];
      await watcher.query(`KILL ${row.id}`);
      await eventually(async () => assert.ok(!(await threads()).some(({ Id }) => Id === row.id)));
      // The news has arrived when answers to later questions have.
      for (let n = 0; n < 5; n++) await watcher.query('SELECT 1');
    };
    await pool.run(async (db) => {
      await kill(db);
      await db.query('SELECT 1');
    });
    await pool.run(async (db) => {
      await db.beginTransaction();
      await kill(db);
      await assert.rejects(db.query('SELECT 1'), { code: 'TRANSACTION_ROLLED_BACK' });
      await db.rollback();
      await db.query('SELECT 1');
    });
    await pool.run(async (db) => {
      await db.query('SET @a = 1, time_zone = "+01:00"');
      await kill(db);
      await assert.rejects(db.query('SELECT 1'), { code: 'CONNECTION_LOST' });
      await db.release();
      await db.query('SELECT 1');
    });
    identity();
  });

  it('every promise settles on a frozen server, and the pool recovers with it', async () => {
    await pool.query('SELECT 1');
    const lease = await pool.acquire();
    await server.kill('SIGSTOP');
    const pending = lease.query('SELECT 1');
    lease.release();
    const acquiring = pool.acquire({ timeoutMs: 1_000 }).then(
      () => 'acquired',
      (error) => error.cause?.code,
    );
    try {
      assert.equal(await within(8_000, 'the acquire', acquiring), 'ETIMEDOUT');
    } finally {
      await server.kill('SIGCONT');
    }
    await within(
      10_000,
      'the statement',
      pending.then(
        () => {},
        () => {},
      ),
    );
    await within(5_000, 'a query after it', pool.query('SELECT 1'));
    identity();
  });

  it('a statement that can not be killed gives up its socket and counts until its thread is gone', async () => {
    const lease = await acquire(ConnectionPool.flowOf(pool), { route: 'test' });
    const call = new Call(false, 'SELECT SLEEP(60)', undefined);
    lease.submit(call);
    const sleeping = call.promise.catch((error: unknown) => error);
    await eventually(async () => assert.ok((await threads()).some(({ Info }) => Info?.includes('SLEEP'))));
    // Nobody gets in any more, the control connection included.
    const crowd = createPool({ uri: server.url, max: 12, acquireTimeoutMs: 300 });
    crowd.events.on('warning', () => {});
    await Promise.allSettled(Array.from({ length: 12 }, () => crowd.acquire()));
    lease.end(0);
    const error = await within(10_000, 'the statement', sleeping);
    assert.ok(error instanceof HandbackError && error.code === 'QUERY_CANCELLED');
    assert.equal(pool.stats().ghost, 1);
    identity();
    await crowd.close({ timeoutMs: 0 });
    await eventually(() => assert.equal(pool.stats().ghost, 0), 8_000);
    assert.ok(!(await threads()).some(({ Info }) => Info?.includes('SLEEP')));
    identity();
  });

  it('a server that is killed and comes back costs only what was in flight', async () => {
    await pool.query('SELECT 1');
    const inFlight = pool.query('SELECT SLEEP(30)');
    await eventually(async () => assert.ok((await threads()).some(({ Info }) => Info?.includes('SLEEP'))));
    const failed = assert.rejects(inFlight, { code: 'PROTOCOL_CONNECTION_LOST' });
    await server.kill();
    await failed;
    const waiting = pool.query('SELECT 1 AS one');
    await server.restart();
    assert.deepEqual((await waiting)[0], [{ one: 1 }]);
    assert.ok(pool.stats().opened < 200);
    identity();
  });

  it('the same behind a proxy that takes connections all the while, with every connection cut at its work', async () => {
    const proxy = await TcpProxy.inFrontOf(server.url);
    const behind = createPool({ uri: proxy.url(server.url), max: 3, acquireTimeoutMs: 20_000 });
    behind.events.on('warning', () => {});
    try {
      const inFlight = Array.from({ length: 3 }, () => behind.query('SELECT SLEEP(30)'));
      const cut = Promise.allSettled(inFlight);
      await eventually(async () =>
        assert.equal((await threads()).filter(({ Info }) => Info?.includes('SLEEP')).length, 3),
      );
      const waiting = Array.from({ length: 5 }, () => behind.query('SELECT 1'));
      await server.kill();
      for (const { status } of await cut) assert.equal(status, 'rejected');
      const [before, begun] = [proxy.accepted, performance.now()];
      await new Promise((resolve) => setTimeout(resolve, 2_000));
      const attempts = proxy.accepted - before;
      const seconds = (performance.now() - begun) / 1_000;
      assert.ok(attempts >= 10 && attempts <= 25 * seconds + 1, `${attempts} attempts in ${seconds} s`);
      await server.restart();
      await within(5_000, 'whoever waits', Promise.all(waiting));
      await eventually(() => assert.equal(behind.stats().ghost, 0));
    } finally {
      await behind.close({ timeoutMs: 0 });
      await proxy.close();
    }
  });

  it('a COMMIT whose answer never comes is reported as unknown', async () => {
    await pool.query('CREATE DATABASE IF NOT EXISTS handback_test_commit');
    await pool.query('CREATE TABLE IF NOT EXISTS handback_test_commit.t (n INT) ENGINE=InnoDB');
    const lease = await pool.acquire();
    const locker = await pool.acquire();
    const work = lease.transaction(async (tx) => {
      await tx.query('INSERT INTO handback_test_commit.t VALUES (1)');
      await locker.query('FLUSH TABLES WITH READ LOCK');
    });
    const outcome = assert.rejects(work, { code: 'OUTCOME_UNKNOWN' });
    await eventually(async () => assert.ok((await threads()).some(({ Info }) => Info === 'COMMIT')));
    await watcher.query(`KILL ${lease.threadId}`);
    await outcome;
    locker.release();
    lease.release();
  });
});
