import assert from 'node:assert/strict';
import { Call, type StatementKeeper } from '#core/statement.js';
import { serverError } from './fake-server.js';
import { TestPool, track } from './fixture.js';

describe('a statement', () => {
  it('settles once, whatever the driver calls back later', async () => {
    const call = new Call(false, 'SELECT 1', undefined);
    let ended = 0;
    const keeper: StatementKeeper = {
      killed: false,
      ended: () => void ended++,
      resends: () => false,
    };
    call.keeper = keeper;
    call.settle(null, [{ a: 1 }], []);
    call.settle(serverError(1062));
    call.settle(null, [], []);
    assert.deepEqual(await call.promise, [[{ a: 1 }], []]);
    assert.equal(ended, 1);
  });

  it('gives what a mysql2/promise connection gives: rows and fields, or the OK packet', async () => {
    const { pool } = new TestPool();
    const [rows, fields] = await pool.query('SELECT 1');
    assert.deepEqual([rows, fields], [[{ value: 1 }], []]);
    const [ok] = await pool.execute('UPDATE t SET a = 1');
    assert.equal((ok as { affectedRows: number }).affectedRows, 1);
  });

  it('that fails names the line that awaits it, not the driver’s packet handling', async () => {
    const test = new TestPool();
    test.driver.reply = () => serverError(1146);
    async function handlerOfMine() {
      await test.pool.query('SELECT * FROM nowhere');
    }
    const failed = track(handlerOfMine());
    await test.clock.settle();
    assert.match(failed.error.stack ?? '', /handlerOfMine/);
  });

  it('that was refused before it was sent names it as well', async () => {
    const test = new TestPool();
    const lease = await test.pool.acquire();
    lease.release();
    async function handlerOfMine() {
      await lease.query('SELECT 1');
    }
    const failed = track(handlerOfMine());
    await test.clock.settle();
    assert.match(failed.error.stack ?? '', /handlerOfMine/);
  });
});
