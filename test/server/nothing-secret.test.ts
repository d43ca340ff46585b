import { strict as assert } from 'node:assert';
import { withAccount } from '@handback/contract/support/account.js';
import { databaseUrl, unique } from '@handback/contract/support/database.js';
import type { ErrorCode, WarningCode } from '@handback/core';
import mysql from 'mysql2/promise';
import { ERROR_CATALOGUE } from '#core/errors.js';
import { CARD, Evidence, listening, PASSWORD, WHOLE_PASSWORD } from './secrets/evidence.js';
import { OTHERS, SCENARIOS } from './secrets/scenarios.js';
import { ALL_EVENTS, Stage } from './secrets/stage.js';

/** Those beside errors; false = a real server and driver don't bring it about. */
const WARNINGS: Readonly<Record<Exclude<WarningCode, ErrorCode>, boolean>> = {
  OPEN_TRANSACTION: true,
  LATE: true,
  LEAK: true,
  NO_ROOM: true,
  SERVER_LIMITS: true,
  STATUS_HIDDEN: false,
  UNSAFE_SETTING: true,
  BEHIND_PROXY: false,
  PINNED: false,
};

describe('passwords and bound values', () => {
  it('are in no error, event, warning, report, log, console line or printed object, whatever goes wrong', () =>
    withAccount('', async (account) => {
      const evidence = new Evidence();
      const admin = await mysql.createConnection(databaseUrl());
      const table = unique('cards');
      await admin.query(`CREATE TABLE ${table} (card VARCHAR(40)) ENGINE=InnoDB`);
      await admin.query(`INSERT INTO ${table} VALUES ('x')`);
      await account.setPassword(WHOLE_PASSWORD);
      const uri = Object.assign(new URL(account.url), { password: WHOLE_PASSWORD }).href;
      assert.ok(uri.includes(PASSWORD) && !uri.includes(WHOLE_PASSWORD), 'nothing had to be encoded');
      const stage = new Stage(evidence, { uri, admin, table });
      try {
        await listening(evidence, async () => {
          for (const scenario of [...Object.values(SCENARIOS), ...OTHERS]) await scenario?.(stage);
        });
      } finally {
        await admin.query(`DROP TABLE ${table}`);
        await admin.end();
      }
      assert.deepEqual(evidence.leaks, []);
      const reserved = Object.entries(SCENARIOS).flatMap(([code, scenario]) => (scenario ? [] : [code]));
      const codes = Object.keys(ERROR_CATALOGUE).filter((code) => !reserved.includes(code));
      assert.deepEqual(
        codes.filter((code) => !evidence.codes.has(code)),
        [],
        'not raised',
      );
      assert.deepEqual(
        ALL_EVENTS.filter((name) => !evidence.events.has(name)),
        [],
        'not told',
      );
      assert.deepEqual(
        Object.entries(WARNINGS).flatMap(([code, told]) =>
          told && !evidence.warnings.has(code) ? [code] : [],
        ),
        [],
        'not warned of',
      );
      assert.ok(evidence.size > 300, `${evidence.size} looked at`);
    })).timeout(60_000);

  it('the search finds what is there', () => {
    const cause = Object.assign(new Error(`of ${PASSWORD}`), { code: 'X' });
    for (const value of [
      { deep: { deeper: [CARD] } },
      new Error('outer', { cause }),
      Object.defineProperty(new Error('outer'), 'report', { value: { sql: CARD } }),
      `text ${CARD}`,
      { toJSON: () => CARD },
    ]) {
      const evidence = new Evidence();
      evidence.look('here', value);
      assert.notDeepEqual(evidence.leaks, []);
    }
  });
});
