import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { databaseUrl, unique } from '@handback/contract/support/database.js';
import { eventually } from '@handback/contract/support/eventually.js';
import { createPool, type PoolOptions } from '@handback/core';
import handback from '@handback/express';
import express from 'express';
import fc from 'fast-check';
import mysql, { type RowDataPacket } from 'mysql2/promise';
import { tagged, withComment } from '#core/drivers/mysql2-tag.js';
import { Call } from '#core/statement.js';
import { tagOf } from '#core/statement-tag.js';

type Pool = ReturnType<typeof createPool>;

async function withPool(options: PoolOptions, work: (pool: Pool) => Promise<void>): Promise<void> {
  const pool = createPool({ uri: databaseUrl(), max: 1, tag: true, ...options });
  try {
    await work(pool);
  } finally {
    await pool.close();
  }
}

/** What the server says that the thread runs; it asks about itself. */
const OWN_TEXT = 'SELECT INFO AS text FROM information_schema.PROCESSLIST WHERE ID = CONNECTION_ID()';

async function ownText(db: Pick<Pool, 'query'>, sql = OWN_TEXT): Promise<string> {
  const [rows] = await db.query<RowDataPacket[]>(sql);
  return rows[0]?.text;
}

/** Serves `app` while `work` asks it. */
async function served(app: express.Express, work: (url: string) => Promise<void>): Promise<void> {
  const server: Server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    await work(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
  }
}

describe('tagged statements', () => {
  it("name route, method and request's id in the server's process list", () =>
    withPool({}, async (pool) => {
      const app = express().use(handback({ pool }));
      app.get('/users/:id', async (req, res) => void res.send(await ownText(req.db)));
      await served(app, async (url) => {
        const headers = { 'x-request-id': 'r-17' };
        const answer = await fetch(`${url}/users/7`, { headers });
        assert.equal(
          await answer.text(),
          `${OWN_TEXT} /*method='GET',request_id='r-17',route='%2Fusers%2F%3Aid'*/`,
        );
      });
    }));

  it('are not changed without the option', () =>
    withPool({ tag: false }, async (pool) => assert.equal(await ownText(pool), OWN_TEXT)));

  it('can not be broken out of by what a client sends', () =>
    withPool({}, async (pool) => {
      const app = express().use(handback({ pool }));
      app.use(async (req, res) => void res.send(await ownText(req.db)));
      await served(app, async (url) => {
        for (const id of [
          "*/ SELECT 2 /*'",
          "'*/; DROP TABLE x; --",
          '? :a ??',
          '\u00ff\\',
          'x'.repeat(5_000),
        ]) {
          const headers = { 'x-request-id': Buffer.from(id, 'latin1').toString('latin1') };
          const answer = await fetch(`${url}/%27*%2F;x?a=*/'`, { headers });
          const text = await answer.text();
          assert.equal(answer.status, 200, text);
          assert.match(
            text,
            /^SELECT INFO [^*]* \/\*method='GET',(request_id='[\w%.~-]{1,500}',)?route='[\w%.~-]+'\*\/$/,
          );
        }
      });
    }));

  it('that are prepared name no request, so that requests share them', () =>
    withPool({}, async (pool) => {
      const prepared = async () => {
        const [rows] = await pool.query<RowDataPacket[]>("SHOW SESSION STATUS LIKE 'Com_stmt_prepare'");
        return Number(rows[0]?.Value);
      };
      const app = express().use(handback({ pool }));
      app.get('/', async (req, res) => {
        const [[row]] = await req.db.execute<RowDataPacket[]>(`${OWN_TEXT} AND 1 = ?`, [1]);
        res.send(row?.text);
      });
      await served(app, async (url) => {
        const before = await prepared();
        for (const id of ['a', 'b']) {
          const answer = await fetch(url, { headers: { 'x-request-id': id } });
          assert.match(await answer.text(), / \/\*method='GET',route='%2F'\*\/$/);
        }
        assert.equal((await prepared()) - before, 1);
      });
    }));

  it('of streams, jobs and transactions name them too', () =>
    withPool({}, async (pool) => {
      const rows: RowDataPacket[] = [];
      for await (const row of pool.stream(OWN_TEXT)) rows.push(row as RowDataPacket);
      assert.match(rows[0]?.text, /\/\*route='pool[\w.]*'\*\/$/);
      assert.match(await pool.run(ownText, { name: 'nightly' }), /\/\*route='nightly'\*\/$/);
      assert.match(await pool.transaction((tx) => ownText(tx)), /\/\*route='pool\.transaction'\*\/$/);
    }));

  it('keep their values, placeholders, options and rows', () =>
    withPool({}, async (pool) => {
      const [named] = await pool.query<RowDataPacket[]>(
        { sql: 'SELECT :a AS a', namedPlaceholders: true },
        { a: '*/?' },
      );
      assert.deepEqual(named, [{ a: '*/?' }]);
      const [list] = await pool.query<RowDataPacket[]>({
        sql: 'SELECT ? AS a',
        rowsAsArray: true,
        values: ['b'],
      });
      assert.deepEqual(list, [['b']]);
      const [[row]] = await pool.execute<RowDataPacket[]>('SELECT ? AS a;', ['c']);
      assert.equal(row?.a, 'c');
    }));

  it('that define stored code have none: the server would keep it; other DDL has', () =>
    withPool({ max: 2 }, async (pool) => {
      const [table, name] = [unique('tagged'), unique('stored')];
      const definition = async (what: string, column: string) => {
        const [rows] = await pool.query<RowDataPacket[]>(`SHOW CREATE ${what} ${name}`);
        return String(rows[0]?.[column]);
      };
      await pool.query(`CREATE TABLE ${table} (a INT)`);
      try {
        await pool.query(`CREATE PROCEDURE ${name}() SELECT 1`);
        await pool.query(
          `/* why */ CREATE TRIGGER ${name} BEFORE INSERT ON ${table} FOR EACH ROW SET NEW.a = 1`,
        );
        assert.match(await definition('PROCEDURE', 'Create Procedure'), /SELECT 1$/);
        assert.match(await definition('TRIGGER', 'SQL Original Statement'), /NEW\.a = 1$/);
        const [held, altering] = [await pool.acquire(), await pool.acquire()];
        await held.query(`LOCK TABLES ${table} READ`);
        const { threadId } = altering;
        const altered = altering.query(`ALTER TABLE ${table} ADD b INT`);
        await eventually(async () => {
          const [rows] = await held.query<RowDataPacket[]>('SHOW FULL PROCESSLIST');
          const row = rows.find(({ Id }) => Id === threadId);
          assert.match(row?.Info, /ADD b INT \/\*route='pool\.acquire'\*\/$/);
        });
        await held.query('UNLOCK TABLES');
        await altered;
        held.release();
        altering.release();
      } finally {
        await pool.query(`DROP TABLE ${table}`);
        await pool.query(`DROP PROCEDURE IF EXISTS ${name}`);
      }
    }));

  it('are named in the slow log, prepared or not', () =>
    withPool({ tag: false }, async (admin) => {
      const [[before]] = await admin.query<RowDataPacket[]>(
        'SELECT @@GLOBAL.slow_query_log AS slow, @@GLOBAL.log_output AS output, @@GLOBAL.long_query_time AS time',
      );
      const set = (slow: number, output: string, time: number) =>
        admin.query('SET GLOBAL slow_query_log = ?, GLOBAL log_output = ?, GLOBAL long_query_time = ?', [
          slow,
          output,
          time,
        ]);
      const route = unique('slow');
      await set(1, 'TABLE', 0.01);
      try {
        await withPool({}, (pool) =>
          pool.run(
            async (db) => {
              await db.query('SELECT SLEEP(0.02)');
              await db.execute('SELECT SLEEP(?)', [0.02]);
            },
            { name: route },
          ),
        );
        const [rows] = await admin.query<RowDataPacket[]>(
          'SELECT CONVERT(sql_text USING utf8mb4) AS text FROM mysql.slow_log WHERE sql_text LIKE ?',
          [`%${route}%`],
        );
        const expected = `SELECT SLEEP(0.02) /*route='${route}'*/`;
        assert.deepEqual(
          rows.map(({ text }) => text),
          [expected, expected],
        );
      } finally {
        await set(before?.slow, before?.output, before?.time);
      }
    }));

  it('say nothing of their tag in errors', () =>
    withPool({}, async (pool) => {
      await assert.rejects(pool.query('SELECT nonsense FROM nowhere'), (error: Error & { sql?: string }) => {
        assert.equal(error.sql, 'SELECT nonsense FROM nowhere');
        return true;
      });
    }));

  it('cost no reset: a tag is no change of the session', () =>
    withPool({}, async (pool) => {
      await pool.run(async (db) => {
        await db.query('SELECT 1');
        await db.execute('SELECT ?', [1]);
      });
      assert.equal(pool.stats().cleanReleases, pool.stats().released);
    }));
});

describe('the values of a tag', () => {
  const routeOf = (route: string) => tagOf({ route }, false).attributes.route;

  it('are cut at 128 characters', () => {
    assert.equal(routeOf('x'.repeat(128)), 'x'.repeat(128));
    assert.equal(routeOf('x'.repeat(129)), 'x'.repeat(128));
  });

  it('that were half a surrogate pair, or are cut into one, can be encoded', () => {
    assert.equal(routeOf(`${'x'.repeat(127)}\u{1f600}`), `${'x'.repeat(127)}\ufffd`);
    assert.equal(routeOf('a\ud800b \u{1f600}'), 'a\ufffdb \u{1f600}');
    assert.equal(tagOf({ route: '\udc00' }, true).comment, "/*route='%EF%BF%BD'*/");
  });
});

describe('the attributes of a tagged statement', () => {
  const tag = { comment: "/*route='x'*/", attributes: { route: 'x', method: 'GET' } };

  it('are sent beside the comment', () => {
    const call = Object.assign(new Call(true, 'SELECT ?', [1]), { tag });
    assert.deepEqual(tagged(call), {
      prepared: true,
      values: [1],
      sql: { sql: `SELECT ? ${tag.comment}`, attributes: tag.attributes },
    });
  });

  it('give way to those of the caller, whose options stay', () => {
    const given = { sql: 'SELECT 1', rowsAsArray: true, attributes: { route: 'mine', shop: '7' } };
    const call = Object.assign(new Call(false, given, undefined), { tag });
    assert.deepEqual(tagged(call).sql, {
      sql: `SELECT 1 ${tag.comment}`,
      rowsAsArray: true,
      attributes: { route: 'mine', method: 'GET', shop: '7' },
    });
    assert.deepEqual(given.attributes, { route: 'mine', shop: '7' }, 'what the caller has given is changed');
  });

  it('are none, and the statement is as it was, without a tag', () => {
    const call = new Call(false, 'SELECT 1', undefined);
    assert.equal(tagged(call), call);
  });
});

describe('the place of a tag in a text', () => {
  const comment = "/*route='x'*/";
  for (const [text, expected] of [
    ['SELECT 1', `SELECT 1 ${comment}`],
    ['SELECT 1;', `SELECT 1 ${comment};`],
    ['SELECT 1 ;\n', `SELECT 1  ${comment};\n`],
    ['SELECT 1 -- why', `SELECT 1 -- why\n${comment}`],
    ['SELECT 1 -- why;\n ', `SELECT 1 -- why;\n \n${comment}`],
    ['SELECT 1 # */', `SELECT 1 # */\n${comment}`],
    ['SELECT 1 /* ; */', `SELECT 1 /* ; */ ${comment}`],
    ["SELECT ';'", `SELECT ';' ${comment}`],
    ["SELECT 'open", "SELECT 'open"],
    ['SELECT 1 /* open', 'SELECT 1 /* open'],
  ] as const)
    it(`${JSON.stringify(text)} gets it where it belongs`, () =>
      assert.equal(withComment(text, comment), expected));

  it('changes no statement, however its text ends: the server says of it what it said before', async () => {
    const connection = await mysql.createConnection(databaseUrl());
    const said = (sql: string) =>
      connection.query(sql).then(
        ([rows]) => JSON.stringify(rows),
        ({ errno }: { errno: number }) => `error ${errno}`,
      );
    const part = fc.constantFrom(
      "'",
      '"',
      '`',
      '/*',
      '*/',
      '-- ',
      '#',
      '\n',
      ';',
      '\\',
      ' ',
      'a',
      '1',
      '/*!',
      '+',
    );
    const tail = fc.array(part, { maxLength: 5 }).map((parts) => parts.join(''));
    const requestId = fc.string({ unit: 'binary', maxLength: 12 });
    try {
      for (const mode of ['', 'NO_BACKSLASH_ESCAPES', 'ANSI_QUOTES']) {
        await connection.query('SET SESSION sql_mode = ?', [mode]);
        await fc.assert(
          fc.asyncProperty(tail, requestId, async (end, id) => {
            const { comment } = tagOf({ route: 'GET /', method: 'GET', requestId: id }, false);
            const sql = `SELECT 1 AS one ${end}`;
            const [before, after] = [await said(sql), await said(withComment(sql, comment))];
            assert.equal(after, before);
          }),
          { numRuns: 150 },
        );
      }
    } finally {
      await connection.end();
    }
  });
});
