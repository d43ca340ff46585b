import { createPool } from '@handback/core';
import { accountsTotal } from '../shared/accounts.js';
import { failWith } from '../shared/fail.js';
import { readDatabaseUrl } from '../shared/settings.js';

// 0 3 * * *  DATABASE_URL=mysql://… node examples/dist/jobs/audit.js
// A script, as cron starts it: one connection, closed at the end of the block; then nothing keeps the process.
try {
  await using pool = createPool({ uri: readDatabaseUrl(process.env), max: 1 });
  const sum = await pool.run(accountsTotal, { name: 'audit', queryTimeoutMs: 60_000 });
  console.log(`${sum?.accounts} accounts, ${sum?.total} in total.`);
} catch (error) {
  failWith(error);
}
