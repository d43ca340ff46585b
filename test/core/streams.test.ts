import assert from 'node:assert/strict';
import { finished } from 'node:stream/promises';
import type { RowStream } from '#core/row-stream.js';
import type { Scope } from '#core/scope.js';
import { serverError } from './fake-server.js';
import { coded, TestPool, track } from './fixture.js';
import { TestRequest } from './request-fixture.js';

const MANY = 'SELECT id FROM many';
const ROWS = Array.from({ length: 100 }, (_, id) => ({ id }));

function started(options: ConstructorParameters<typeof TestPool>[0] = {}) {
  const test = new TestPool({ max: 1, acquireTimeoutMs: 3_000, ...options });
  test.driver.reply = (sql) => (sql.startsWith(MANY) ? { result: ROWS } : undefined);
  const request = new TestRequest(test);
  return { test, request, db: request.db };
}

const texts = (test: TestPool) => test.connection().texts;

/** The first row has been read, and nobody asks for more. */
async function halfRead(test: TestPool, db: Pick<Scope, 'stream'>, sql = MANY) {
  const stream = db.stream(sql) as RowStream;
  const rows = stream[Symbol.asyncIterator]();
  await test.rest(rows.next());
  return { stream, rows };
}

describe('a stream', () => {
  it('takes no connection, and sends nothing, before its first row is asked for', async () => {
    const { test, db } = started();
    const stream = db.stream(MANY);
    await test.clock.advance(10_000);
    assert.equal(test.driver.connections.length, 0);
    const others = [db.stream('SELECT 1'), test.pool.stream('SELECT 2')];
    assert.deepEqual(await stream.toArray(), ROWS);
    for (const other of others) other.destroy();
    assert.deepEqual(test.connection().texts, [MANY]);
  });

  it('of a transaction(fn) that has ended can’t be begun any more', async () => {
    const { test, db } = started();
    const stream = await db.transaction((tx) => tx.stream(MANY));
    await assert.rejects(stream.toArray(), coded('SCOPE_ENDED'));
    assert.ok(!test.connection().texts.includes(MANY));
  });

  it('what a parameter, an option or a signal has wrong is its error, without a read', async () => {
    const { test, db } = started();
    const wrong: [unknown, string][] = [
      [{ highWaterMark: -1 }, 'highWaterMark'],
      [{ objectMode: false }, 'objectMode'],
      [{ highwatermark: 1 }, 'highwatermark'],
      [{ read() {} }, 'read'],
      [{ signal: {} }, 'signal'],
    ];
    for (const [options, name] of wrong) {
      const failed = track(finished(db.stream(MANY, [], options as never)));
      await test.clock.settle();
      assert.equal(failed.code, 'INVALID_OPTION');
      assert.match(failed.error.message, new RegExp(name));
    }
    const reason = new Error('too late');
    const aborted = track(finished(db.stream(MANY, [], { signal: AbortSignal.abort(reason) })));
    await test.clock.settle();
    assert.equal(aborted.error, reason);
    assert.equal(test.driver.connections.length, 0);
    assert.deepEqual(await db.stream(MANY, [], { objectMode: true, highWaterMark: 2 }).toArray(), ROWS);
  });

  it('that has ended, or was destroyed, may be destroyed again: nothing of the next one is touched', async () => {
    const { test, db } = started();
    const first = db.stream(MANY);
    await first.toArray();
    first.destroy();
    const second = db.stream(MANY);
    const rows = second[Symbol.asyncIterator]();
    await test.rest(rows.next());
    first.destroy(new Error('again'));
    second.destroy();
    second.destroy();
    await test.rest(db.query('SELECT 1'));
    assert.deepEqual(await db.stream(MANY).toArray(), ROWS);
    assert.deepEqual([test.driver.connections.length, test.driver.kills.length], [1, 0]);
  });

  it('its signal may stand beside highWaterMark: the statement is killed', async () => {
    const { test, db } = started();
    test.driver.reply = (sql) => (sql === MANY ? 'hang' : undefined);
    const controller = new AbortController();
    const rows = track(db.stream(MANY, [], { signal: controller.signal }).toArray());
    await test.clock.settle();
    controller.abort();
    await test.clock.settle();
    assert.equal(rows.error.name, 'AbortError');
    assert.equal(test.driver.kills.length, 1);
  });

  describe('that is half read, and a statement behind it', () => {
    const statements: Record<string, (db: Scope) => Promise<unknown>> = {
      query: (db) => db.query('SELECT 1'),
      execute: (db) => db.execute('SELECT 1'),
      'another stream': (db) => db.stream('SELECT 1').toArray(),
      'transaction(fn)': (db) => db.transaction((tx) => tx.query('SELECT 1')),
      'beginTransaction()': (db) => db.beginTransaction(),
    };
    for (const [what, run] of Object.entries(statements)) {
      it(`${what}: refused after acquireTimeoutMs without a row, since it may be what the reader is at`, async () => {
        const { test, db } = started();
        const { stream, rows } = await halfRead(test, db);
        const behind = track(run(db));
        await test.clock.advance(2_999);
        assert.equal(behind.state, 'pending');
        await test.clock.advance(1);
        assert.equal(behind.code, 'STREAM_OPEN');
        assert.match(behind.error.message, /toArray.*through the pool/);
        assert.deepEqual([stream.destroyed, (await rows.next()).value], [false, { id: 1 }]);
      });
    }

    it('a loop that queries inside: its error ends the loop, and the connection is of use again', async () => {
      const { test, db } = started();
      const loop = track(
        (async () => {
          for await (const _row of db.stream(MANY)) await db.query('SELECT 1');
        })(),
      );
      await test.clock.advance(3_000);
      assert.equal(loop.code, 'STREAM_OPEN');
      await test.rest(db.query('SELECT 2'));
      assert.deepEqual(test.connection().texts, [MANY, 'SELECT 2']);
    });

    it('is not refused while rows are taken, however slowly', async () => {
      const { test, db } = started();
      const { rows } = await halfRead(test, db);
      const behind = track(db.query('SELECT 1'));
      for (let n = 1; n < ROWS.length; n++) {
        await test.clock.advance(2_900);
        await rows.next();
      }
      await test.rest(rows.next());
      assert.equal(behind.state, 'fulfilled');
    });

    it('is not refused for the server’s slowness', async () => {
      const { test, db } = started();
      test.driver.reply = (sql) => (sql === MANY ? 'hang' : undefined);
      const stream = db.stream(MANY);
      const reader = track(stream.toArray());
      await test.clock.settle();
      const behind = track(db.query('SELECT 1'));
      await test.clock.advance(20_000);
      assert.deepEqual([reader.state, behind.state], ['pending', 'pending']);
      test.connection().answer();
      await test.clock.settle();
      assert.equal(behind.state, 'fulfilled');
    });

    it('the reader may take its time when nobody waits', async () => {
      const { test, db } = started();
      const { rows } = await halfRead(test, db);
      await test.clock.advance(100_000);
      assert.deepEqual((await rows.next()).value, { id: 1 });
      const behind = track(db.query('SELECT 1'));
      await test.clock.advance(2_999);
      assert.equal(behind.state, 'pending', 'its time begins when it comes');
    });

    it('acquireTimeoutMs 0 gives the reader a second, Infinity for ever', async () => {
      for (const [acquireTimeoutMs, code] of [
        [0, 'STREAM_OPEN'],
        [Number.POSITIVE_INFINITY, undefined],
      ] as const) {
        const { test, db } = started({ acquireTimeoutMs });
        await test.rest(db.query('SELECT 0')).catch(() => undefined);
        const { stream } = await halfRead(test, db);
        const behind = track(db.query('SELECT 1'));
        await test.clock.advance(999);
        assert.equal(behind.state, 'pending');
        await test.clock.advance(100_000);
        assert.equal(behind.code, code);
        stream.destroy();
      }
    });

    for (const how of ['tx', 'db'] as const) {
      it(`the COMMIT of transaction(fn) does not wait for a stream of ${how} that fn has left behind`, async () => {
        const { test, db } = started();
        let left: RowStream | undefined;
        const done = track(
          db.transaction(async (tx) => {
            await tx.query('UPDATE t SET a = 1');
            left = (how === 'tx' ? tx : db).stream(MANY) as RowStream;
            left.read();
          }),
        );
        await test.clock.settle();
        const failed = track(finished(left as RowStream));
        await test.clock.advance(3_000);
        assert.deepEqual([done.state, failed.code], ['fulfilled', 'SCOPE_ENDED']);
        assert.deepEqual(test.connection().session.committed, ['UPDATE t SET a = 1']);
      });
    }

    it('nor does its ROLLBACK, nor the end of a savepoint, whose work is undone', async () => {
      const { test, db } = started();
      const mine = new Error('mine');
      const leave = (tx: Pick<Scope, 'stream'>) =>
        void tx
          .stream(MANY)
          .on('error', () => {})
          .read();
      const undone = track(
        db.transaction(async (tx) => {
          await tx.query('UPDATE t SET a = 1');
          leave(tx);
          throw mine;
        }),
      );
      await test.clock.advance(3_000);
      assert.equal(undone.error, mine);
      const done = track(
        db.transaction(async (tx) => {
          await tx.transaction((inner) => leave(inner));
          const failed = tx.transaction((inner) => {
            leave(inner);
            throw mine;
          });
          await assert.rejects(failed, mine);
        }),
      );
      await test.clock.advance(6_000);
      assert.equal(done.state, 'fulfilled');
      const savepoints = texts(test).flatMap(
        (sql) => /^(ROLLBACK TO|RELEASE) SAVEPOINT/.exec(sql)?.[1] ?? [],
      );
      assert.deepEqual(savepoints, ['RELEASE', 'ROLLBACK TO']);
      assert.deepEqual(test.connection().session.committed, []);
    });
  });

  describe('that its reader has left', () => {
    /** Nothing more comes, and nothing of the rest. */
    async function left(sql: string, queryTimeoutMs: number) {
      const { test } = started({ queryTimeoutMs });
      test.driver.reply = (each) => (each === sql ? 'hang' : undefined);
      const lease = await test.pool.acquire();
      const stream = lease.stream(sql) as RowStream;
      stream.resume();
      await test.clock.settle();
      stream.statement.onRow({ a: 1 });
      stream.destroy();
      return { test, next: track(lease.query('SELECT 1')) };
    }

    it('is killed after a quarter of a second when it is a query: the rest may be long', async () => {
      for (const queryTimeoutMs of [0, 60_000]) {
        const { test, next } = await left(MANY, queryTimeoutMs);
        test.driver.kills.length = 0;
        await test.clock.advance(249);
        assert.deepEqual([next.state, test.driver.kills.length], ['pending', 0]);
        await test.clock.advance(1);
        assert.deepEqual([next.state, test.driver.kills.length], ['fulfilled', 1]);
        assert.deepEqual(
          test.told('cancel').map(({ reason }) => reason),
          ['abandoned'],
        );
        assert.equal(test.stats().queryTimedOut, 0);
      }
    });

    it('the same when it left before the first row', async () => {
      const { test } = started();
      test.driver.reply = (each) => (each === MANY ? 'hang' : undefined);
      const stream = test.pool.stream(MANY);
      stream.read();
      await test.clock.advance(20_000);
      stream.destroy();
      await test.clock.advance(249);
      assert.deepEqual([test.stats().leased, test.driver.kills.length], [1, 0]);
      await test.clock.advance(1);
      assert.deepEqual([test.stats().leased, test.driver.kills.length], [0, 1]);
    });

    it('the same when its lease is released meanwhile, whatever the drain deadline', async () => {
      const test = new TestPool({ max: 1, drainTimeoutMs: 10_000 });
      const lease = await test.pool.acquire();
      test.connection().reply = () => 'hang';
      const stream = lease.stream("SELECT f(1) AS a /* 'x' */") as RowStream;
      stream.resume();
      await test.clock.settle();
      stream.statement.onRow({ a: 1 });
      stream.destroy();
      await test.clock.advance(100);
      lease.release();
      await test.clock.advance(149);
      assert.equal(test.driver.kills.length, 0);
      await test.clock.advance(1);
      assert.deepEqual([test.driver.kills.length, test.stats().idle], [1, 1]);
    });

    it('is read to its end, up to queryTimeoutMs, when it may write', async () => {
      const { test, next } = await left('INSERT INTO t VALUES (1) RETURNING id', 60_000);
      await test.clock.advance(59_999);
      assert.deepEqual([next.state, test.driver.kills.length], ['pending', 0]);
      await test.clock.advance(1);
      assert.deepEqual([next.state, test.driver.kills.length], ['fulfilled', 1]);
    });
  });

  it('queryTimeoutMs holds for each row: a server that falls silent half-way, not a reader that is busy', async () => {
    const { test } = started({ queryTimeoutMs: 1_000 });
    test.driver.reply = (sql) => (sql === MANY ? 'hang' : undefined);
    const stream = test.pool.stream(MANY, [], { highWaterMark: 2 }) as RowStream;
    const failed = track(finished(stream));
    stream.read();
    await test.clock.advance(900);
    stream.statement.onRow({ a: 1 });
    await test.clock.advance(900);
    assert.equal(stream.statement.onRow({ a: 2 }), false);
    await test.clock.advance(50_000);
    assert.equal(failed.state, 'pending', 'its reader has had enough for now');
    assert.deepEqual([stream.read(), stream.read()], [{ a: 1 }, { a: 2 }]);
    await test.clock.advance(999);
    assert.equal(failed.state, 'pending');
    await test.clock.advance(1);
    assert.deepEqual([failed.code, test.driver.kills.length], ['QUERY_TIMEOUT', 1]);
  });

  it('late: a reader that does not read is given up, a server that takes its time is not', async () => {
    const { test } = started({ drainTimeoutMs: 1_000 });
    const { db } = new TestRequest(test, { over: 'answered' });
    test.driver.reply = (sql) => (sql === MANY ? 'hang' : undefined);
    const rows = track(db.stream(MANY).toArray());
    await test.clock.advance(10_000);
    assert.equal(rows.state, 'pending');
    test.connection().answer(serverError(1317));
    await test.clock.settle();
    assert.equal((rows.error as { errno?: number }).errno, 1317);
  });
});
