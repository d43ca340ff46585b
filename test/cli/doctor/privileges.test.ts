import { strict as assert } from 'node:assert';
import { handback } from '../handback.js';
import { Clinic } from './clinic.js';

describe('doctor: with the privileges that the account has', () => {
  let clinic: Clinic;
  before(async function () {
    clinic = await Clinic.open(this);
  });
  afterEach(() => clinic?.discharge());
  after(() => clinic?.close());

  it('says what it could not see, and which GRANT would show it', async () => {
    const account = await clinic.account('shop');
    await clinic.connect();
    const own = await clinic.connect({ ...account });
    const flags = ['--sleep-after', '0'];
    const seen = await clinic.examine({ account, flags });
    assert.deepEqual(
      seen.picture.threads.map(({ user }) => user),
      ['shop', 'shop'],
    );
    assert.match(seen.finding('sleepers')?.evidence.join() ?? '', new RegExp(`^#${own.threadId} `));
    assert.equal(seen.finding('long-transactions'), undefined);
    assert.equal(seen.finding('row-lock-waits'), undefined);
    const remedies = seen.picture.unseen.map(({ remedy }) => remedy);
    assert.deepEqual(
      remedies.filter((remedy) => remedy?.includes('PROCESS')),
      Array(2).fill('GRANT PROCESS ON *.* TO this account'),
    );
    assert.equal(seen.severity('connections-now'), 'ok', 'the sum is known to all');

    await clinic.sql("GRANT PROCESS ON *.* TO 'shop'@'127.0.0.1'");
    const more = await clinic.examine({ account, flags });
    assert.ok(more.picture.threads.length >= 3);
    assert.equal(more.severity('long-transactions'), 'ok');
    assert.ok(!more.picture.unseen.some(({ remedy }) => remedy?.includes('PROCESS')));
  });

  it('does with USAGE alone, and with one schema alone', async () => {
    await clinic.sql("CREATE USER 'nobody'@'127.0.0.1' IDENTIFIED BY 'of nobody'");
    const usage = await clinic.examine({ account: { user: 'nobody', password: 'of nobody' } });
    const one = await clinic.examine({ account: await clinic.account('one') });
    for (const seen of [usage, one]) {
      assert.deepEqual(
        seen.findings.filter(({ severity }) => severity === 'critical' || severity === 'warning'),
        [],
      );
      for (const id of ['connections-now', 'connections-high-water', 'idle-timeout', 'aborted-clients'])
        assert.equal(seen.severity(id), 'ok', id);
      assert.equal(seen.picture.unseen.filter(({ remedy }) => remedy?.includes('PROCESS')).length, 2);
    }
  });

  it('says that it looked at no sockets where it asks over the socket file', async () => {
    const { user, password, socketPath } = clinic.server;
    const url = `mysql://${user}:${password}@localhost/?socketPath=${encodeURIComponent(socketPath)}`;
    const { code, stdout } = await handback(['doctor', url, '--sample', '0', '--json']);
    assert.equal(code, 0);
    const { findings, unseen } = JSON.parse(stdout);
    assert.ok(!findings.some(({ id }: { id: string }) => id === 'client-sockets'));
    assert.ok(unseen.some(({ what }: { what: string }) => /the sockets of this host/.test(what)));
  });

  it('reads, and changes nothing but its own session, which can’t write', async () => {
    clinic.asked.length = 0;
    await clinic.examine({ meanwhile: async () => {} });
    assert.ok(clinic.asked.length > 5);
    for (const statement of clinic.asked) assert.match(statement, /^(SELECT|SHOW) /);
  });
});
