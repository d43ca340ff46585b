import { strict as assert } from 'node:assert';
import { databaseUrl, unique } from '@handback/contract/support/database.js';
import { type Connection, createConnection, type RowDataPacket } from 'mysql2/promise';
import type { Ask } from '#core/driver.js';
import type { SchemaReach } from '#core/schema-reach.js';
import { readSchemaReach, readServerFacts } from '#core/server-facts.js';

const APP = unique('handback_test_app');
const OTHER = unique('handback_test_other');
/** `_` of a pattern stands for any character: this one is covered by a pattern for APP. */
const LOOKALIKE = APP.replace(/_(?=\d+$)/, 'x');

function asking(connection: Connection): Ask {
  return async (sql) => (await connection.query<RowDataPacket[]>(sql))[0];
}

const SET_UP = [
  ...[APP, OTHER, LOOKALIKE].map((schema) => `CREATE DATABASE ${schema}`),
  `USE ${APP}`,
  'CREATE TABLE plain (id INT, name VARCHAR(20), data JSON)',
  'CREATE TABLE audited (id INT)',
  'CREATE TABLE `odd name` (id INT)',
  "CREATE TRIGGER audit AFTER INSERT ON audited FOR EACH ROW SET @by_trigger = 'secret'",
  'CREATE TRIGGER odd AFTER INSERT ON `odd name` FOR EACH ROW SET @by_trigger = 1',
  "CREATE FUNCTION stain() RETURNS INT BEGIN SET @by_function = 'secret'; RETURN 1; END",
  'CREATE VIEW calls_function AS SELECT stain() AS n',
  "CREATE VIEW calls_lock AS SELECT GET_LOCK('handback_test', 0) AS n",
  'CREATE VIEW over_function AS SELECT n FROM calls_function',
  'CREATE VIEW over_that AS SELECT p.id, o.n FROM plain p JOIN over_function o ON o.n = p.id',
  'CREATE VIEW over_trigger AS SELECT id FROM audited',
  'CREATE VIEW over_trigger_twice AS SELECT id FROM over_trigger',
  `CREATE VIEW harmless_join AS SELECT a.id, b.name, COUNT(*) AS n, JSON_EXTRACT(a.data, '$.a(b)') AS j,
     CASE WHEN a.id IN (1, 2) THEN 'is f(x)' ELSE CONCAT(a.name, '(@)') END AS text, MAX(a.id) AS \`max(id)\`,
     a.id AS \`net (total)\`, DATE_ADD(NOW(), INTERVAL 1 DAY) AS later, CAST(a.id AS CHAR(10)) AS c
     FROM plain a LEFT JOIN plain b ON a.id = b.id AND (a.name = b.name OR b.name IS NULL)
     WHERE EXISTS (SELECT 1 FROM plain) GROUP BY a.id HAVING COUNT(*) > 0`,
  "CREATE VIEW harmless_union AS (SELECT id FROM plain WHERE name <> 'it''s') UNION ALL SELECT MAX(id) FROM plain",
  'CREATE VIEW harmless_window AS SELECT ROW_NUMBER() OVER (PARTITION BY name ORDER BY id) AS n FROM plain',
  `CREATE VIEW harmless_recursion AS
     WITH RECURSIVE r (a) AS (SELECT 1 UNION ALL SELECT a + 1 FROM r WHERE a < 3) SELECT a FROM r`,
  'CREATE VIEW harmless_over_harmless AS SELECT * FROM harmless_join',
  `CREATE TABLE ${OTHER}.hidden (id INT)`,
  `CREATE TRIGGER ${OTHER}.hide AFTER INSERT ON ${OTHER}.hidden FOR EACH ROW SET @by_trigger = 1`,
  `CREATE VIEW over_hidden AS SELECT id FROM ${OTHER}.hidden`,
  `CREATE VIEW ${OTHER}.hidden_call AS SELECT ${APP}.stain() AS n`,
  `CREATE VIEW over_hidden_call AS SELECT n FROM ${OTHER}.hidden_call`,
  'CREATE VIEW harmless_from AS SELECT EXTRACT(YEAR FROM p.name) AS y, TRIM(BOTH 1 FROM p.name) AS t FROM plain p',
  `CREATE TABLE ${LOOKALIKE}.t (id INT)`,
];

describe('what is read from the server', () => {
  let admin: Connection;
  const accounts: string[] = [];
  const roles: string[] = [];

  before(async () => {
    admin = await createConnection(databaseUrl());
    for (const sql of SET_UP) await admin.query(sql);
  });

  after(async () => {
    for (const account of accounts) await admin.query(`DROP USER ${account}`);
    for (const role of roles) await admin.query(`DROP ROLE ${role}`);
    for (const schema of [APP, OTHER, LOOKALIKE]) await admin.query(`DROP DATABASE ${schema}`);
    await admin.end();
  });

  /** A new account; `$` in a grant stands for its name. */
  async function account(grants: string[], options = ''): Promise<Connection> {
    const name = unique('u').slice(0, 32);
    await admin.query(`CREATE USER ${name}@'%' IDENTIFIED BY 'Handback-1' ${options}`);
    accounts.push(`${name}@'%'`);
    for (const grant of grants) await admin.query(grant.replace('$', `${name}@'%'`));
    const url = Object.assign(new URL(databaseUrl()), {
      username: name,
      password: 'Handback-1',
      pathname: '',
    });
    return createConnection(url.href);
  }

  async function reachOf(connection: Connection, schema = APP): Promise<SchemaReach> {
    await connection.query(`USE ${schema}`);
    return readSchemaReach(asking(connection));
  }

  async function reachWith(...grants: string[]): Promise<SchemaReach> {
    const connection = await account(grants);
    try {
      return await reachOf(connection);
    } finally {
      await connection.end();
    }
  }

  /** Did the statement leave something in the session? The truth that a reach must not miss. */
  async function stains(sql: string): Promise<boolean> {
    const connection = await createConnection(databaseUrl());
    try {
      await connection.query(`USE ${APP}`);
      await connection.query(sql);
      const [[seen]] = await connection.query<RowDataPacket[]>(
        "SELECT COALESCE(@by_trigger, @by_function, IF(IS_USED_LOCK('handback_test') = CONNECTION_ID(), 1, NULL)) AS seen",
      );
      return seen?.seen !== null;
    } finally {
      await connection.end();
    }
  }

  describe('its limits', () => {
    it('are those of the session, in one statement', async () => {
      await admin.query('SET SESSION wait_timeout = 123');
      const facts = await readServerFacts(asking(admin));
      const [[row]] = await admin.query<RowDataPacket[]>(
        'SELECT VERSION() AS version, @@max_connections AS most, @@global.max_user_connections AS each_',
      );
      assert.deepEqual(
        [facts.version, facts.waitTimeoutMs, facts.maxConnections, facts.maxUserConnections],
        [row?.version, 123_000, row?.most, row?.each_],
      );
    });

    it('include the account’s own number of connections', async () => {
      const connection = await account([], 'WITH MAX_USER_CONNECTIONS 5');
      const facts = await readServerFacts(asking(connection));
      await connection.end();
      assert.equal(facts.maxUserConnections, 5);
    });
  });

  describe('to an account that may see everything', () => {
    let reach: SchemaReach;

    before(async () => {
      reach = await reachOf(admin);
    });

    for (const [sql, onlyReads] of [
      ['INSERT INTO audited VALUES (1)', false],
      [`INSERT INTO ${APP}.AUDITED VALUES (1)`.replace('AUDITED', 'audited'), false],
      ['INSERT INTO `odd name` VALUES (1)', false],
      ['INSERT INTO over_trigger VALUES (1)', false],
      ['INSERT INTO over_trigger_twice VALUES (1)', false],
      [`INSERT INTO ${OTHER}.hidden VALUES (1)`, false],
      ['INSERT INTO over_hidden VALUES (1)', false],
      ['INSERT INTO plain (id) SELECT n FROM over_function', false],
      ['SELECT * FROM calls_function', true],
      ['SELECT * FROM calls_lock', true],
      ['SELECT * FROM over_function', true],
      [`SELECT COUNT(n) FROM ${APP}.over_that`, true],
    ] as const) {
      it(`runs stored code, and is known to: ${sql.replace(APP, 'app').replace(OTHER, 'other')}`, async () => {
        await admin.query(`INSERT INTO ${APP}.plain (id) VALUES (1)`);
        assert.equal(await stains(sql), true, 'the case itself is wrong: nothing ran');
        assert.notEqual(reach.reached(sql, onlyReads, false), null);
      });
    }

    for (const [sql, onlyReads] of [
      ['INSERT INTO plain (id) VALUES (2)', false],
      ['INSERT INTO plain (id) SELECT id FROM harmless_union', false],
      ['SELECT * FROM audited', true],
      ['SELECT * FROM over_trigger', true],
      ['SELECT * FROM harmless_join', true],
      ['SELECT * FROM harmless_union', true],
      ['SELECT * FROM harmless_window', true],
      ['SELECT * FROM harmless_recursion', true],
      ['SELECT * FROM harmless_over_harmless', true],
      [`SELECT * FROM ${OTHER}.hidden`, true],
    ] as const) {
      it(`runs none, and is known to: ${sql.replace(OTHER, 'other')}`, async () => {
        assert.equal(await stains(sql), false, 'the case itself is wrong: something ran');
        assert.equal(reach.reached(sql, onlyReads, false), null);
      });
    }

    it('sees the same in a session that quotes with ANSI_QUOTES or does not quote', async () => {
      const connection = await createConnection(databaseUrl());
      await connection.query("SET sql_mode = 'ANSI_QUOTES', sql_quote_show_create = 0");
      const found = await reachOf(connection);
      await connection.end();
      assert.equal(found.blind, null);
      assert.equal(found.reached('UPDATE plain SET id = 1', false, false), null);
      assert.notEqual(found.reached('SELECT * FROM over_function', true, false), null);
      assert.equal(found.reached('SELECT * FROM harmless_join', true, false), null);
    });
  });

  describe('to an account with fewer rights', () => {
    const insertsPlain = (reach: SchemaReach) =>
      reach.reached('INSERT INTO plain (id) VALUES (1)', false, false);
    const insertsAudited = (reach: SchemaReach) =>
      reach.reached('INSERT INTO audited VALUES (1)', false, false);
    const readsView = (reach: SchemaReach) => reach.reached('SELECT * FROM harmless_join', true, false);

    /** Does this server show triggers to those who may only write? */
    async function writersSee(): Promise<boolean> {
      const connection = await account([`GRANT INSERT ON ${APP}.* TO $`]);
      const rows = await asking(connection)(
        `SELECT 1 FROM information_schema.TRIGGERS WHERE EVENT_OBJECT_SCHEMA = '${APP}'`,
      );
      await connection.end();
      return rows.length > 0;
    }

    it('that may read and write, a trigger is either visible or every write is suspect', async () => {
      const reach = await reachWith(`GRANT SELECT, INSERT, UPDATE, DELETE ON ${APP}.* TO $`);
      const blind = !(await writersSee());
      assert.notEqual(insertsAudited(reach), null);
      assert.equal(insertsPlain(reach) !== null, blind);
      assert.equal(reach.blind !== null, blind);
    });

    it('the definition of a view may be hidden, and then it counts as calling anything', async () => {
      const hidden = await reachWith(`GRANT SELECT ON ${APP}.* TO $`);
      assert.notEqual(readsView(hidden), null);
      const shown = await reachWith(`GRANT SELECT, SHOW VIEW ON ${APP}.* TO $`);
      assert.equal(readsView(shown), null);
      assert.notEqual(shown.reached('SELECT * FROM over_function', true, false), null);
    });

    it('ALL on its schema shows its triggers, and none of another schema under a view', async () => {
      const reach = await reachWith(`GRANT ALL ON ${APP}.* TO $`);
      assert.deepEqual([reach.blind, insertsPlain(reach)], [null, null]);
      assert.notEqual(insertsAudited(reach), null);
      assert.notEqual(reach.reached('INSERT INTO over_hidden VALUES (1)', false, false), null);
    });

    it('a view over another schema may call what is hidden there', async () => {
      const reach = await reachWith(`GRANT SELECT, SHOW VIEW ON ${APP}.* TO $`);
      assert.notEqual(reach.reached('SELECT * FROM over_hidden_call', true, false), null);
      assert.equal(reach.reached('SELECT * FROM harmless_from', true, false), null);
      assert.equal(readsView(reach), null);
    });

    it('a pattern covers the schemas that match it', async () => {
      const reach = await reachWith(`GRANT ALL ON \`${APP.slice(0, -2)}%\`.* TO $`);
      assert.deepEqual([reach.blind, insertsPlain(reach)], [null, null]);
      assert.notEqual(insertsAudited(reach), null);
    });

    it('a narrower grant hides what a wider pattern would show', async () => {
      const reach = await reachWith(
        `GRANT SELECT ON \`${APP.replaceAll('_', '\\_')}\`.* TO $`,
        `GRANT TRIGGER ON \`${APP.slice(0, -2)}%\`.* TO $`,
      );
      if (await writersSee()) {
        const write = 'INSERT INTO over_trigger VALUES (1)';
        assert.notEqual(reach.reached(write, false, false), null);
      } else {
        assert.notEqual(insertsPlain(reach), null);
      }
    });

    it('an escaped underscore covers no other schema', async () => {
      const connection = await account([
        `GRANT ALL ON \`${APP.replaceAll('_', '\\_')}\`.* TO $`,
        `GRANT SELECT ON ${LOOKALIKE}.* TO $`,
      ]);
      const reach = await reachOf(connection, LOOKALIKE);
      await connection.end();
      assert.equal(reach.blind !== null, !(await writersSee()));
    });

    it('a role counts while it is active', async () => {
      const role = unique('handback_role').slice(0, 32);
      await admin.query(`CREATE ROLE ${role}`);
      roles.push(role);
      await admin.query(`GRANT ALL ON ${APP}.* TO ${role}`);
      const connection = await account([`GRANT SELECT ON ${APP}.* TO $`, `GRANT ${role} TO $`]);
      const inactive = await reachOf(connection);
      await connection.query(`SET ROLE ${role}`);
      const active = await reachOf(connection);
      await connection.end();
      assert.notEqual(inactive.reached('SELECT * FROM harmless_join', true, false), null);
      assert.deepEqual([active.blind, insertsPlain(active), readsView(active)], [null, null, null]);
      assert.notEqual(insertsAudited(active), null);
    });
  });

  it('takes a second at most for each statement: the server ends it', async () => {
    const statements: string[] = [];
    await readSchemaReach((sql) => {
      statements.push(sql);
      return asking(admin)(sql);
    });
    const bounded = statements.filter((sql) => /max_statement_time|MAX_EXECUTION_TIME/.test(sql));
    assert.ok(bounded.length >= 3);
    for (const sql of bounded) {
      const slow = sql.replace(/\bWHERE (?!TABLE_SCHEMA = 'inf)/, 'WHERE SLEEP(5) = 0 AND ');
      assert.notEqual(slow, sql);
      // Interrupted, SLEEP answers 1 where the server doesn't make it an error: in either case no rows.
      const outcome = await asking(admin)(slow).catch((error: { errno?: number }) => error.errno);
      assert.ok(outcome === 1969 || outcome === 3024, String(outcome));
    }
  });
});
