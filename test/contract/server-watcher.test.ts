import { strict as assert } from 'node:assert';
import { databaseUrl } from '@handback/contract/support/database.js';
import { ServerWatcher } from '@handback/contract/support/server-watcher.js';
import { createPool } from '@handback/core';

/** Nothing is read in this process meanwhile: what two sockets have is there at once. */
function blockTheLoop(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

describe('the watcher of the server', () => {
  it('that sees a connection no more tells so when this process has heard of it as well', async () => {
    const watcher = await ServerWatcher.open();
    const killer = await ServerWatcher.open();
    const pool = createPool({ uri: databaseUrl(), max: 1 });
    let seen = 0;
    try {
      for (let round = 0; round < 100 && seen < 3; round++) {
        const lease = await pool.acquire();
        lease.release();
        const id = lease.threadId as number;
        assert.ok(await watcher.isConnected(id));
        // Both are sent at once, and both have their effect before anything is read here.
        const killed = killer.disconnect(id);
        blockTheLoop(10);
        const asked = watcher.isConnected(id);
        blockTheLoop(10);
        if (!(await asked)) {
          seen++;
          assert.equal(pool.stats().idle, 0);
        }
        await killed;
      }
    } finally {
      await pool.close();
      await Promise.all([killer.close(), watcher.close()]);
    }
    assert.ok(seen > 0, 'it never came to that');
  });
});
