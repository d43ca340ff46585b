import assert from 'node:assert/strict';
import { currentDb } from '#core/current-db.js';
import { coded, TestPool } from './fixture.js';

describe('currentDb in jobs', () => {
  it("finds the scope of the job, as 'db', or by the pool's name", async () => {
    const [test, named] = [
      new TestPool({ context: true }),
      new TestPool({ context: true, name: 'reporting' }),
    ];
    await test.pool.run(async (db) => {
      await null;
      assert.equal(currentDb(), db);
    });
    await named.pool.wrap(async (db, text: string) => {
      assert.equal(currentDb('reporting'), db);
      assert.equal(text, 'argument');
      assert.throws(() => currentDb(), coded('NO_CURRENT_DB'));
    })('argument');
    assert.throws(() => currentDb(), coded('NO_CURRENT_DB'));
  });

  it('finds the innermost one; other names are those of the jobs around it', async () => {
    const [test, named] = [
      new TestPool({ context: true }),
      new TestPool({ context: true, name: 'reporting' }),
    ];
    await test.pool.run((outer) =>
      named.pool.run(async (reporting) => {
        await test.pool.run((inner) => assert.equal(currentDb(), inner));
        assert.deepEqual([currentDb(), currentDb('reporting')], [outer, reporting]);
      }),
    );
  });

  it('finds that of the job around it in a job of a pool without the option, and in a transaction', async () => {
    const [test, plain] = [new TestPool({ context: true }), new TestPool({})];
    await test.pool.run(async (db) => {
      await plain.pool.run(() => assert.equal(currentDb(), db));
      await plain.pool.transaction(async () => assert.equal(currentDb(), db));
    });
  });

  it('finds nothing in a job of a pool without the option', async () => {
    const test = new TestPool({});
    await test.pool.run(() => assert.throws(() => currentDb(), coded('NO_CURRENT_DB')));
  });

  it('takes no connection, and attaches nothing, before a query', async () => {
    const test = new TestPool({ context: true });
    await test.pool.run(() => assert.equal(currentDb().state, 'unused'));
    assert.equal(test.driver.opens.length, 0);
  });

  it('names what is known when it is asked for something else', async () => {
    const test = new TestPool({ context: true });
    await test.pool.run(() => assert.throws(() => currentDb('nobody'), /'nobody'.*'db'/));
    assert.throws(() => currentDb(), /outside of a request or job/);
  });
});
