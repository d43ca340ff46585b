import assert from 'node:assert/strict';
import { createPool } from '#core/create.js';
import type { PoolOptions } from '#core/options.js';
import { Persistent } from '#core/persistent.js';
import { coded, TestPool, track } from './fixture.js';

function persistent(options: Partial<PoolOptions> = {}) {
  const test = new TestPool({ max: 1, idleTimeoutMs: 0, ...options });
  return { test, db: new Persistent(test.flow, false) };
}

const ASKS = {
  'the insert id': 'SELECT LAST_INSERT_ID()',
  warnings: 'SHOW WARNINGS',
  'the row count': 'SELECT ROW_COUNT()',
  'the rows found': 'SELECT FOUND_ROWS()',
};

describe('a persistent connection', () => {
  for (const [what, sql] of Object.entries(ASKS)) {
    it(`is not renewed before a statement that asks for ${what}`, async () => {
      for (const options of [{ maxUses: 1 }, { validateAfterMs: 500 }]) {
        const { test, db } = persistent(options);
        await test.rest(db.query('SELECT 1'));
        await test.clock.advance(600);
        await test.rest(db.query(sql));
        assert.deepEqual([test.connection().texts, test.stats().acquired], [['SELECT 1', sql], 1]);
      }
    });
  }

  it('is renewed before any other once it is due', async () => {
    const { test, db } = persistent({ maxUses: 1 });
    await test.rest(db.query('SELECT 1'));
    await test.rest(db.query('SELECT 2'));
    assert.deepEqual(test.connection(1).texts, ['SELECT 2']);
  });

  it('close() with a time to close in says what it takes to close: nothing is done', async () => {
    const { test, db } = persistent();
    await test.rest(db.beginTransaction());
    await assert.rejects(db.close({ timeoutMs: 10 }), {
      code: 'INVALID_OPTION',
      message: /closeable: true.*end\(\)/,
    });
    await assert.rejects(db.close({ timeoutMS: 10 } as object), coded('INVALID_OPTION'));
    assert.deepEqual(test.connection().texts, ['START TRANSACTION']);
    await test.rest(db.close({}));
    assert.deepEqual(test.connection().texts, ['START TRANSACTION', 'ROLLBACK']);
  });

  it('a pool that is told to be closeable is told whose option that is', () => {
    assert.throws(() => createPool({ uri: 'mysql://localhost/', closeable: true } as object), {
      code: 'INVALID_OPTION',
      message: /createPersistent/,
    });
  });

  it('end() with a wrong option ends nothing', async () => {
    const { test, db } = persistent();
    await test.rest(db.query('SELECT 1'));
    await assert.rejects(db.end({ timeoutMs: -1 }), coded('INVALID_OPTION'));
    await test.rest(db.beginTransaction());
    assert.equal(db.state, 'leased');
    void track(db.end());
    await test.clock.advance(10_000);
    assert.equal(test.driver.poolThreads, 0);
  });
});
