import assert from 'node:assert/strict';
import { AUTOCOMMIT } from '#core/answer.js';
import type { StoredCode } from '#core/driver.js';
import type { PoolOptions } from '#core/options.js';
import { ResultSetHeader } from './fake-server.js';
import { coded, TestPool, track } from './fixture.js';
import { TestRequest, type TestRequestOptions } from './request-fixture.js';

async function begun(options: TestRequestOptions = {}, pool: Partial<PoolOptions> = {}) {
  const test = new TestPool({ max: 1, ...pool });
  const request = new TestRequest(test, options);
  await test.rest(request.db.query('SELECT 1'));
  return { test, request, db: request.db };
}

const IDLE = { idleHandBackMs: 500 };

describe('idleHandBackMs', () => {
  it('a connection that was unused for that long goes back; the next query takes one again', async () => {
    const { test, db } = await begun(IDLE);
    await test.clock.advance(499);
    assert.equal(db.state, 'leased');
    await test.clock.advance(1);
    assert.deepEqual([db.state, test.stats().idle, test.stats().cleanReleases], ['released', 1, 1]);
    await test.rest(db.query('SELECT 2'));
    assert.deepEqual([db.state, test.stats().acquired], ['leased', 2]);
    await test.clock.advance(500);
    assert.equal(db.state, 'released');
  });

  it('counts from the last answer, not from the acquire', async () => {
    const { test, db } = await begun(IDLE);
    for (let n = 0; n < 5; n++) {
      await test.clock.advance(400);
      await test.rest(db.query('SELECT 1'));
    }
    assert.equal(test.stats().acquired, 1);
    await test.clock.advance(500);
    assert.equal(db.state, 'released');
  });

  it('serves whoever waits for it', async () => {
    const { test } = await begun(IDLE);
    const other = track(new TestRequest(test).db.query('SELECT 2'));
    await test.clock.advance(500);
    assert.equal(other.state, 'fulfilled');
  });

  it('0 is off, in a response that lasts too; a route’s own value counts more than the pool’s', async () => {
    const { test, request, db } = await begun({ idleHandBackMs: 0 }, { idleHandBackMs: 100 });
    request.isLongLived = true;
    await test.clock.advance(60_000);
    assert.equal(db.state, 'leased');
  });

  it('of a job only when it was asked for', async () => {
    for (const [options, state] of [
      [{}, 'leased'],
      [IDLE, 'released'],
    ] as const) {
      const test = new TestPool(options);
      let end: () => void = () => {};
      let seen: string | undefined;
      const job = test.pool.run(async (db) => {
        await db.query('SELECT 1');
        await new Promise<void>((resolve) => {
          end = resolve;
        });
        seen = db.state;
      });
      await test.clock.advance(10_000);
      end();
      await test.rest(job);
      assert.equal(seen, state);
    }
  });

  it('leases of acquire() are their owner’s', async () => {
    const test = new TestPool(IDLE);
    const lease = await test.rest(test.pool.acquire());
    await test.rest(lease.query('SELECT 1'));
    assert.ok(!test.clock.timers.some((ms) => ms <= IDLE.idleHandBackMs));
    await test.clock.advance(60_000);
    assert.equal(lease.released, false);
    lease.release();
  });

  it('costs nothing while it is used: no timer per statement', async () => {
    const { test, db } = await begun(IDLE);
    const before = test.clock.timers.length;
    for (let n = 0; n < 20; n++) await test.rest(db.query('SELECT 1'));
    assert.equal(test.clock.timers.length, before);
  });
});

describe('by default', () => {
  it('a response that is hijacked, upgraded or an event stream gives its connection back after a second', async () => {
    const { test, request, db } = await begun();
    request.isLongLived = true;
    await test.clock.advance(999);
    assert.equal(db.state, 'leased');
    await test.clock.advance(1);
    assert.equal(db.state, 'released');
  });

  it('also when it becomes one long after its last query', async () => {
    const { test, request, db } = await begun();
    await test.clock.advance(10_500);
    assert.equal(db.state, 'leased');
    request.isLongLived = true;
    await test.clock.advance(1_000);
    assert.equal(db.state, 'released');
  });

  it('any other response keeps it until its end', async () => {
    const { test, db } = await begun();
    await test.clock.advance(60_000);
    assert.deepEqual([db.state, test.stats().released], ['leased', 0]);
  });
});

type Db = TestRequest['db'];

const KEPT: Record<string, (db: Db, test: TestPool) => unknown> = {
  'an open transaction': (db) => db.beginTransaction(),
  'a transaction(fn) at work': (db) => void db.transaction(() => new Promise(() => {})),
  'a setting of the session': (db) => db.query('SET @a = 1'),
  'another schema': (db) => db.query('USE other'),
  'a temporary table': (db) => db.query('CREATE TEMPORARY TABLE basket (id INT)'),
  'a lock': (db) => db.query("SELECT GET_LOCK('a', 1)"),
  'the raw connection': (db) => db.connection(),
  'a statement that runs': (db, test) => {
    test.connection().reply = () => 'hang';
    void track(db.query('SELECT SLEEP(60)'));
  },
  'a stream that nobody reads on': (db, test) => {
    test.connection().reply = () => ({ result: Array.from({ length: 100 }, (_, id) => ({ id })) });
    db.stream('SELECT id FROM t', undefined, { highWaterMark: 1 }).read();
  },
  'an insert id, which may still be asked for': (db, test) => {
    test.connection().reply = () => ({
      result: Object.assign(new ResultSetHeader(AUTOCOMMIT), { insertId: 7 }),
    });
    return db.query('INSERT INTO t VALUES (1)');
  },
};

describe('what would be lost with the connection keeps it', () => {
  for (const [what, begin] of Object.entries(KEPT)) {
    it(what, async () => {
      const { test, request, db } = await begun(IDLE, { queryTimeoutMs: 0 });
      request.isLongLived = true;
      await begin(db, test);
      await test.clock.advance(20_000);
      assert.deepEqual([db.state, test.stats().released], ['leased', 0]);
    });
  }

  it('until it is over: after COMMIT it goes back', async () => {
    const { test, db } = await begun(IDLE);
    await test.rest(db.beginTransaction());
    await test.clock.advance(5_000);
    await test.rest(db.commit());
    await test.clock.advance(500);
    assert.equal(db.state, 'released');
  });
});

describe('after it went back by itself', () => {
  async function handedBack() {
    const begunNow = await begun(IDLE);
    await begunNow.test.clock.advance(500);
    return begunNow;
  }

  it('what asks for the results of the last statement is refused, until another one has run', async () => {
    for (const sql of [
      'SELECT LAST_INSERT_ID()',
      'SHOW WARNINGS',
      'SELECT ROW_COUNT()',
      'SELECT FOUND_ROWS()',
    ]) {
      const { test, db } = await handedBack();
      await assert.rejects(db.query(sql), (error: Error) => {
        assert.match(error.message, /unused for idleHandBackMs/);
        return (error as never as { code: string }).code === 'CONNECTION_LOST';
      });
      await test.rest(db.query('SELECT 1'));
      await test.rest(db.query(sql));
    }
  });

  it('commit() and rollback() have nothing to do there, and the end nothing to give back', async () => {
    const { test, request, db } = await handedBack();
    await db.rollback();
    request.answer();
    await test.clock.settle();
    assert.deepEqual([db.state, test.stats().released, test.stats().rolledBack], ['ended', 1, 0]);
  });

  it('a request that waits again keeps its place when its client leaves, for it has begun its work', async () => {
    const { test, request, db } = await handedBack();
    const held = await test.rest(test.pool.acquire());
    const query = track(db.query('UPDATE t SET a = 1'));
    request.leave();
    await test.clock.settle();
    assert.deepEqual([query.state, test.stats().pending], ['pending', 1]);
    held.release();
    await test.clock.settle();
    assert.deepEqual([query.state, test.stats().leased], ['fulfilled', 0]);
  });

  it('late work is late work', async () => {
    const { test, request, db } = await handedBack();
    request.answer();
    await test.clock.settle();
    await test.rest(db.query('UPDATE t SET a = 1'));
    assert.equal(test.stats().late, 1);
    await assert.rejects(db.query('SELECT @a'), coded('SCOPE_ENDED'));
  });
});

describe('before the schema was looked at', () => {
  const VIEW: StoredCode = {
    reached: (sql) => (sql.includes('hot') ? 'a view that calls stored code' : null),
    blind: null,
  };

  /** The first connection looks around; the second one is used meanwhile. */
  async function unseen(sql: string) {
    const test = new TestPool({ max: 2 });
    let seen: () => void = () => {};
    const looked = new Promise<void>((resolve) => {
      seen = resolve;
    });
    const { survey } = test.driver;
    test.driver.storedCode = VIEW;
    test.driver.survey = async () => {
      await looked;
      return survey.call(test.driver);
    };
    const { db } = new TestRequest(test, IDLE);
    const running = track(db.query(sql));
    void test.pool.acquire();
    await test.clock.settle();
    assert.equal(running.state, 'fulfilled');
    return { test, db, seen };
  }

  it('a plain statement may have reached anything: it is judged when that is known, and the connection goes back', async () => {
    const { test, db, seen } = await unseen('SELECT * FROM t');
    await test.clock.advance(500);
    assert.equal(db.state, 'leased');
    seen();
    await test.clock.advance(1_000);
    assert.equal(db.state, 'released');
    assert.deepEqual([test.stats().reset, test.stats().cleanReleases], [1, 0], 'it is cleaned all the same');
    await test.rest(db.query('SELECT * FROM t'));
    await test.rest(db.release());
    assert.deepEqual([test.stats().reset, test.stats().cleanReleases], [1, 1], 'once');
  });

  it('more of them than are remembered count as having reached something', async () => {
    for (const [more, state] of [
      [19, 'released'],
      [20, 'leased'],
    ] as const) {
      const { test, db, seen } = await unseen('SELECT * FROM t');
      for (let n = 0; n < more; n++) await test.rest(db.query('SELECT * FROM t'));
      seen();
      await test.clock.advance(5_000);
      assert.equal(db.state, state);
    }
  });

  it('and stays, if it did reach something', async () => {
    const { test, db, seen } = await unseen('SELECT * FROM hot');
    seen();
    await test.clock.advance(5_000);
    assert.equal(db.state, 'leased');
  });

  it('or if another one did, or changed the session', async () => {
    for (const second of ['SELECT * FROM hot', 'SET @a = 1', "SELECT GET_LOCK('a', 1)"]) {
      const { test, db, seen } = await unseen('SELECT * FROM t');
      seen();
      await test.clock.settle();
      await test.rest(db.query(second));
      await test.clock.advance(5_000);
      assert.equal(db.state, 'leased', second);
    }
  });
});

describe('a statement that was killed', () => {
  it('leaves nothing that would be lost: the connection goes back, and is reset', async () => {
    const { test, db } = await begun({ ...IDLE, queryTimeoutMs: 100 });
    test.driver.reply = () => 'hang';
    test.connection().reply = () => 'hang';
    const query = track(db.query('SELECT SLEEP(60)'));
    await test.clock.advance(100);
    assert.equal(query.code, 'QUERY_TIMEOUT');
    await test.clock.advance(500);
    assert.deepEqual([db.state, test.stats().reset], ['released', 1]);
  });
});

describe("with reset 'rollback'", () => {
  async function afterAnother(...statements: string[]) {
    const test = new TestPool({ max: 1, reset: 'rollback' });
    await test.rest(test.pool.query("SET time_zone = '+00:00'"));
    const { db } = new TestRequest(test, IDLE);
    for (const sql of statements) await test.rest(db.query(sql));
    await test.clock.advance(1_000);
    return db.state;
  }

  it('what an earlier holder has set is nobody’s; what the request itself sets keeps the connection', async () => {
    assert.equal(await afterAnother('SELECT 1'), 'released');
    assert.equal(await afterAnother('SET @a = 1'), 'leased');
  });
});
