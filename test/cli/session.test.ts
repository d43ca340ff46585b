import { strict as assert } from 'node:assert';
import { databaseUrl } from '@handback/contract/support/database.js';
import { openSession } from '#cli/session.js';
import { parseTarget } from '#cli/target.js';

describe('the session of a command', () => {
  it('can’t write, and ends its statements itself', async () => {
    const target = parseTarget(databaseUrl());
    const session = await openSession(target, { password: target.passwordOfUrl() ?? '', timeoutMs: 1_000 });
    try {
      await assert.rejects(session.ask('CREATE TABLE doctors_own (id INT)'), {
        code: 'ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION',
      });
      await assert.rejects(
        session.ask(
          `SELECT COUNT(*) FROM ${Array.from('abcd', (name) => `information_schema.COLUMNS ${name}`).join()}`,
        ),
      );
    } finally {
      await session.close();
    }
  });
});
