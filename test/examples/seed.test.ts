import assert from 'node:assert/strict';
import { databaseUrl } from '@handback/contract/support/database.js';
import { createPool } from '@handback/core';
import { seed } from 'handback-examples/dist/shared/seed.js';
import type { RowDataPacket } from 'mysql2';
import { compiled } from './examples.js';
import { type Ended, withProgram } from './processes.js';

const COUNTS = `SELECT (SELECT COUNT(*) FROM users) AS users, (SELECT COUNT(*) FROM accounts) AS accounts,
  (SELECT CAST(SUM(balance) AS SIGNED) FROM accounts) AS money, (SELECT COUNT(*) FROM visits) AS visits`;

async function counts() {
  await using pool = createPool(databaseUrl());
  const [rows] = await pool.query<RowDataPacket[]>(COUNTS);
  return { ...rows[0] };
}

function otherSchema(path: string): string {
  return Object.assign(new URL(databaseUrl()), { pathname: path }).href;
}

describe('example: seed', () => {
  const expected = { users: 200, accounts: 50, money: 50_000, visits: 100_000 };

  it('fills the tables; a second time changes nothing', async () => {
    await seed(databaseUrl());
    assert.deepEqual(await counts(), expected);
    await seed(databaseUrl());
    assert.deepEqual(await counts(), expected);
  });

  it('touches no schema but those of Handback', async () => {
    const refusal = /^Error: Only a schema whose name begins with handback_ is seeded/;
    await assert.rejects(seed(otherSchema('/information_schema')), refusal);
    await assert.rejects(seed(otherSchema('/')), refusal);
  });

  describe('seed-cli.js', () => {
    const run = (DATABASE_URL: string): Promise<Ended> =>
      withProgram(compiled('shared/seed-cli.js'), { DATABASE_URL }, ({ ended }) => ended);

    it('says nothing when it has worked', async () => {
      assert.deepEqual(await run(databaseUrl()), { code: 0, stdout: '', stderr: '' });
    });

    it('says in one line why it has not', async () => {
      const unnamed = await run('');
      assert.equal(unnamed.code, 1);
      assert.match(unnamed.stderr, /^DATABASE_URL is not set\. .*\n$/);
      const foreign = await run(otherSchema('/information_schema'));
      assert.equal(foreign.code, 1);
      assert.match(foreign.stderr, /^Only a schema .*information_schema\.\n$/);
    });
  });
});
