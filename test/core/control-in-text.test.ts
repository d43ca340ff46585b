import assert from 'node:assert/strict';
import type { Transaction } from '#core/transaction.js';
import { serverError } from './fake-server.js';
import { coded, TestPool, track } from './fixture.js';
import { TestRequest } from './request-fixture.js';

const UPDATE = 'UPDATE t SET a = 1';

function pooled() {
  const test = new TestPool({ max: 1 });
  return { test, run: (fn: (tx: Transaction) => Promise<unknown>) => test.pool.transaction(fn) };
}

describe('transaction control as text, inside transaction(fn)', () => {
  for (const sql of ['COMMIT', 'commit work', 'CREATE TABLE other (a INT)']) {
    it(`${sql} commits: the outcome is not told as rolled back, whatever fn does next`, async () => {
      const { test, run } = pooled();
      const works: ((tx: Transaction) => Promise<unknown>)[] = [
        (tx) => tx.query(sql),
        (tx) => tx.query(sql).then(() => tx.query('SELECT 1')),
        (tx) => tx.query(sql).then(() => Promise.reject(new Error('mine'))),
      ];
      for (const work of works) {
        const all = (tx: Transaction) => tx.query(UPDATE).then(() => work(tx));
        await assert.rejects(run(all), coded('OUTCOME_UNKNOWN'));
        await test.clock.settle();
      }
      assert.equal(test.connection().session.committed.length, 3);
    });
  }

  it('ROLLBACK undoes: TRANSACTION_ROLLED_BACK', async () => {
    const { test, run } = pooled();
    const work = (tx: Transaction) => tx.query(UPDATE).then(() => tx.query('ROLLBACK'));
    await assert.rejects(run(work), coded('TRANSACTION_ROLLED_BACK'));
    assert.deepEqual(test.connection().session.committed, []);
  });

  for (const sql of ['BEGIN', 'START TRANSACTION', 'COMMIT AND CHAIN']) {
    it(`${sql} would commit without a trace: it is not sent, and what fn did is undone`, async () => {
      const { test, run } = pooled();
      const work = (tx: Transaction) => tx.query(UPDATE).then(() => tx.query(sql));
      await assert.rejects(run(work), coded('TRANSACTION_NESTED'));
      assert.deepEqual(test.connection().session.committed, []);
      assert.deepEqual(test.connection().texts, ['START TRANSACTION', UPDATE, 'ROLLBACK']);
    });
  }
});

describe('BEGIN as text while a transaction is open', () => {
  it('is refused, and rollback() still undoes the first', async () => {
    const test = new TestPool({ max: 1 });
    const { db } = new TestRequest(test);
    await db.beginTransaction();
    await db.query(UPDATE);
    await assert.rejects(db.query('BEGIN'), coded('TRANSACTION_NESTED'));
    await db.rollback();
    assert.deepEqual(test.connection().session.committed, []);
    await db.query('BEGIN');
    await db.query('COMMIT');
  });

  it('is sent where autocommit is off, and a transaction open most of the time', async () => {
    const test = new TestPool({ max: 1, onConnect: 'SET autocommit = 0' });
    const { db } = new TestRequest(test);
    await db.query('SELECT 1');
    await db.query('START TRANSACTION');
  });
});

describe('commit() and rollback() beside transaction(fn)', () => {
  it('are told that it ends by itself', async () => {
    const { db } = new TestRequest(new TestPool({ max: 1 }));
    await db.transaction(async () => {
      for (const end of [() => db.commit(), () => db.rollback()])
        await assert.rejects(end(), /transaction\(fn\) commits by itself/);
    });
  });
});

describe('a transaction that is lost with its connection', () => {
  it('is TRANSACTION_ROLLED_BACK in transaction(fn) too', async () => {
    const test = new TestPool({ max: 1 });
    const work = test.pool.transaction(async (tx) => {
      await tx.query(UPDATE);
      test.connection().lose();
      await tx.query(UPDATE);
    });
    await assert.rejects(work, coded('TRANSACTION_ROLLED_BACK'));
  });

  it('on a lease: rollback() succeeds, since nothing is left to undo, and it is nobody’s fault', async () => {
    const test = new TestPool({ max: 1 });
    const lease = await test.pool.acquire();
    await lease.beginTransaction();
    test.connection().lose();
    await assert.rejects(lease.query(UPDATE), coded('TRANSACTION_ROLLED_BACK'));
    await lease.rollback();
    await assert.rejects(lease.query(UPDATE), coded('CONNECTION_LOST'));
    lease.release();
    assert.deepEqual(test.told('warning'), []);
  });

  it('without a rollback() either: whoever left one open on a good connection is still warned of', async () => {
    const test = new TestPool({ max: 1 });
    for (const [lost, warnings] of [
      [true, []],
      [false, ['OPEN_TRANSACTION']],
    ] as const) {
      const lease = await test.pool.acquire();
      await lease.beginTransaction();
      if (lost) test.connection().lose();
      lease.release();
      await test.clock.settle();
      const codes = test.told('warning').map(({ code }) => code);
      assert.deepEqual(codes, warnings);
    }
  });
});

describe('a session that its owner has made READ ONLY', () => {
  it('says nothing about the server: its connection is closed, the others stay', async () => {
    const test = new TestPool({ max: 2 });
    const [lease, other] = [await test.pool.acquire(), await test.pool.acquire()];
    await lease.query('SET SESSION TRANSACTION READ ONLY');
    test.driver.reply = (sql) => (sql === UPDATE ? serverError(1792) : undefined);
    await assert.rejects(lease.query(UPDATE), { errno: 1792 });
    for (const each of [lease, other]) each.release();
    await test.clock.settle();
    const { idle, evicted } = test.stats();
    assert.deepEqual([idle, evicted.broken, evicted.stale], [1, 1, 0]);
  });
});

describe('what is passed beside a statement', () => {
  it('a callback in any place is refused: nobody would call it', async () => {
    const { pool } = new TestPool();
    const call = pool as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>;
    for (const name of ['query', 'execute']) {
      await assert.rejects(call[name]?.('SELECT 1', () => {}) as Promise<unknown>, /Callbacks are not taken/);
      await assert.rejects(call[name]?.('SELECT ?', [1], () => {}) as Promise<unknown>, TypeError);
    }
  });

  it('timeoutMs is mysql2’s timeout by the name that durations have here', async () => {
    const test = new TestPool({ max: 1 });
    test.driver.reply = (sql) => (sql.includes('SLEEP') ? 'hang' : undefined);
    const answer = track(test.pool.query({ sql: 'SELECT SLEEP(9)', timeoutMs: 50 }));
    await test.clock.advance(50);
    assert.equal(answer.code, 'QUERY_TIMEOUT');
    await assert.rejects(test.pool.query({ sql: 'SELECT 1', timeoutMs: -1 }), coded('INVALID_OPTION'));
  });

  for (const [what, call] of Object.entries({
    'acquire({ timeout })': (pool: never) => (pool as TestPool['pool']).acquire({ timeout: 100 } as never),
    'acquire(500)': (pool: never) => (pool as TestPool['pool']).acquire(500 as never),
    'acquire(null)': (pool: never) => (pool as TestPool['pool']).acquire(null as never),
    'close({ timeout })': (pool: never) => (pool as TestPool['pool']).close({ timeout: 3 } as never),
  })) {
    it(`${what} is refused by name`, async () => {
      const { pool } = new TestPool();
      await assert.rejects(call(pool as never), coded('INVALID_OPTION'));
    });
  }
});

describe('db.log when a statement is given up', () => {
  it('shows it at once, with the error that the caller saw, and once', async () => {
    const test = new TestPool({ max: 1 });
    test.driver.reply = (sql) => (sql.includes('SLEEP') ? 'hang' : undefined);
    const { db } = new TestRequest(test, { log: 10, queryTimeoutMs: 50 });
    const both = [track(db.query('SELECT SLEEP(9)')), track(db.query('SELECT 1'))];
    let log: unknown;
    test.pool.events.once('cancel', () => {
      log = db.log.map(({ error }) => error);
    });
    await test.clock.advance(50);
    assert.deepEqual(log, ['QUERY_TIMEOUT']);
    await test.clock.advance(1_000);
    assert.deepEqual([both[0]?.code, both[1]?.state], ['QUERY_TIMEOUT', 'fulfilled']);
    assert.deepEqual(
      db.log.map(({ error }) => error),
      ['QUERY_TIMEOUT', undefined],
    );
  });

  it('by its signal, too', async () => {
    const test = new TestPool({ max: 1 });
    test.driver.reply = (sql) => (sql.includes('SLEEP') ? 'hang' : undefined);
    const { db } = new TestRequest(test, { log: 10 });
    const controller = new AbortController();
    const answer = track(db.query({ sql: 'SELECT SLEEP(9)', signal: controller.signal }));
    await test.clock.settle();
    controller.abort();
    assert.deepEqual(
      db.log.map(({ error }) => error),
      ['AbortError'],
    );
    await test.clock.advance(1_000);
    assert.equal(answer.error.name, 'AbortError');
    assert.equal(db.log.length, 1);
  });
});
