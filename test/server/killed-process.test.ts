import { strict as assert } from 'node:assert';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { databaseUrl, withBank } from '@handback/contract/support/database.js';
import { eventually, within } from '@handback/contract/support/eventually.js';
import { ServerWatcher } from '@handback/contract/support/server-watcher.js';

const transfer = (add: string) => `
  import { createPool } from '@handback/core';
  const pool = createPool(${JSON.stringify(databaseUrl())});
  await pool.run(async (db) => {
    await db.beginTransaction();
    await db.query(${JSON.stringify(add)}, [-100, 1]);
    const [[{ id }]] = await db.query('SELECT CONNECTION_ID() AS id');
    console.log(id);
    await new Promise(() => setInterval(() => {}, 1_000));
  });`;

describe('a process that is killed (SIGKILL) in a transaction', () => {
  it('leaves no lock, no session and no half of a transfer', () =>
    withBank(async ({ add, isUnlocked, total }) => {
      const watcher = await ServerWatcher.open();
      const child = spawn(process.execPath, ['--input-type=module', '-e', transfer(add)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      try {
        const [line] = await within(15_000, 'the transaction', once(child.stdout, 'data'));
        const id = Number(line);
        assert.ok(await watcher.isConnected(id));
        assert.equal(await isUnlocked(1), false);
        child.kill('SIGKILL');
        await eventually(async () => assert.ok(await isUnlocked(1), 'the row is still locked'));
        await eventually(async () => assert.equal(await watcher.isConnected(id), false));
        assert.equal(await total(), 2_000);
      } finally {
        child.kill('SIGKILL');
        await watcher.close();
      }
    }));
});
