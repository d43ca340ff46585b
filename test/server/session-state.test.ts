import { strict as assert } from 'node:assert';
import { databaseUrl } from '@handback/contract/support/database.js';
import { type ConnectionPool, createPool } from '@handback/core';
import type { RowDataPacket } from 'mysql2';

/** What one lease leaves behind on purpose, and how the next one would see it. */
interface Stain {
  name: string;
  dirty: string[];
  /** One row, one column `seen`; the same before as after when nothing leaks. */
  look: string;
}

const CONNECTION = 'SELECT CONNECTION_ID() AS seen';

const STAINS: Stain[] = [
  {
    name: 'an open transaction',
    dirty: ['BEGIN', 'UPDATE stained SET n = n + 1'],
    look: 'SELECT @@in_transaction AS seen',
  },
  {
    name: 'autocommit off',
    dirty: ['SET autocommit = 0', 'SELECT * FROM stained'],
    look: 'SELECT @@autocommit AS seen',
  },
  {
    name: 'the isolation level',
    dirty: ['SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE'],
    look: 'SELECT @@tx_isolation AS seen',
  },
  {
    name: 'read-only sessions',
    dirty: ['SET SESSION TRANSACTION READ ONLY'],
    look: 'SELECT @@tx_read_only AS seen',
  },
  { name: 'a variable by SET', dirty: ["SET @a = 'secret'"], look: 'SELECT @a AS seen' },
  { name: 'a variable by :=', dirty: ["SELECT @b := 'secret'"], look: 'SELECT @b AS seen' },
  { name: 'a variable by INTO', dirty: ["SELECT 'secret' INTO @c"], look: 'SELECT @c AS seen' },
  {
    name: 'a temporary table',
    dirty: ['CREATE TEMPORARY TABLE scratch (n INT)'],
    look: 'SELECT COUNT(*) AS seen FROM scratch',
  },
  {
    name: 'a temporary table that shadows a real one',
    dirty: ['CREATE TEMPORARY TABLE stained (n INT)', 'INSERT INTO stained VALUES (1000000)'],
    look: 'SELECT MAX(n) AS seen FROM stained',
  },
  {
    name: 'a named lock',
    dirty: ["SELECT GET_LOCK('handback_test', 0)"],
    look: "SELECT IS_USED_LOCK('handback_test') AS seen",
  },
  {
    name: 'a named lock behind a comment',
    dirty: ["SELECT GET_LOCK/* x */('handback_test', 0)"],
    look: "SELECT IS_USED_LOCK('handback_test') AS seen",
  },
  {
    name: 'a named lock in a versioned comment',
    dirty: ["SELECT 1 /*!50000 , GET_LOCK('handback_test', 0) */"],
    look: "SELECT IS_USED_LOCK('handback_test') AS seen",
  },
  { name: 'the SQL mode', dirty: ["SET sql_mode = 'ANSI_QUOTES'"], look: 'SELECT @@sql_mode AS seen' },
  { name: 'the time zone', dirty: ["SET time_zone = '+05:00'"], look: 'SELECT @@time_zone AS seen' },
  {
    name: 'foreign key checks',
    dirty: ['SET foreign_key_checks = 0'],
    look: 'SELECT @@foreign_key_checks AS seen',
  },
  {
    name: 'a lock timeout',
    dirty: ['SET innodb_lock_wait_timeout = 1'],
    look: 'SELECT @@innodb_lock_wait_timeout AS seen',
  },
  {
    name: 'group_concat_max_len',
    dirty: ['SET group_concat_max_len = 4'],
    look: 'SELECT @@group_concat_max_len AS seen',
  },
  {
    name: 'a frozen clock',
    dirty: ['SET timestamp = 1000000'],
    look: 'SELECT @@timestamp > 1000001 AS seen',
  },
  { name: 'the schema', dirty: ['USE information_schema'], look: 'SELECT DATABASE() AS seen' },
  { name: 'the character set', dirty: ['SET NAMES latin1'], look: 'SELECT @@character_set_client AS seen' },
  {
    name: 'the collation',
    dirty: ['SET NAMES utf8mb4 COLLATE utf8mb4_bin'],
    look: 'SELECT @@collation_connection AS seen',
  },
  {
    name: 'what a stored function set',
    dirty: ['SELECT stain_by_function()'],
    look: 'SELECT @by_function AS seen',
  },
  {
    name: 'what a procedure set',
    dirty: ['CALL stain_by_procedure()'],
    look: 'SELECT @by_procedure AS seen',
  },
  {
    name: 'a transaction that a procedure began',
    dirty: ['CALL begin_in_procedure()'],
    look: 'SELECT @@in_transaction AS seen',
  },
];

async function see(pool: ConnectionPool, sql: string): Promise<unknown> {
  try {
    const [rows] = await pool.query<RowDataPacket[]>(sql);
    return rows[0]?.seen;
  } catch (error) {
    return (error as { code?: string }).code;
  }
}

describe('session state left by one holder is gone for the next', () => {
  let pool: ConnectionPool;

  before(async () => {
    pool = createPool({ uri: databaseUrl(), max: 1 });
    await pool.query('CREATE TABLE IF NOT EXISTS stained (n INT)');
    await pool.query('INSERT INTO stained VALUES (1)');
    await pool.query(
      "CREATE OR REPLACE FUNCTION stain_by_function() RETURNS INT BEGIN SET @by_function = 'secret'; RETURN 1; END",
    );
    await pool.query("CREATE OR REPLACE PROCEDURE stain_by_procedure() SET @by_procedure = 'secret'");
    await pool.query(
      'CREATE OR REPLACE PROCEDURE begin_in_procedure() BEGIN START TRANSACTION; UPDATE stained SET n = n + 1; END',
    );
  });

  after(async () => {
    for (const sql of [
      'DROP TABLE stained',
      'DROP FUNCTION stain_by_function',
      'DROP PROCEDURE stain_by_procedure',
      'DROP PROCEDURE begin_in_procedure',
    ]) {
      await pool.query(sql);
    }
    await pool.close();
  });

  for (const { name, dirty, look } of STAINS) {
    it(name, async () => {
      const before = await see(pool, look);
      await pool.run(async (db) => {
        for (const sql of dirty) await db.query(sql);
      });
      assert.equal(await see(pool, look), before);
    });
  }

  it('plain statements, text and prepared, cost no reset and keep the connection', async () => {
    const connection = await see(pool, CONNECTION);
    const { reset } = pool.stats();
    for (let n = 0; n < 20; n++) {
      await pool.run(async (db) => {
        await db.query('SELECT n FROM stained WHERE n > ? ORDER BY n LIMIT 1', [0]);
        await db.execute('UPDATE stained SET n = ? WHERE n = ?', [1, 1]);
        await db.transaction((tx) => tx.query('INSERT INTO stained (n) VALUES (?)', [n]));
      });
    }
    assert.equal(pool.stats().reset, reset);
    assert.equal(await see(pool, CONNECTION), connection);
  });

  it('`count (*)` with a space means the same on a fresh connection and on a reset one', async () => {
    const other = createPool({ uri: databaseUrl(), max: 1 });
    const attempt = () =>
      other.query('SELECT COUNT (*) FROM stained').then(
        () => 'accepted',
        (error) => error.code,
      );
    const fresh = await attempt();
    await other.query('SET @a = 1');
    const reset = await attempt();
    await other.close();
    assert.equal(reset, fresh);
  });

  it('a request that switched to gbk can not make the next one an injection', async () => {
    await pool.query('SET NAMES gbk');
    const [rows] = await pool.query<RowDataPacket[]>('SELECT ? AS a, ? AS b', [
      '縗',
      ', VERSION() AS hacked -- ',
    ]);
    assert.deepEqual(Object.keys(rows[0] as object), ['a', 'b']);
    assert.ok(pool.stats().evicted.charset > 0);
  });
});
