import { strict as assert } from 'node:assert';
import { withAccount } from '@handback/contract/support/account.js';
import { databaseUrl, unique, withBank } from '@handback/contract/support/database.js';
import { eventually } from '@handback/contract/support/eventually.js';
import { ServerWatcher } from '@handback/contract/support/server-watcher.js';
import {
  type ConnectionPool,
  createPool,
  type NewConnection,
  type OnConnect,
  type PoolOptions,
} from '@handback/core';
import { createConnection, type RowDataPacket } from 'mysql2/promise';
import { times } from '../support/times.js';

async function pooled(options: PoolOptions, work: (pool: ConnectionPool) => Promise<void>): Promise<void> {
  const pool = createPool({ uri: databaseUrl(), max: 1, ...options });
  pool.events.on('warning', () => {});
  try {
    await work(pool);
  } finally {
    await pool.close();
  }
}

async function see(pool: Pick<ConnectionPool, 'query'>, expression: string): Promise<unknown> {
  const [rows] = await pool.query<RowDataPacket[]>(`SELECT ${expression} AS seen`);
  return rows[0]?.seen;
}

/** Makes the next holder's session a reset one: on the same connection. */
async function reset(pool: ConnectionPool): Promise<void> {
  const { reset: before } = pool.stats();
  await pool.query('SET @a = 1');
  await eventually(() => assert.equal(pool.stats().reset, before + 1));
}

const SETTINGS: { what: string; onConnect: OnConnect; look: string; expected: unknown }[] = [
  {
    what: 'a list of statements',
    onConnect: ["SET time_zone = '+05:00'", "SET SESSION sql_mode = 'ANSI_QUOTES'"],
    look: 'CONCAT(@@time_zone, @@sql_mode)',
    expected: '+05:00ANSI_QUOTES',
  },
  {
    what: 'a function, which is awaited',
    onConnect: async (connection: NewConnection) => {
      const [rows] = await connection.query('SELECT CONNECTION_ID() AS id');
      const { id } = (rows as { id: number }[])[0] as { id: number };
      await connection.execute('SET @owner = ?', [String(id === connection.threadId)]);
    },
    look: '@owner',
    expected: 'true',
  },
  {
    what: 'a character set',
    onConnect: 'SET NAMES latin1',
    look: 'CONCAT(@@character_set_client, @@character_set_results)',
    expected: 'latin1latin1',
  },
];

describe('onConnect', () => {
  for (const { what, onConnect, look, expected } of SETTINGS) {
    it(`${what}: holds on a fresh connection, and on the same one after a reset`, () =>
      pooled({ onConnect }, async (pool) => {
        const id = await see(pool, 'CONNECTION_ID()');
        assert.equal(await see(pool, look), expected);
        await reset(pool);
        assert.equal(await see(pool, look), expected);
        assert.equal(await see(pool, 'CONNECTION_ID()'), id);
      }));
  }

  const RESETS = times(500);
  it(`is found by every holder, ${RESETS} resets in a row, on several connections`, () =>
    pooled({ max: 3, onConnect: "SET time_zone = '+05:00', @owner = 'pool'" }, async (pool) => {
      const holder = async () => {
        for (let n = 0; n < RESETS / 3; n++) {
          await pool.run(async (db) => {
            assert.equal(await see(db, 'CONCAT(@@time_zone, @owner)'), '+05:00pool');
            await db.query("SET time_zone = '-03:00', @owner = 'somebody else'");
          });
        }
      };
      await Promise.all([holder(), holder(), holder()]);
      assert.ok(pool.stats().reset >= RESETS - 3);
      assert.ok(pool.stats().opened <= 3);
    })).timeout(60_000 * Math.max(1, RESETS / 500));

  it('SET NAMES latin1: texts pass unharmed, and whoever takes another character set loses the connection', () =>
    pooled({ onConnect: 'SET NAMES latin1' }, async (pool) => {
      const [rows] = await pool.query<RowDataPacket[]>('SELECT ? AS text, HEX(?) AS bytes', ['é', 'é']);
      assert.deepEqual({ ...rows[0] }, { text: 'é', bytes: 'E9' });
      assert.equal(pool.stats().evicted.charset, 0);
      await pool.query('SET NAMES utf8mb4');
      assert.equal(pool.stats().evicted.charset, 1);
      assert.equal(await see(pool, '@@character_set_client'), 'latin1');
    }));

  it('a role: the next holder has it too, also after somebody has put it off', () =>
    withAccount('', async (account) => {
      const admin = await createConnection(databaseUrl());
      const role = unique('handback_test_role');
      await admin.query(`CREATE ROLE ${role}`);
      try {
        await admin.query(`GRANT ${role} TO ${account.name}`);
        await pooled({ uri: account.url, onConnect: `SET ROLE ${role}` }, async (pool) => {
          const id = await see(pool, 'CONNECTION_ID()');
          await reset(pool);
          assert.equal(await see(pool, 'CURRENT_ROLE()'), role);
          assert.equal(await see(pool, 'CONNECTION_ID()'), id);
          await pool.query('SET ROLE NONE');
          assert.equal(await see(pool, 'CURRENT_ROLE()'), role);
        });
      } finally {
        await admin.query(`DROP ROLE ${role}`);
        await admin.end();
      }
    }));

  it('that fails is the cause of the error, and leaves no session on the server', () =>
    withAccount('', (account) =>
      pooled({ uri: account.url, onConnect: 'SET no_such_variable = 1' }, async (pool) => {
        await assert.rejects(pool.query('SELECT 1'), (error: Error & { code: string }) => {
          assert.equal(error.code, 'OPEN_FAILED');
          assert.equal((error.cause as { code: string }).code, 'ER_UNKNOWN_SYSTEM_VARIABLE');
          return true;
        });
        const watcher = await ServerWatcher.open();
        await eventually(async () => assert.deepEqual(await watcher.threadsOf(account.name), []));
        await watcher.close();
      }),
    ));

  it('that fails only when it is repeated after a reset costs the connection, not the next request', async () => {
    let broken = false;
    const onConnect = (connection: NewConnection) =>
      connection.query(broken ? 'SET no_such_variable = 1' : "SET time_zone = '+05:00'");
    await pooled({ onConnect }, async (pool) => {
      const id = await see(pool, 'CONNECTION_ID()');
      broken = true;
      await pool.query('SET @a = 1');
      await eventually(() => assert.equal(pool.stats().evicted['reset-failed'], 1));
      broken = false;
      assert.notEqual(await see(pool, 'CONNECTION_ID()'), id);
      assert.equal(await see(pool, '@@time_zone'), '+05:00');
    });
  });

  it('that begins a transaction is refused', () =>
    pooled({ onConnect: ['BEGIN', 'SELECT 1'] }, async (pool) => {
      await assert.rejects(pool.query('SELECT 1'), { code: 'OPEN_FAILED' });
    }));
});

describe('onConnect: SET autocommit = 0', () => {
  const onConnect = 'SET autocommit = 0';

  it('what is not committed is rolled back, and what is stays', () =>
    withBank(({ add, balance }) =>
      pooled({ onConnect }, async (pool) => {
        const id = await see(pool, 'CONNECTION_ID()');
        await pool.query(add, [1, 1]);
        await pool.run(async (db) => {
          await db.query(add, [5, 2]);
          await db.commit();
        });
        assert.deepEqual([await balance(1), await balance(2)], [1000, 1005]);
        assert.equal(await see(pool, 'CONNECTION_ID()'), id);
      }),
    ));

  it('is the state that a reset comes back to', () =>
    pooled({ onConnect }, async (pool) => {
      const id = await see(pool, 'CONNECTION_ID()');
      assert.equal(await see(pool, '@@autocommit'), 0);
      assert.equal(pool.stats().reset, 0);
      await pool.query('SET autocommit = 1');
      assert.equal(await see(pool, '@@autocommit'), 0);
      assert.equal(await see(pool, 'CONNECTION_ID()'), id);
    }));

  it('a duplicate key, the first thing on a fresh connection, leaves no lock behind', () =>
    withBank(({ table, isUnlocked }) =>
      pooled({ onConnect }, async (pool) => {
        await assert.rejects(pool.query(`INSERT INTO ${table} VALUES (1, 0)`), { code: 'ER_DUP_ENTRY' });
        await eventually(async () => assert.ok(await isUnlocked(1), 'the row is still locked'), 2_000);
      }),
    ));
});
