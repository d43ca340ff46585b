import { strict as assert } from 'node:assert';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { databaseUrl, unique } from '@handback/contract/support/database.js';
import { eventually } from '@handback/contract/support/eventually.js';
import { type ConnectionPool, createPool } from '@handback/core';
import { createConnection } from 'mysql2/promise';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Leases that nobody has when this is over. */
async function forget(pool: ConnectionPool, count: number, use = 'SELECT 1'): Promise<void> {
  for (let n = 0; n < count; n++) {
    const lease = await pool.acquire();
    await lease.query(use);
  }
}

describe('a lease that is dropped without release()', () => {
  let pool: ConnectionPool;
  const warnings: string[] = [];

  beforeEach(() => {
    pool = createPool({ uri: databaseUrl(), max: 3 });
    pool.events.on('warning', ({ code, message }) => warnings.push(`${code}: ${message}`));
    warnings.length = 0;
  });

  afterEach(async () => {
    await collected(() => assert.equal(pool.stats().leased, 0));
    await pool.close();
  });

  const collected = (check: () => void) =>
    eventually(() => {
      collectGarbage();
      check();
    });

  it('comes back when the garbage collector finds it, with a warning: max + 2 acquires succeed', async () => {
    await forget(pool, 3);
    await collected(() => assert.equal(pool.stats().leased, 0));
    for (let n = 0; n < 5; n++) (await pool.acquire({ timeoutMs: 1_000 })).release();
    assert.equal(warnings.length, 3);
    assert.match(warnings[0] ?? '', /^LEAK: A lease was dropped without release\(\): pool\.acquire for/);
  });

  it('its open transaction is rolled back', async () => {
    await forget(pool, 1, 'START TRANSACTION');
    await collected(() => assert.equal(pool.stats().rolledBack, 1));
  });

  it('not before its statement has ended', async () => {
    const lock = unique('lock');
    const holder = await createConnection(databaseUrl());
    await holder.query('SELECT GET_LOCK(?, 0)', [lock]);
    const answer = pool.acquire().then((lease) => lease.query('SELECT GET_LOCK(?, 60) AS locked', [lock]));
    await collected(() => assert.equal(warnings.length, 1));
    assert.equal(pool.stats().leased, 1);
    await holder.end();
    const [rows] = await answer;
    assert.deepEqual(rows, [{ locked: 1 }]);
    await eventually(() => assert.deepEqual([pool.stats().leased, pool.stats().idle], [0, 1]));
  });

  it('not while its transaction(fn) is at work', async () => {
    const work = pool.acquire().then((lease) =>
      lease.transaction(async (tx) => {
        await tx.query('SELECT 1');
        for (let n = 0; n < 5; n++) {
          collectGarbage();
          await new Promise(setImmediate);
        }
        return tx.query('SELECT @@in_transaction AS open');
      }),
    );
    const [rows] = await work;
    assert.deepEqual(rows, [{ open: 1 }]);
  });
});
