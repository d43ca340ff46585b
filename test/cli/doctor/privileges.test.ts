import { strict as assert } from 'node:assert';
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

  it('reads, and changes nothing but its own session, which can’t write', async () => {
    clinic.asked.length = 0;
    await clinic.examine({ meanwhile: async () => {} });
    assert.ok(clinic.asked.length > 5);
    for (const statement of clinic.asked) assert.match(statement, /^(SELECT|SHOW) /);
  });
});
