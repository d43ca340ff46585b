import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { databaseUrl, unique } from '@handback/contract/support/database.js';
import { type ConnectionPool, createPool, type PoolOptions, type Scope } from '@handback/core';
import handback from '@handback/express';
import type { RowDataPacket } from 'mysql2';
import mysql from 'mysql2/promise';

/** Never connected to. */
const NOBODYS = 'mysql://app:not-shown@db.example/shop';
const OPTED_IN = ['LOCAL_FILES'];

async function withPool(
  options: PoolOptions,
  work: (pool: ConnectionPool) => Promise<void>,
): Promise<string[]> {
  const pool = createPool({ max: 2, ...options });
  const said: string[] = [];
  pool.events.on('warning', ({ code, message }) => said.push(`${code} ${message}`));
  try {
    await work(pool);
  } finally {
    await pool.close();
  }
  return said;
}

async function ticks(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

/** Each takes a protection away. */
const HAZARDS: readonly [name: string, options: PoolOptions, says: RegExp][] = [
  [
    'multipleStatements',
    { uri: NOBODYS, connection: { multipleStatements: true } },
    /multipleStatements.*migrations/,
  ],
  ['… in the uri', { uri: `${NOBODYS}?multipleStatements=true` }, /multipleStatements/],
  ['… as a flag', { uri: NOBODYS, connection: { flags: ['MULTI_STATEMENTS'] } }, /multipleStatements/],
  ['LOCAL_FILES', { uri: NOBODYS, connection: { flags: OPTED_IN } }, /LOCAL_FILES.*refuse every path/],
  [
    'verifyIdentity: false',
    { uri: NOBODYS, connection: { ssl: { verifyIdentity: false } as never } },
    /verifyIdentity/,
  ],
  [
    'rejectUnauthorized: false',
    { uri: NOBODYS, connection: { ssl: { rejectUnauthorized: false } } },
    /rejectUnauthorized.*ssl\.ca/,
  ],
  ['debug', { uri: NOBODYS, connection: { debug: true } }, /debug/],
];

describe('settings that take a protection away', () => {
  for (const [name, options, says] of HAZARDS) {
    it(`${name}: said once, when the pool is made, with what to do`, async () => {
      const said = await withPool(options, async () => {
        await ticks();
        await ticks();
      });
      assert.equal(said.length, 1, said.join('\n'));
      assert.match(said[0] as string, /^UNSAFE_SETTING pool 'default': /);
      assert.match(said[0] as string, says);
      assert.ok(!said[0]?.includes('not-shown'));
    });
  }

  it('the defaults take nothing away, and TLS as it should be does not either', async () => {
    for (const connection of [{}, { ssl: {} }, { flags: ['-LOCAL_FILES', 'FOUND_ROWS'] }])
      assert.deepEqual(await withPool({ uri: NOBODYS, connection }, ticks), []);
  });

  it('of a connection function: when it first gives them', async () => {
    const { hostname: host, port, username: user, password, pathname } = new URL(databaseUrl());
    const database = pathname.slice(1);
    const connection = () => ({
      host,
      port: Number(port),
      user,
      password,
      database,
      multipleStatements: true,
    });
    const said = await withPool({ connection }, async (pool) => {
      await Promise.all([pool.query('SELECT SLEEP(0.01); SELECT 2'), pool.query('SELECT 1; SELECT 2')]);
    });
    assert.equal(said.length, 1);
  });

  it('without a listener it is a warning of the process', async () => {
    const warned = once(process, 'warning') as Promise<[Error & { code?: string }]>;
    const db = handback({ uri: `${NOBODYS}?multipleStatements=true` });
    assert.equal((await warned)[0].code, 'UNSAFE_SETTING');
    await db.close();
  });

  it('without multipleStatements a second statement is an error', () =>
    withPool({ uri: databaseUrl() }, async (pool) => {
      await assert.rejects(pool.query('SELECT 1; SELECT 2'), { errno: 1064 });
    }));
});

describe('files of this machine', () => {
  const table = unique('files');
  const LOAD = `LOAD DATA LOCAL INFILE '/etc/passwd' INTO TABLE ${table}`;
  let asked = 0;
  const factory = () => {
    asked += 1;
    return Readable.from([Buffer.from('secret\n')]);
  };

  before(async () => {
    const connection = await mysql.createConnection(databaseUrl());
    const [[row]] = (await connection.query('SELECT @@local_infile AS allowed')) as [
      RowDataPacket[],
      unknown,
    ];
    if (!row?.allowed) await connection.query('SET GLOBAL local_infile = 1');
    await connection.query(`CREATE TABLE ${table} (a TEXT)`);
    await connection.end();
  });
  after(async () => {
    const connection = await mysql.createConnection(databaseUrl());
    await connection.query(`DROP TABLE ${table}`);
    await connection.end();
  });
  beforeEach(() => {
    asked = 0;
  });

  it('are not asked for, and not given, although the server allows it', () =>
    withPool({ uri: databaseUrl() }, async (pool) => {
      await assert.rejects(pool.query(LOAD), (error: { errno?: number; message: string }) => {
        assert.ok([1148, 3948, 4166].includes(error.errno ?? 0), `${error.errno} ${error.message}`);
        return true;
      });
      await assert.rejects(pool.execute(LOAD));
    }));

  it('a statement can’t turn it on by itself, and nothing is sent', () =>
    withPool({ uri: databaseUrl() }, (pool) =>
      pool.run(async (db) => {
        const statement = { sql: LOAD, infileStreamFactory: factory };
        const before = await questions(db);
        await assert.rejects(db.query(statement), { code: 'INVALID_OPTION' });
        await assert.rejects(db.stream(statement).toArray(), { code: 'INVALID_OPTION' });
        assert.equal(await questions(db), before + 1);
        assert.equal(asked, 0);
      }),
    ));

  it('a factory in the connection’s options needs the flag beside it', async () => {
    const connection = { infileStreamFactory: factory } as never;
    assert.throws(() => createPool({ uri: databaseUrl(), connection }), { code: 'INVALID_OPTION' });
    const pool = createPool({ connection: () => connection });
    pool.events.on('warning', () => {});
    await assert.rejects(pool.query('SELECT 1'), { code: 'OPEN_FAILED' });
    await pool.close();
  });

  it('with the flag they are given, which is warned of', async () => {
    const said = await withPool({ uri: databaseUrl(), connection: { flags: OPTED_IN } }, async (pool) => {
      const [loaded] = await pool.query({ sql: LOAD, infileStreamFactory: factory });
      assert.equal((loaded as { affectedRows: number }).affectedRows, 1);
      assert.equal(asked, 1);
    });
    assert.match(said.join(), /LOCAL_FILES/);
  });
});

async function questions(db: Scope): Promise<number> {
  const [rows] = await db.query<RowDataPacket[]>("SHOW SESSION STATUS LIKE 'Questions'");
  return Number(rows[0]?.Value);
}
