import { strict as assert } from 'node:assert';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { databaseUrl } from '@handback/contract/support/database.js';

const run = promisify(execFile);

function script(body: string): Promise<string> {
  const text = `import { createPool } from '@handback/core';\nprocess.on('warning', () => {});\n${body}`;
  const options = { env: { ...process.env, NODE_NO_WARNINGS: '1' } };
  return run(process.execPath, ['--input-type=module', '-e', text], options).then(({ stdout }) =>
    stdout.trim(),
  );
}

describe('a script', () => {
  it('whose database is away is told so before it ends', async () => {
    const output = await script(`
      const pool = createPool({ uri: 'mysql://nobody@127.0.0.1:1/nothing', acquireTimeoutMs: 300 });
      await pool.query('SELECT 1').catch((error) => console.log(error.code, error.cause.code));
    `);
    assert.equal(output, 'OPEN_FAILED ECONNREFUSED');
  });

  it('that warms its pool is told so as well', async () => {
    const output = await script(`
      const uri = 'mysql://nobody@127.0.0.1:1/nothing';
      const pool = createPool({ uri, minIdle: 1, acquireTimeoutMs: 300 });
      await pool.warm().catch((error) => console.log(error.code, error.cause.code));
      await pool.close();
    `);
    assert.equal(output, 'OPEN_FAILED ECONNREFUSED');
  });

  it('whose statement waits for a stream that nobody reads is told so as well', async () => {
    const output = await script(`
      const pool = createPool({ uri: ${JSON.stringify(databaseUrl())}, acquireTimeoutMs: 1_000 });
      const loop = pool.run(async (db) => {
        for await (const _row of db.stream('SELECT seq FROM seq_1_to_500000')) await db.query('SELECT 1');
      });
      await loop.catch((error) => console.log(error.code));
      await pool.close();
    `);
    assert.equal(output, 'STREAM_OPEN');
  });

  it('ends by itself once its pool is closed, and not before its work is done', async () => {
    const output = await script(`
      const pool = createPool(${JSON.stringify(databaseUrl())});
      await pool.run((db) => db.query('SELECT SLEEP(0.1)'));
      await pool.close();
      console.log('closed');
    `);
    assert.equal(output, 'closed');
  });
});
