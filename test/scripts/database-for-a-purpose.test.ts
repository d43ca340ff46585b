import { strict as assert } from 'node:assert';
import { databaseUrl, databaseUrlWith, password } from '@handback/contract/support/database.js';
import { eventually } from '@handback/contract/support/eventually.js';
import { createConnection, type RowDataPacket } from 'mysql2/promise';
import { assertOurSchema, getDatabase } from '#scripts/database/index.mjs';
import { firstLine, startProgram } from './processes.js';

async function hasSchema(url: string): Promise<boolean> {
  const connection = await createConnection(databaseUrl());
  try {
    const [rows] = await connection.query<RowDataPacket[]>('SHOW DATABASES LIKE ?', [schemaOf(url)]);
    return rows.length > 0;
  } finally {
    await connection.end();
  }
}

function schemaOf(url: string): string {
  return new URL(url).pathname.slice(1);
}

function failureWith(given: string): Promise<Error> {
  return getDatabase({ purpose: 'test', env: { HANDBACK_DATABASE_URL: given } }).then(
    () => assert.fail('it should have failed'),
    (error) => error,
  );
}

describe('a database on the server of HANDBACK_DATABASE_URL', () => {
  it('is a schema of our own, whatever schema the variable names, and is dropped at the end', async () => {
    const database = await getDatabase({ purpose: 'demo', env: { HANDBACK_DATABASE_URL: databaseUrl() } });
    assert.match(schemaOf(database.url), /^handback_demo_[0-9a-f]+$/);
    assert.equal(database.server, undefined);
    assert.ok(await hasSchema(database.url));
    await database.close();
    assert.equal(await hasSchema(database.url), false);
    assert.ok(await hasSchema(databaseUrl()));
  });

  it('is dropped too when the program that uses it is killed', async () => {
    const env = { ...process.env, HANDBACK_DATABASE_URL: databaseUrl() };
    const program = startProgram('hold-schema.mjs', [], { env });
    const { url } = await firstLine<{ url: string }>(program);
    assert.ok(await hasSchema(url));
    process.kill(-(program.pid ?? assert.fail('the program did not start')), 'SIGKILL');
    await eventually(async () => assert.equal(await hasSchema(url), false), 10_000);
  });

  const mistakes = {
    'the password is wrong': () => databaseUrlWith({ password: 'open-sesame' }),
    'nobody listens there': () => databaseUrlWith({ password: 'open-sesame', port: '1' }),
    'the host does not exist': () =>
      databaseUrlWith({ password: 'open-sesame', hostname: 'nowhere.invalid' }),
    'it is not for MySQL': () => 'postgres://root:open-sesame@127.0.0.1/',
    'it is not a URL': () => 'root:open-sesame@localhost',
    'it is not encoded correctly': () => 'mysql://root:open-sesame%zz@127.0.0.1:1/',
  };

  for (const [what, url] of Object.entries(mistakes)) {
    it(`fails with one message that names the variable and no password when ${what}`, async () => {
      const { message } = await failureWith(url());
      assert.match(message, /HANDBACK_DATABASE_URL/);
      assert.doesNotMatch(message, /open-sesame/);
      assert.ok(!message.includes(password()));
      assert.equal(message.split('\n').length, 1);
    });
  }
});

describe('the guard in front of CREATE SCHEMA and DROP SCHEMA', () => {
  it('lets our own names pass', () => {
    assertOurSchema('handback_demo_0a1b2c');
    assertOurSchema('handback_test_0a1b2c');
  });

  for (const name of [
    '',
    'mysql',
    'shop',
    'handback',
    'handback_demo',
    'handback_test_',
    'my_handback_test_1',
    'handback_production_1',
    'HANDBACK_TEST_1',
    'handback_test_1`; DROP SCHEMA `shop',
    'handback_test_1\n',
  ]) {
    it(`refuses ${JSON.stringify(name)}`, () => {
      assert.throws(() => assertOurSchema(name), /refusing to create or drop/);
    });
  }
});
