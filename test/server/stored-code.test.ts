import { strict as assert } from 'node:assert';
import { databaseUrl, unique } from '@handback/contract/support/database.js';
import { type ConnectionPool, createPool } from '@handback/core';
import type { RowDataPacket } from 'mysql2';
import { type Connection, createConnection } from 'mysql2/promise';

/** What only the server could tell of: code that is stored in the schema, or put there while the pool is in use. */
describe('what stored code does to a session is gone for the next holder', () => {
  let pool: ConnectionPool;
  let somebodyElse: Connection;
  let table: string;
  let other: string;

  before(async () => {
    somebodyElse = await createConnection(databaseUrl());
  });

  after(() => somebodyElse.end());

  beforeEach(async () => {
    table = unique('stored');
    other = unique('renamed');
    pool = createPool({ uri: databaseUrl(), max: 1 });
    pool.events.on('warning', () => {});
    await somebodyElse.query(`CREATE TABLE ${table} (n INT) ENGINE=InnoDB`);
    // The schema has been looked at, and the table seen without a trigger.
    await pool.query('SELECT 1');
    assert.equal(await see('@leaked'), null);
  });

  afterEach(async () => {
    await somebodyElse.query(`DROP TABLE IF EXISTS ${table}, ${other}`);
    await pool.close();
  });

  async function see(expression: string): Promise<unknown> {
    const [rows] = await pool.query<RowDataPacket[]>(`SELECT ${expression} AS seen`);
    return rows[0]?.seen;
  }

  const trigger = () =>
    `CREATE TRIGGER ${table}_t BEFORE INSERT ON ${table} FOR EACH ROW SET @leaked = 'secret'`;
  const insertInto = (name: string) => `INSERT INTO ${name} (n) VALUES (?)`;

  it('a trigger made through the pool: known at once, to texts and to prepared statements', async () => {
    await pool.execute(insertInto(table), [1]);
    await pool.query(trigger());
    await pool.query(insertInto(table), [1]);
    assert.equal(await see('@leaked'), null);
    await pool.execute(insertInto(table), [1]);
    assert.equal(await see('@leaked'), null);
  });

  it('a trigger made by somebody else: what it sets is reported by the server itself', async () => {
    await pool.execute(insertInto(table), [1]);
    await somebodyElse.query(trigger());
    await pool.query(insertInto(table), [1]);
    assert.equal(await see('@leaked'), null);
    await pool.execute(insertInto(table), [1]);
    assert.equal(await see('@leaked'), null);
  });

  it('a table with a trigger that gets another name through the pool', async () => {
    await pool.query(trigger());
    await pool.query('SELECT 1');
    await pool.query(`ALTER TABLE ${table} RENAME TO ${other}`);
    await pool.query(insertInto(other), [1]);
    assert.equal(await see('@leaked'), null);
    await pool.execute(insertInto(other), [1]);
    assert.equal(await see('@leaked'), null);
  });

  it('a trigger that takes a lock: released, also when it was made behind the pool’s back', async () => {
    const lock = unique('handback_test_lock');
    await somebodyElse.query(
      `CREATE TRIGGER ${table}_t BEFORE INSERT ON ${table} FOR EACH ROW SET NEW.n = GET_LOCK('${lock}', 0)`,
    );
    // Nothing tells of it until the next look, which a new connection takes when a connection was lost.
    const [[row]] = await pool.query<RowDataPacket[]>('SELECT CONNECTION_ID() AS id');
    await somebodyElse.query(`KILL ${row?.id}`);
    assert.notEqual(await see('CONNECTION_ID()'), row?.id);
    await pool.query(insertInto(table), [1]);
    assert.equal(await see(`IS_USED_LOCK('${lock}')`), null);
  });

  it('a procedure that makes a temporary table, which hides a real one', async () => {
    const procedure = `${table}_p`;
    await somebodyElse.query(
      `CREATE PROCEDURE ${procedure}() CREATE TEMPORARY TABLE ${table} AS SELECT 1000000 AS n`,
    );
    try {
      await pool.query(`CALL ${procedure}()`);
      assert.equal(await see(`(SELECT MAX(n) FROM ${table})`), null);
      await pool.execute(`CALL ${procedure}()`);
      assert.equal(await see(`(SELECT MAX(n) FROM ${table})`), null);
    } finally {
      await somebodyElse.query(`DROP PROCEDURE ${procedure}`);
    }
  });

  it('an XA transaction, in any of its states', async () => {
    const xid = `'${unique('xa')}'`;
    for (const steps of [
      [`XA START ${xid}`],
      [`XA START ${xid}`, insertInto(table)],
      [`XA START ${xid}`, insertInto(table), `XA END ${xid}`],
    ]) {
      await pool.run(async (db) => {
        for (const sql of steps) await db.query(sql.replace('?', '1'));
      });
      assert.equal(await see(`(SELECT COUNT(*) FROM ${table})`), 0);
      await pool.transaction((tx) => tx.query('SELECT 1'));
    }
  });

  it('a prepared statement made by SQL, and a handler on a table', async () => {
    await pool.run(async (db) => {
      await db.query("PREPARE own FROM 'SELECT 1'");
      await db.query(`HANDLER ${table} OPEN`);
    });
    await assert.rejects(pool.query('EXECUTE own'), { code: 'ER_UNKNOWN_STMT_HANDLER' });
    await assert.rejects(pool.query(`HANDLER ${table} READ FIRST`), { code: 'ER_UNKNOWN_TABLE' });
  });
});
