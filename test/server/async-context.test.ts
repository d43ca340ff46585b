import { strict as assert } from 'node:assert';
import { AsyncLocalStorage } from 'node:async_hooks';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { databaseUrl } from '@handback/contract/support/database.js';
import { createPool } from '@handback/core';

const run = promisify(execFile);

describe('AsyncLocalStorage', () => {
  it('every continuation sees its own store, whoever opened or gave back the connection', async () => {
    const storage = new AsyncLocalStorage<number>();
    const pool = createPool({ uri: databaseUrl(), max: 2 });
    const seen = await Promise.all(
      Array.from({ length: 20 }, (_, request) =>
        storage.run(request, () =>
          pool.run(async (db) => {
            const stores = [storage.getStore()];
            await db.query('SELECT 1');
            stores.push(storage.getStore());
            await db.transaction(async (tx) => {
              stores.push(storage.getStore());
              await tx.query('SELECT 1');
              stores.push(storage.getStore());
            });
            for await (const _row of db.stream('SELECT 1')) stores.push(storage.getStore());
            await db.query('SELECT nothing').catch(() => stores.push(storage.getStore()));
            return stores.every((store) => store === request);
          }),
        ),
      ),
    );
    await pool.close();
    assert.deepEqual(seen, Array(20).fill(true));
  });

  it('a pooled connection does not keep the store of the request that opened it', async () => {
    const script = `
      import { AsyncLocalStorage } from 'node:async_hooks';
      import { createPool } from '@handback/core';
      const storage = new AsyncLocalStorage();
      const pool = createPool({ uri: process.env.HANDBACK_TEST_DATABASE_URL, max: 1 });
      let kept;
      await (async () => {
        const store = { payload: 'x'.repeat(1e6) };
        kept = new WeakRef(store);
        await storage.run(store, () => pool.run((db) => db.query('SELECT 1')));
      })();
      for (let n = 0; n < 3; n++) await storage.run({}, () => pool.query('SELECT 1'));
      for (let n = 0; n < 5 && kept.deref(); n++) {
        await new Promise((resolve) => setImmediate(resolve));
        globalThis.gc();
      }
      console.log(kept.deref() === undefined ? 'collected' : 'kept');
      await pool.close();
    `;
    const { stdout } = await run(process.execPath, ['--expose-gc', '--input-type=module', '-e', script]);
    assert.equal(stdout.trim(), 'collected');
  });
});
