import { strict as assert } from 'node:assert';
import { databaseUrl } from '@handback/contract/support/database.js';
import { type ConnectionPool, createPool } from '@handback/core';
import type { RowDataPacket } from 'mysql2';
import { skipLoudly } from '../support/skip-loudly.js';

type Queryable = Pick<ConnectionPool, 'query'>;

const idOf = async (db: Queryable): Promise<number> => {
  const [rows] = await db.query<RowDataPacket[]>('SELECT CONNECTION_ID() AS id');
  return rows[0]?.id as number;
};

describe('after a statement that fails', () => {
  let pool: ConnectionPool;

  beforeEach(() => {
    pool = createPool({ uri: databaseUrl(), max: 1 });
    pool.events.on('warning', () => {});
  });

  afterEach(() => pool.close());

  const WRONG = 'SELECT nothing FROM nowhere';
  const failures: Record<string, () => Promise<unknown>> = {
    'query()': () => pool.query(WRONG),
    'execute()': () => pool.execute(WRONG),
    'stream()': () => pool.stream(WRONG).toArray(),
    'a stream that nobody listens to': async () =>
      void pool
        .stream(WRONG)
        .resume()
        .on('error', () => {}),
    'a query that its job does not wait for': () =>
      pool.run(async (db) => {
        db.query(WRONG).catch(() => {});
      }),
  };
  for (const [what, fail] of Object.entries(failures)) {
    it(`its connection serves on: ${what}`, async () => {
      const id = await idOf(pool);
      await fail().catch(({ code }) => assert.equal(code, 'ER_NO_SUCH_TABLE'));
      assert.equal(await idOf(pool), id);
      assert.equal(pool.stats().opened, 1);
    });
  }

  const throwing = {
    sql: 'SELECT 1 AS n UNION SELECT 2',
    typeCast() {
      throw new Error('thrown while a row is read');
    },
  };
  const readings: Record<
    string,
    (db: ConnectionPool | Parameters<Parameters<typeof pool.run>[0]>[0]) => Promise<unknown>
  > = {
    'query()': (db) => db.query(throwing),
    'execute()': (db) => db.execute(throwing),
    'stream()': (db) => db.stream(throwing).toArray(),
  };
  for (const [what, read] of Object.entries(readings)) {
    it(`whose typeCast throws: its caller is told, and that one connection is closed: ${what}`, async () => {
      await idOf(pool);
      await assert.rejects(read(pool), /thrown while a row is read/);
      await idOf(pool);
      const { opened, evicted, retried } = pool.stats();
      assert.deepEqual({ opened, broken: evicted.broken, retried }, { opened: 2, broken: 1, retried: 0 });
    });

    it(`whose typeCast throws in the middle of a request, which goes on: ${what}`, () =>
      pool.run(async (db) => {
        const id = await idOf(db);
        await assert.rejects(read(db), /thrown while a row is read/);
        assert.notEqual(await idOf(db), id);
        assert.equal(pool.stats().evicted.broken, 1);
      }));
  }

  it('by max_statement_time: the error has the name that MariaDB gives it', async function () {
    const [[row]] = await pool.query<RowDataPacket[]>('SELECT VERSION() AS version');
    if (!/mariadb/i.test(row?.version))
      skipLoudly(this, 'max_statement_time', 'MySQL has another limit, whose error mysql2 names');
    const slow = 'SET STATEMENT max_statement_time = 0.05 FOR SELECT SLEEP(60)';
    const named = { code: 'ER_STATEMENT_TIMEOUT', errno: 1969, sqlState: '70100' };
    await assert.rejects(pool.query(slow), named);
    await assert.rejects(pool.stream(slow).toArray(), named);
    assert.equal(pool.stats().opened, 1);
  });

  it('because it is larger than max_allowed_packet: closed, and the next one works, by itself and in a request', async () => {
    const [[row]] = await pool.query<RowDataPacket[]>('SELECT @@max_allowed_packet AS most');
    const large = `SELECT LENGTH('${'x'.repeat(row?.most + 2 ** 21)}') AS n`;
    const id = await idOf(pool);
    // The server says so and hangs up; which of the two is seen first is chance.
    const refused = ({ code }: { code?: string }) =>
      ['ER_NET_PACKET_TOO_LARGE', 'ECONNRESET', 'EPIPE', 'PROTOCOL_CONNECTION_LOST'].includes(code ?? '');
    await assert.rejects(pool.query(large), refused);
    assert.notEqual(await idOf(pool), id);
    await pool.run(async (db) => {
      const own = await idOf(db);
      await assert.rejects(db.query(large), refused);
      assert.notEqual(await idOf(db), own);
    });
    assert.equal(pool.stats().evicted.broken, 2);
  });
});
