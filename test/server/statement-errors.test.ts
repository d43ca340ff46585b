import { strict as assert } from 'node:assert';
import { inspect } from 'node:util';
import { databaseUrl, password } from '@handback/contract/support/database.js';
import { type ConnectionPool, createPool } from '@handback/core';

type ServerError = Error & { code?: string; errno?: number; sql?: string; sqlMessage?: string };

async function failureOf(promise: Promise<unknown>): Promise<ServerError> {
  return promise.then(
    () => assert.fail('it should have failed'),
    (error) => error,
  );
}

describe('errors of statements', () => {
  let pool: ConnectionPool;

  before(async () => {
    pool = createPool({ uri: databaseUrl(), max: 1 });
    await pool.query('CREATE TABLE cards (number VARCHAR(40) PRIMARY KEY)');
  });

  after(async () => {
    await pool.query('DROP TABLE cards');
    await pool.close();
  });

  it('are the driver’s own', async () => {
    const error = await failureOf(pool.query('SELECT nothing FROM nowhere'));
    assert.equal(error.code, 'ER_NO_SUCH_TABLE');
    assert.equal(error.errno, 1146);
  });

  it('show the statement without its bound values', async () => {
    await pool.query('INSERT INTO cards VALUES (?)', ['4111-1111']);
    for (const insert of [
      pool.query('INSERT INTO cards VALUES (?)', ['4111-1111']),
      pool.query("INSERT INTO cards VALUES ('4111-1111')"),
      pool.execute('INSERT INTO cards VALUES (?)', ['4111-1111']),
    ]) {
      const error = await failureOf(insert);
      assert.equal(error.code, 'ER_DUP_ENTRY');
      assert.equal(error.sql, 'INSERT INTO cards VALUES (?)');
    }
  });

  it('name the code that awaits the statement', async () => {
    async function aHandler() {
      await pool.query('SELECT nothing FROM nowhere');
    }
    const error = await failureOf(aHandler());
    assert.match(error.stack ?? '', /at async aHandler/);
  });

  it('a bad bind parameter rejects like the driver does, and the connection stays of use', async () => {
    const error = await failureOf(pool.execute('SELECT ?', [undefined as never]));
    assert.equal(error.name, 'TypeError');
    assert.deepEqual(await pool.query('SELECT 1 AS one').then(([rows]) => rows), [{ one: 1 }]);
  });

  it('nothing printable holds the password', async () => {
    const secret = password();
    const lease = await pool.acquire();
    const error = await failureOf(
      createPool({ uri: databaseUrl().replace(secret, 'wrong-one') }).query('SELECT 1'),
    );
    const seen = [pool, pool.stats(), pool.holders(), pool.events, lease, error, error.cause]
      .map((value) => inspect(value, { depth: 10, showHidden: false }) + JSON.stringify(value))
      .join();
    lease.release();
    assert.ok(!seen.includes(secret));
    assert.ok(!seen.includes('wrong-one'));
  });

  it('a listener that throws while rows are read: the stream’s error, and the statement ran once', async () => {
    const stream = pool.stream('INSERT INTO cards VALUES (1), (2), (3) RETURNING number');
    stream.on('data', () => {
      throw new Error('thrown by a listener');
    });
    const error = await failureOf(
      new Promise((resolve, reject) => stream.on('end', resolve).on('error', reject)),
    );
    assert.equal(error.message, 'thrown by a listener');
    assert.equal(pool.stats().retried, 0);
  });
});
