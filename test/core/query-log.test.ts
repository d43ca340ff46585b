import assert from 'node:assert/strict';
import { lostError, serverError } from './fake-server.js';
import { TestPool, track } from './fixture.js';
import { TestRequest } from './request-fixture.js';

function texts(request: TestRequest): string[] {
  return request.db.log.map(({ sql }) => sql);
}

describe('db.log', () => {
  it('is off by default', async () => {
    const { db } = new TestRequest(new TestPool());
    await db.query('SELECT 1');
    assert.deepEqual(db.log, []);
  });

  it('keeps the last so many statements, oldest first', async () => {
    const request = new TestRequest(new TestPool({ log: 3 }));
    for (const name of ['a', 'b', 'c', 'd', 'e']) await request.db.query(`SELECT ${name}`);
    assert.deepEqual(texts(request), ['SELECT c', 'SELECT d', 'SELECT e']);
  });

  it('per route, 0 included', async () => {
    const test = new TestPool({ log: 3 });
    const [off, on] = [new TestRequest(test, { log: 0 }), new TestRequest(test, { log: 1 })];
    for (const { db } of [off, on]) await db.query('SELECT a');
    await on.db.query('SELECT b');
    assert.deepEqual([texts(off), texts(on)], [[], ['SELECT b']]);
  });

  it('shows no values, neither written nor bound', async () => {
    const request = new TestRequest(new TestPool({ log: 5 }));
    await request.db.query("SELECT * FROM users WHERE name = 'Ada' AND id = 7");
    await request.db.query('SELECT * FROM users WHERE id = ?', ['secret']);
    await request.db.execute('SELECT * FROM users WHERE id = ?', ['secret']);
    assert.doesNotMatch(JSON.stringify(request.db.log), /Ada|7|secret/);
    assert.equal(texts(request)[0], 'SELECT * FROM users WHERE name = ? AND id = ?');
  });

  it('how long it took on the server, and rows read or affected', async () => {
    const test = new TestPool({ log: 5, max: 1 });
    const { db } = new TestRequest(test);
    test.driver.reply = () => 'hang';
    for (const [sql, result] of [
      ['SELECT a', [{}, {}]],
      ['UPDATE t', { affectedRows: 3 }],
    ] as const) {
      const answer = track(db.query(sql));
      await test.clock.advance(250);
      test.connection().answer({ result });
      await test.clock.settle();
      assert.equal(answer.state, 'fulfilled');
    }
    assert.deepEqual(db.log, [
      { sql: 'SELECT a', durationMs: 250, rows: 2, error: undefined },
      { sql: 'UPDATE t', durationMs: 250, rows: 3, error: undefined },
    ]);
  });

  it('the wait for a connection, or behind another statement, is not counted', async () => {
    const test = new TestPool({ log: 5, max: 1 });
    const held = await test.pool.acquire();
    const { db } = new TestRequest(test);
    test.driver.reply = () => 'hang';
    const both = [track(db.query('SELECT a')), track(db.query('SELECT b'))];
    await test.clock.advance(1_000);
    held.release();
    await test.clock.settle();
    for (const ms of [100, 200]) {
      await test.clock.advance(ms);
      test.connection().answer();
    }
    await test.clock.settle();
    assert.deepEqual(new Set(both.map(({ state }) => state)), new Set(['fulfilled']));
    assert.deepEqual(
      db.log.map(({ durationMs }) => durationMs),
      [100, 200],
    );
  });

  it('rows of a stream are counted as they are read', async () => {
    const test = new TestPool({ log: 5 });
    const { db } = new TestRequest(test);
    test.driver.reply = () => ({ result: [{}, {}, {}] });
    await db.stream('SELECT a').toArray();
    assert.deepEqual([db.log[0]?.sql, db.log[0]?.rows], ['SELECT a', 3]);
  });

  it('errors, by their code; what was never sent is not in it', async () => {
    const test = new TestPool({ log: 9 });
    const { db } = new TestRequest(test);
    for (const [sql, error] of [
      ['SELECT a', serverError(1146, { code: 'ER_NO_SUCH_TABLE' })],
      ['SELECT b', serverError(9999)],
    ] as const) {
      test.driver.reply = () => error;
      await db.query(sql).catch(() => undefined);
    }
    await db.query('SELECT * FROM t WHERE a = ?', [{ evil: 1 }] as never).catch(() => undefined);
    test.driver.reply = () => 'hang';
    void track(db.query('SELECT c'));
    await test.clock.settle();
    test.connection().lose(lostError());
    await test.clock.settle();
    assert.deepEqual(
      db.log.map(({ sql, rows, error }) => [sql, rows, error]),
      [
        ['SELECT a', undefined, 'ER_NO_SUCH_TABLE'],
        ['SELECT b', undefined, 'Error'],
        ['SELECT c', undefined, 'PROTOCOL_CONNECTION_LOST'],
      ],
    );
  });

  it('BEGIN, COMMIT, ROLLBACK and savepoints are in it; what the pool asks by itself is not', async () => {
    const test = new TestPool({ log: 20, max: 1 });
    await test.pool.query('SELECT 1');
    const request = new TestRequest(test);
    await request.db.transaction(async (tx) => {
      await tx.query('SELECT LAST_INSERT_ID()');
      await tx.transaction((inner) => inner.query('UPDATE t'));
    });
    await request.db.beginTransaction();
    await request.db.rollback();
    assert.deepEqual(
      texts(request).map((sql) => sql.replace(/handback_\S+/, 'x')),
      [
        ...['START TRANSACTION', 'SELECT LAST_INSERT_ID()', 'SAVEPOINT x', 'UPDATE t', 'RELEASE SAVEPOINT x'],
        ...['COMMIT', 'START TRANSACTION', 'ROLLBACK'],
      ],
    );
  });

  it('statements after the end are in it as well', async () => {
    const test = new TestPool({ log: 5 });
    const request = new TestRequest(test);
    await request.db.query('SELECT a');
    request.answer();
    await test.clock.settle();
    await request.db.query('SELECT b');
    await request.db.transaction((tx) => tx.query('SELECT c'));
    assert.deepEqual(texts(request), ['SELECT a', 'SELECT b', 'START TRANSACTION', 'SELECT c', 'COMMIT']);
  });

  it('is each request’s own, and a copy', async () => {
    const test = new TestPool({ log: 5, max: 1 });
    const [one, two] = [new TestRequest(test), new TestRequest(test)];
    await one.db.query('SELECT a');
    await one.db.release();
    await two.db.query('SELECT b');
    one.db.log.pop();
    assert.deepEqual([texts(one), texts(two)], [['SELECT a'], ['SELECT b']]);
  });

  it('a job has one, too', async () => {
    const test = new TestPool({ log: 5 });
    const log = await test.pool.run(async (db) => {
      await db.query('SELECT a');
      return db.log;
    });
    assert.equal(log[0]?.sql, 'SELECT a');
  });
});
