import { strict as assert } from 'node:assert';
import { databaseUrl, unique } from '@handback/contract/support/database.js';
import { type ConnectionPool, createPool, type PoolOptions } from '@handback/core';
import type { RowDataPacket } from 'mysql2';
import { createConnection } from 'mysql2/promise';

// What a session keeps although neither the text of the statement nor the status of its answer tells.

const table = unique('hidden_rows');
const calling = unique('hidden_calling');
const becoming = unique('hidden_becoming');
const profiled = unique('hidden_profiled');
const distributed = unique('hidden_distributed');
const harmless = unique('hidden_harmless');
const triggered = unique('hidden_triggered');
const TRIGGER = `CREATE TRIGGER ${triggered}_t BEFORE INSERT ON ${triggered} FOR EACH ROW SELECT 7 INTO @hidden`;
const [sequence, drawing, assigning] = ['sequence', 'drawing', 'assigning'].map((name) =>
  unique(`hidden_${name}`),
);
const role = unique('handback_test_role');

const CREATE = [
  `CREATE TABLE ${table} (id INT AUTO_INCREMENT PRIMARY KEY, n INT UNIQUE) AUTO_INCREMENT = 1001`,
  `INSERT INTO ${table} VALUES (1, 1)`,
  `CREATE SEQUENCE ${sequence}`,
  `CREATE TABLE ${drawing} (id INT DEFAULT NEXTVAL(${sequence}), n INT)`,
  `CREATE TABLE ${assigning} (a INT DEFAULT (@hidden := 7), n INT)`,
  `CREATE ROLE ${role}`,
  `CREATE FUNCTION ${becoming}() RETURNS INT BEGIN SET ROLE ${role}; RETURN 1; END`,
  `CREATE TABLE ${calling} (n INT)`,
  `CREATE TRIGGER ${calling}_trigger BEFORE INSERT ON ${calling} FOR EACH ROW SET NEW.n = ${becoming}()`,
  `CREATE PROCEDURE ${profiled}() BEGIN SET profiling = 1; SELECT 'secret'; SET profiling = 0; END`,
  `CREATE PROCEDURE ${distributed}() BEGIN XA START '${distributed}'; UPDATE ${table} SET n = n; END`,
  `CREATE PROCEDURE ${harmless}() SELECT 1`,
];

const DROP = [
  `DROP TABLE IF EXISTS ${table}, ${calling}, ${triggered}, ${drawing}, ${assigning}`,
  `DROP SEQUENCE IF EXISTS ${sequence}`,
  `DROP FUNCTION IF EXISTS ${becoming}`,
  ...[profiled, distributed, harmless].map((name) => `DROP PROCEDURE IF EXISTS ${name}`),
  `DROP ROLE IF EXISTS ${role}`,
];

async function runAll(statements: readonly string[]): Promise<void> {
  const connection = await createConnection(databaseUrl());
  try {
    for (const sql of statements) await connection.query(sql);
  } finally {
    await connection.end();
  }
}

/** With a pool of one connection: what the second user sees, after the first. */
async function withPool<T>(options: PoolOptions, work: (pool: ConnectionPool) => Promise<T>): Promise<T> {
  const pool = createPool({ uri: databaseUrl(), max: 1, ...options });
  try {
    return await work(pool);
  } finally {
    await pool.close();
  }
}

type Queries = Pick<ConnectionPool, 'query'>;

async function scalar(db: Queries, sql: string): Promise<unknown> {
  const [[row]] = (await db.query<RowDataPacket[]>(sql)) as unknown as [RowDataPacket[]];
  return Object.values(row ?? {})[0];
}

describe('what a session keeps unseen', () => {
  before(() => runAll([...DROP, ...CREATE]));
  after(() => runAll(DROP));

  it('without autocommit, a first statement that is refused leaves no transaction open', async () => {
    await withPool({ onConnect: 'SET autocommit = 0' }, async (pool) => {
      await assert.rejects(pool.query(`INSERT INTO ${table} VALUES (1, 2)`), { errno: 1062 });
      assert.equal(await scalar(pool, 'SELECT @@in_transaction'), 0);
    });
  });

  for (const sql of [`SELECT ${becoming}()`, `INSERT INTO ${calling} VALUES (0)`]) {
    it(`a role that stored code took on is not the next one's: ${sql.split(' ')[0]}`, async () => {
      await withPool({}, async (pool) => {
        await pool.query(sql);
        assert.equal(await scalar(pool, 'SELECT CURRENT_ROLE()'), null);
      });
    });
  }

  it('the profiles of what a procedure ran are gone', async () => {
    await withPool({}, async (pool) => {
      await pool.query(`CALL ${profiled}()`);
      const [profiles] = await pool.query('SHOW PROFILES');
      assert.deepEqual(profiles, []);
    });
  });

  it('an XA transaction that a procedure began does not keep the next one from writing', async () => {
    await withPool({}, async (pool) => {
      await pool.query(`CALL ${distributed}()`);
      await pool.query(`UPDATE ${table} SET n = n`);
    });
  });

  it('with a role from the start, a procedure does not cost the connection', async () => {
    const user = unique('role_user');
    const [url, password] = [new URL(databaseUrl()), 'a-test-password'];
    const schema = url.pathname.slice(1);
    await runAll([
      `CREATE USER '${user}'@'%' IDENTIFIED BY '${password}'`,
      `GRANT ALL ON \`${schema}\`.* TO '${user}'@'%'`,
      `GRANT ${role} TO '${user}'@'%'`,
      `SET DEFAULT ROLE ${role} FOR '${user}'@'%'`,
    ]);
    try {
      await withPool({ uri: Object.assign(url, { username: user, password }).href }, async (pool) => {
        const connection = await scalar(pool, 'SELECT CONNECTION_ID()');
        assert.equal(await scalar(pool, 'SELECT CURRENT_ROLE()'), role);
        await pool.query(`CALL ${harmless}()`);
        assert.equal(await scalar(pool, 'SELECT CONNECTION_ID()'), connection);
      });
    } finally {
      await runAll([`DROP USER '${user}'@'%'`]);
    }
  });

  it('a statement that the driver refuses does not show the warnings and counts of others', async () => {
    await withPool({}, async (pool) => {
      await pool.query(`SELECT 'secret' + n FROM ${table}`);
      await pool.run(async (db) => {
        await assert.rejects(db.execute('SELECT ?', [undefined as never]), TypeError);
        assert.deepEqual((await db.query('SHOW WARNINGS'))[0], []);
      });
    });
  });

  describe('a trigger that the pool itself creates', () => {
    beforeEach(() => runAll([`CREATE OR REPLACE TABLE ${triggered} (n INT)`]));

    it('counts although a later part of the same text failed', async () => {
      await withPool({ connection: { multipleStatements: true } }, async (pool) => {
        await assert.rejects(pool.query(`${TRIGGER}; SELECT missing`), { errno: 1054 });
        await pool.query(`INSERT INTO ${triggered} VALUES (1)`);
        assert.equal(await scalar(pool, 'SELECT @hidden'), null);
      });
    });

    it('counts for a statement that was sent before it and runs after it', async () => {
      await withPool({ max: 2 }, async (pool) => {
        const [definer, writer] = [await pool.acquire(), await pool.acquire()];
        await definer.query(`LOCK TABLES ${triggered} WRITE`);
        const written = writer.query(`INSERT INTO ${triggered} VALUES (1)`);
        await definer.query(TRIGGER);
        await definer.query('UNLOCK TABLES');
        await written;
        writer.release();
        const next = await pool.acquire();
        assert.equal(await scalar(next, 'SELECT @hidden'), null);
        next.release();
        definer.release();
      });
    });
  });

  describe('LAST_INSERT_ID(), after another one has inserted', () => {
    const LAST_ID = 'SELECT LAST_INSERT_ID()';

    const afterAnother = (work: (db: Queries) => Promise<void>) =>
      withPool({ connection: { multipleStatements: true } }, async (pool) => {
        await pool.query(`INSERT INTO ${table} (n) VALUES (NULL)`);
        await pool.run(work);
      });

    for (const insert of [
      `INSERT INTO ${table} (id) VALUES (500) ON DUPLICATE KEY UPDATE id = 500`,
      `INSERT INTO ${table} (n) VALUES (1) ON DUPLICATE KEY UPDATE n = 1`,
      `REPLACE INTO ${table} (id) VALUES (501)`,
    ]) {
      it(`is not the other's where the own statement generates none: ${insert.replace(table, 't')}`, async () => {
        await afterAnother(async (db) => {
          await db.query(insert);
          assert.equal(await scalar(db, LAST_ID), 0);
        });
      });
    }

    it('is the own one, generated before an INSERT that names its id', async () => {
      await afterAnother(async (db) => {
        const own = await db.query(`INSERT INTO ${table} (n) VALUES (NULL)`);
        await db.query(`REPLACE INTO ${table} (id) VALUES (502)`);
        assert.equal(await scalar(db, LAST_ID), (own as unknown as [{ insertId: number }])[0].insertId);
      });
    });

    it('is the own one after INSERT … RETURNING', async () => {
      await afterAnother(async (db) => {
        const own = await scalar(db, `INSERT INTO ${table} (n) VALUES (NULL) RETURNING id`);
        assert.equal(await scalar(db, LAST_ID), own);
      });
    });

    it('is the own one after several statements in one', async () => {
      await afterAnother(async (db) => {
        await db.query(`INSERT INTO ${table} (n) VALUES (NULL); UPDATE ${table} SET n = n WHERE id = 1`);
        assert.equal(await scalar(db, LAST_ID), await scalar(db, `SELECT MAX(id) FROM ${table}`));
      });
    });
  });

  describe('a character that the driver would write as a quote or a backslash, once its value is escaped', () => {
    const ASKED = 'SELECT ? AS a';
    const ENDS_ITS_LITERAL = "', VERSION() AS hacked -- ";

    for (const [charset, character, harmless] of [
      // Its low byte is 0x27.
      ['latin1', '\u0127', 'é'],
      ['sjis', '\u00a5', '表'],
      ['cp932', '\u00a5', '表'],
      ['ujis', '\u00a5', '表'],
      ['big5', '\u00ea', 'e'],
      ['gb2312', '\u4e57', 'e'],
    ] as const) {
      const value = `${character}${ENDS_ITS_LITERAL}`;
      const isRefused = (options: PoolOptions, before: string) =>
        withPool(options, (pool) =>
          pool.run(async (db) => {
            await db.query(before);
            for (const values of [
              [value],
              [[value]],
              [{ [value]: 1 }],
              [new Set([value])],
              [new Map([[value, 1]])],
            ]) {
              await assert.rejects(db.query(ASKED, values as never), { code: 'UNSAFE_PARAMETER' });
            }
            await assert.rejects(db.query(`SELECT '${character}'`), { code: 'UNSAFE_PARAMETER' });
            assert.equal(((await db.query(ASKED, [harmless]))[0] as RowDataPacket[])[0]?.a, harmless);
          }),
        );

      it(`is refused: ${charset}, of the pool`, () =>
        isRefused({ strictParams: 'off', connection: { charset: `${charset}_bin` } }, 'DO 0'));

      // The driver does not know it by the name that the server tells it, and stays with utf8mb4.
      if (charset !== 'ujis') {
        it(`is refused: ${charset}, that the request switched to`, () =>
          isRefused({ strictParams: 'off' }, `SET NAMES ${charset}`));
      }
    }
  });

  it('what a column default drew from a sequence, or assigned, is gone', async () => {
    await withPool({}, async (pool) => {
      await pool.query(`INSERT INTO ${drawing} (n) VALUES (1)`);
      assert.equal(await scalar(pool, `SELECT LASTVAL(${sequence})`), null);
      await pool.execute(`INSERT INTO ${assigning} (n) VALUES (1)`, []);
      assert.equal(await scalar(pool, 'SELECT @hidden'), null);
    });
  });
});
