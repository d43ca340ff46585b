import { strict as assert } from 'node:assert';
import { createPool } from '@handback/core';
import { handback } from '../handback.js';
import { Clinic, textOf } from './clinic.js';

/** What only a server with the performance schema knows: MariaDB ships with it off. */
describe('doctor: with the performance schema', () => {
  let clinic: Clinic;
  before(async function () {
    clinic = await Clinic.open(
      this,
      '--performance-schema=ON',
      '--performance-schema-instrument=wait/lock/metadata/sql/mdl=ON',
    );
  });
  afterEach(() => clinic?.discharge());
  after(() => clinic?.close());

  it('knows which program sleeps, and its pool of Handback', async () => {
    const pool = createPool({ uri: clinic.url(), name: 'orders' });
    try {
      await pool.query('SELECT 1');
      const { picture, finding } = await clinic.examine({ flags: ['--sleep-after', '0'] });
      assert.match(
        textOf(finding('sleepers')),
        new RegExp(`program \\S+ \\(pid ${process.pid}, pool orders\\)`),
      );
      assert.ok(
        picture.threads.some(({ program }) => program === 'handback'),
        'itself',
      );
      assert.deepEqual(picture.unseen, []);
    } finally {
      await pool.close();
    }
  });

  it('says what that takes, to whom it is refused', async () => {
    const account = await clinic.account('shop');
    await clinic.connect({ connectAttributes: { program_name: 'other' } });
    await clinic.connect({ ...account, connectAttributes: { program_name: 'own' } });
    await clinic.sql("GRANT PROCESS ON *.* TO 'shop'@'127.0.0.1'");
    const few = await clinic.examine({ account });
    const programs = (examined: typeof few) => examined.picture.threads.map(({ program }) => program);
    assert.ok(programs(few).includes('own') && !programs(few).includes('other'));
    assert.deepEqual(
      few.picture.unseen.map(({ remedy }) => remedy),
      ['GRANT SELECT ON performance_schema.* TO this account'],
    );
    await clinic.sql("GRANT SELECT ON performance_schema.* TO 'shop'@'127.0.0.1'");
    const all = await clinic.examine({ account });
    assert.ok(programs(all).includes('own') && programs(all).includes('other'));
    assert.deepEqual(all.picture.unseen, []);
  });

  it('knows who holds a metadata lock, and which', async () => {
    const holder = await clinic.connect({ database: 'shop' });
    await holder.query('BEGIN');
    await holder.query('SELECT * FROM item');
    const alter = await clinic.connect({ database: 'shop' });
    const altered = alter.query('ALTER TABLE item COMMENT "y"');
    let examined = await clinic.examine();
    while (examined.picture.metadataWaits.length === 0) examined = await clinic.examine();
    assert.equal(examined.severity('metadata-lock-waits'), 'critical');
    const [{ object, holders, certain } = {}] = examined.picture.metadataWaits;
    assert.deepEqual(
      { object, holders, certain },
      { object: 'shop.item', holders: [holder.threadId], certain: true },
    );
    await holder.query('ROLLBACK');
    await altered;
    assert.equal((await clinic.examine()).severity('metadata-lock-waits'), 'ok');
  });

  it('prints names from the server without what would control the terminal', async () => {
    await clinic.connect({ connectAttributes: { program_name: 'evil\u001b]0;owned\u0007\u001b[2J' } });
    for (const flags of [[], ['--json']]) {
      const { stdout, stderr } = await handback(['doctor', clinic.url(), '--sleep-after', '0', ...flags]);
      assert.match(stdout, /evil\\u\{?0?0?1b/);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is looked for
      assert.doesNotMatch(stdout + stderr, /[\u001b\u0007]/);
    }
  });
});
