import { strict as assert } from 'node:assert';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { databaseUrl, withBank } from '@handback/contract/support/database.js';
import { eventually } from '@handback/contract/support/eventually.js';
import { ServerWatcher } from '@handback/contract/support/server-watcher.js';
import { createPersistent, type Persistent, type PersistentOptions } from '@handback/core';
import type { RowDataPacket } from 'mysql2';

type Queryable = Pick<Persistent, 'query'>;

async function see(db: Queryable, expression: string): Promise<unknown> {
  const [rows] = await db.query<RowDataPacket[]>(`SELECT ${expression} AS seen`);
  return rows[0]?.seen;
}

const idOf = async (db: Queryable) => Number(await see(db, 'CONNECTION_ID()'));

/** Prints the session's id, then ends the connection. */
const PROGRAM = `
  const db = createPersistent(process.env.HANDBACK_TEST_DATABASE_URL);
  const [[{ id }]] = await db.query('SELECT CONNECTION_ID() AS id');
`;

describe('a persistent connection', () => {
  let watcher: ServerWatcher;

  before(async () => {
    watcher = await ServerWatcher.open();
  });

  after(() => watcher.close());

  async function persistent(
    options: Omit<PersistentOptions, 'uri'>,
    work: (db: Persistent) => Promise<void>,
  ): Promise<void> {
    const db = createPersistent({ uri: databaseUrl(), ...options });
    db.events.on('warning', () => {});
    try {
      await work(db);
    } finally {
      await db.end();
    }
  }

  const kill = async (id: number) => {
    await watcher.disconnect(id);
    await eventually(async () => assert.ok(!(await watcher.isConnected(id))));
    // The news has arrived when answers to later questions have.
    for (let n = 0; n < 3; n++) await watcher.threads();
  };

  it('is one session for all statements, and keeps what they set', () =>
    persistent({ validateAfterMs: 1 }, async (db) => {
      assert.equal(db.state, 'unused');
      const id = await idOf(db);
      await db.query('SET @kept = 1');
      for (let n = 0; n < 50; n++) {
        await db.execute('SELECT SLEEP(0.001)');
        if (n % 10 === 0) await db.transaction((tx) => tx.query('SELECT 1'));
      }
      assert.deepEqual([await idOf(db), Number(await see(db, '@kept'))], [id, 1]);
      assert.equal(db.stats().opened, 1);
    }));

  it('that is killed comes back by itself, as onConnect says', () =>
    persistent({ onConnect: "SET time_zone = '+05:00'" }, async (db) => {
      const id = await idOf(db);
      await kill(id);
      assert.notEqual(await idOf(db), id);
      assert.equal(await see(db, '@@time_zone'), '+05:00');
    }));

  it('that is killed in a transaction: an error until rollback(), and half of nothing is done', () =>
    withBank(({ add, total }) =>
      persistent({}, async (db) => {
        await db.beginTransaction();
        await db.query(add, [-100, 1]);
        const id = await idOf(db);
        await kill(id);
        await assert.rejects(db.query(add, [100, 2]), { code: 'TRANSACTION_ROLLED_BACK' });
        await assert.rejects(db.commit(), { code: 'TRANSACTION_ROLLED_BACK' });
        await db.rollback();
        assert.notEqual(await idOf(db), id);
        assert.equal(await total(), 2000);
      }),
    ));

  it('that is killed with session state on it: an error until release()', () =>
    persistent({}, async (db) => {
      await db.query('SET @state = 1');
      await kill(await idOf(db));
      await assert.rejects(see(db, '@state'), { code: 'CONNECTION_LOST' });
      await assert.rejects(db.query('SELECT 1'), { code: 'CONNECTION_LOST' });
      await db.release();
      assert.equal(await see(db, '@state'), null);
    }));

  it('is replaced after maxUses statements, but never inside a transaction', () =>
    persistent({ maxUses: 3 }, async (db) => {
      const id = await idOf(db);
      await db.beginTransaction();
      for (let n = 0; n < 5; n++) assert.equal(await idOf(db), id);
      await db.commit();
      const next = await idOf(db);
      assert.notEqual(next, id);
      await db.transaction(async (tx) => {
        for (let n = 0; n < 5; n++) assert.equal(await idOf(tx), next);
      });
      assert.notEqual(await idOf(db), next);
      assert.equal(db.stats().evicted.uses, 2);
    }));

  it('close() only rolls back, unless it is closeable', () =>
    withBank(async ({ add, balance }) => {
      await persistent({}, async (db) => {
        const id = await idOf(db);
        await db.beginTransaction();
        await db.query(add, [5, 1]);
        await db.close();
        assert.equal(await balance(1), 1000);
        assert.ok(await watcher.isConnected(id));
        assert.equal(await idOf(db), id);
      });
      await persistent({ closeable: true }, async (db) => {
        const id = await idOf(db);
        await db.beginTransaction();
        await db.query(add, [5, 1]);
        await db.close();
        await eventually(async () => assert.ok(!(await watcher.isConnected(id))));
        assert.equal(await balance(1), 1000);
        await assert.rejects(idOf(db));
      });
    }));

  it('is another one in each worker thread', async () => {
    const body = `(async () => {
      const { createPersistent } = await import('@handback/core');
      const { parentPort } = await import('node:worker_threads');
      ${PROGRAM}
      parentPort.once('message', () => db.end());
      parentPort.postMessage(id);
    })();`;
    const workers = [0, 1].map(() => new Worker(body, { eval: true }));
    const ended = workers.map((worker) => new Promise((resolve) => worker.once('exit', resolve)));
    const ids = await Promise.all(
      workers.map((worker) => new Promise<number>((resolve) => worker.once('message', resolve))),
    );
    assert.equal(new Set(ids).size, 2);
    for (const id of ids) assert.ok(await watcher.isConnected(id));
    for (const worker of workers) worker.postMessage('end');
    // A thread ends by itself when nothing is left open in it.
    assert.deepEqual(await Promise.all(ended), [0, 0]);
  });

  it('does not keep its process once end() was called', async () => {
    const text = `import { createPersistent } from '@handback/core';\n${PROGRAM}\nawait db.end();\nconsole.log(id > 0);`;
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', text]);
    assert.equal(stdout.trim(), 'true');
  });
});
