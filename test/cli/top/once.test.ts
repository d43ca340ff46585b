import { strict as assert } from 'node:assert';
import { databaseUrl, unique } from '@handback/contract/support/database.js';
import { eventually } from '@handback/contract/support/eventually.js';
import { createConnection } from 'mysql2/promise';
import type { RouteLine, ThreadLine } from '#cli/top/view.js';
import { handback } from '../handback.js';
import { Stage } from './stage.js';

const top = (...args: string[]) => handback(['top', databaseUrl(), ...args]);

describe('handback top, one look', () => {
  let stage: Stage;
  let keeper: number;

  before(async () => {
    stage = await Stage.open();
    keeper = await stage.keeps('POST /orders', "SELECT 'hunter2' AS secret, 4711 AS n");
    await stage.runs('GET /reports/:id', "SELECT SLEEP(1000), 'hunter3' AS `odd\u001b[2Jname`");
  });

  after(() => stage.close());

  /** The route's statement has reached the server. */
  async function seen(): Promise<{ threads: ThreadLine[]; holders: RouteLine[]; text: string }> {
    let found: { threads: ThreadLine[]; holders: RouteLine[]; text: string } | undefined;
    await eventually(async () => {
      const { code, stdout } = await top('--app', stage.url, '--json');
      assert.equal(code, 0);
      found = { ...JSON.parse(stdout), text: stdout };
      assert.ok(found?.threads.some(({ statement }) => statement?.includes('SLEEP')));
    });
    return found as NonNullable<typeof found>;
  }

  it('joins the server’s threads with the leases of the application', async () => {
    const { threads, holders } = await seen();
    const kept = threads.find(({ id }) => id === keeper);
    assert.deepEqual(
      [kept?.whose, kept?.route, kept?.pool, kept?.poolState, kept?.command],
      ['route', 'POST /orders', 'shop', 'leased', 'Sleep'],
    );
    const running = threads.find(({ statement }) => statement?.includes('SLEEP'));
    assert.deepEqual([running?.route, running?.command], ['GET /reports/:id', 'Query']);
    assert.equal(threads.filter(({ whose }) => whose === 'own').length, 1);
    assert.deepEqual(holders.map(({ route, held }) => [route, held]).sort(), [
      ['GET /reports/:id', 1],
      ['POST /orders', 1],
    ]);
  });

  it('shows statements without their values, and no password', async () => {
    const { text, holders } = await seen();
    assert.doesNotMatch(text, /hunter|4711/);
    assert.deepEqual(holders.find(({ route }) => route === 'POST /orders')?.statements, [
      'SELECT ? AS secret, ? AS n',
    ]);
    const { password } = new URL(databaseUrl());
    if (password) assert.ok(!text.includes(password));
  });

  it('is text for pipes: no colours, no control characters, and all of each line', async () => {
    await seen();
    const { code, stdout, stderr } = await top('--app', stage.url, '--once');
    assert.deepEqual([code, stderr], [0, '']);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is looked for
    assert.doesNotMatch(stdout, /[\u0000-\u0009\u000b-\u001f\u007f]/);
    assert.match(stdout, /`odd\\u\{1b\}\[2Jname`/);
    assert.match(stdout, /^Pools \(1\)$/m);
    assert.match(stdout, /^ +shop +127\.0\.0\.1:\d+\/stats +\d+ +4 +2 +\d+ +0 +0 +0 +0 ms +- /m);
    assert.match(stdout, /^Holders \(2\)$/m);
    assert.match(stdout, /^ +POST \/orders +shop +1 +\d+ .*SELECT \? AS secret, \? AS n$/m);
    assert.match(stdout, /^ +\d+ .* Sleep +.* POST \/orders for /m);
  });

  it('shows the threads without an application too, and says what it can not know then', async () => {
    const { code, stdout } = await top('--once');
    assert.equal(code, 0);
    assert.match(stdout, /Without --app nobody says which route holds a connection\./);
    assert.match(stdout, new RegExp(`^ +${keeper} .*not known`, 'm'));
    assert.doesNotMatch(stdout, /^Pools/m);
  });

  it('shows what the others said when one application says nothing, and ends with 3', async () => {
    const { code, stdout } = await top('--app', stage.url, '--app', 'http://127.0.0.1:1/stats', '--once');
    assert.equal(code, 3);
    assert.match(stdout, /^127\.0\.0\.1:1\/stats did not tell of its pools: .*(ECONNREFUSED|bad port)/m);
    assert.match(stdout, /POST \/orders for /);
  });

  it('sends the user and password of an application’s url, and shows neither', async () => {
    const url = stage.url.replace('://', '://ops:hunter4@');
    const { code, stdout, stderr } = await top('--app', url, '--json');
    assert.equal(code, 0);
    assert.equal(stage.asked.authorization, `Basic ${Buffer.from('ops:hunter4').toString('base64')}`);
    assert.doesNotMatch(stdout + stderr, /hunter4/);
  });

  it('says what an account without PROCESS can not see', async () => {
    const admin = await createConnection(databaseUrl());
    const user = unique('top').slice(0, 32);
    try {
      await admin.query(`CREATE USER ${user}@'%' IDENTIFIED BY 'Handback-1'`);
      const url = Object.assign(new URL(databaseUrl()), { username: user, password: '', pathname: '' });
      const args = ['top', url.href, '--app', stage.url, '--once'];
      const { code, stdout } = await handback(args, { HANDBACK_PASSWORD: 'Handback-1' });
      assert.equal(code, 0);
      assert.match(stdout, /Only threads of this account are seen \(1 of \d+\); GRANT PROCESS/);
      assert.match(
        stdout,
        /connections of the applications not among the threads seen: hidden from this account/,
      );
      assert.match(stdout, /^Threads \(1\)$/m);
      assert.match(
        stdout,
        /^ +POST \/orders +shop +1 /m,
        'the application tells of its holders all the same',
      );
    } finally {
      await admin.query(`DROP USER ${user}@'%'`);
      await admin.end();
    }
  });

  it('refuses to draw where there is no terminal, and says what to do instead', async () => {
    const { code, stdout, stderr } = await top();
    assert.deepEqual([code, stdout], [2, '']);
    assert.match(stderr, /--once prints one look, --json one document/);
  });

  it('refuses what it can not read with 2, and shows no url', async () => {
    for (const args of [
      ['--interval', 'often'],
      ['--app', 'hunter5'],
      ['--app', 'ftp://a:hunter5@b/'],
      ['second'],
    ]) {
      const { code, stdout, stderr } = await top('--once', ...args);
      assert.deepEqual([code, stdout], [2, ''], args.join(' '));
      assert.doesNotMatch(stderr, /hunter5/);
    }
  });

  it('ends with 3 where there is no server', async () => {
    const { code, stdout } = await handback(['top', 'mysql://u@127.0.0.1:1/', '--json']);
    assert.equal(code, 3);
    assert.equal(JSON.parse(stdout).error.code, 'ECONNREFUSED');
  });
});
