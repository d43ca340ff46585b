import { strict as assert } from 'node:assert';
import { databaseUrl, withBank } from '@handback/contract/support/database.js';
import { eventually } from '@handback/contract/support/eventually.js';
import { type ConnectionPool, createPool, type PoolOptions } from '@handback/core';
import type { RowDataPacket } from 'mysql2';

type Mode = NonNullable<PoolOptions['reset']>;
const MODES: Mode[] = ['auto', 'always', 'rollback'];

async function pooled(reset: Mode, work: (pool: ConnectionPool) => Promise<void>): Promise<void> {
  const pool = createPool({ uri: databaseUrl(), max: 1, reset });
  pool.events.on('warning', () => {});
  try {
    await work(pool);
  } finally {
    await pool.close();
  }
}

async function see(pool: ConnectionPool, expression: string): Promise<unknown> {
  const [rows] = await pool.query<RowDataPacket[]>(`SELECT ${expression} AS seen`);
  return rows[0]?.seen;
}

const resets = async (pool: ConnectionPool, work: () => Promise<unknown>) => {
  await eventually(() => assert.equal(pool.stats().idle, 1));
  const { reset } = pool.stats();
  await work();
  await eventually(() => assert.equal(pool.stats().idle, 1));
  return pool.stats().reset - reset;
};

for (const mode of MODES) {
  describe(`reset: '${mode}'`, () => {
    for (const [what, begin] of Object.entries({
      BEGIN: ['BEGIN'],
      'autocommit = 0': ['SET autocommit = 0'],
      'an error in the middle': ['BEGIN', 'SELECT no_such_column'],
    })) {
      it(`a transaction left open, by ${what}, is rolled back, and the next holder is in none`, () =>
        withBank((bank) =>
          pooled(mode, async (pool) => {
            await pool.run(async (db) => {
              for (const sql of begin) await db.query(sql).catch(() => {});
              await db.query(bank.add, [-100, 1]);
            });
            assert.equal(await see(pool, '@@in_transaction'), 0);
            await eventually(async () => assert.ok(await bank.isUnlocked(1), 'the row is locked'));
            assert.equal(await bank.balance(1), 1000);
          }),
        ));
    }

    it('autocommit that somebody turned off is on for the next holder, whose write stays', () =>
      withBank((bank) =>
        pooled(mode, async (pool) => {
          await pool.query('SET autocommit = 0');
          await pool.query(bank.add, [5, 1]);
          assert.equal(await bank.balance(1), 1005);
          assert.equal(await see(pool, '@@autocommit'), 1);
        }),
      ));

    it('a character set that somebody took costs the connection, so that placeholders are safe', () =>
      pooled(mode, async (pool) => {
        const id = await see(pool, 'CONNECTION_ID()');
        await pool.query('SET NAMES gbk');
        const [rows] = await pool.query<RowDataPacket[]>('SELECT ? AS a, ? AS b', [
          '縗',
          ', 1 AS hacked -- ',
        ]);
        assert.deepEqual(Object.keys(rows[0] as object), ['a', 'b']);
        assert.notEqual(await see(pool, 'CONNECTION_ID()'), id);
      }));

    it(mode === 'rollback' ? 'session state stays' : 'session state is gone', () =>
      pooled(mode, async (pool) => {
        await pool.query('SET @state = 5');
        const state = await see(pool, '@state');
        assert.equal(state === null ? null : Number(state), mode === 'rollback' ? 5 : null);
      }),
    );

    it(`plain statements are followed by ${mode === 'always' ? 'a reset each' : 'no reset'}`, () =>
      pooled(mode, async (pool) => {
        await pool.query('SELECT 1');
        const id = await see(pool, 'CONNECTION_ID()');
        assert.equal(await resets(pool, () => pool.query('SELECT 1')), mode === 'always' ? 1 : 0);
        assert.equal(await see(pool, 'CONNECTION_ID()'), id);
      }));
  });
}
