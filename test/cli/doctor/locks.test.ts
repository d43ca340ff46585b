import { strict as assert } from 'node:assert';
import { eventually } from '@handback/contract/support/eventually.js';
import type { Connection } from 'mysql2/promise';
import { Clinic, type Examined, textOf } from './clinic.js';

/** InnoDB shows a copy of its lists, and makes a new one only when nobody has looked for 100 ms. */
const COPY_MS = 150;
const freshCopy = () => new Promise((resolve) => setTimeout(resolve, COPY_MS));

const SCHEMA = { database: 'shop' };

/** Makes the condition, sees it; removes it, sees it gone. */
describe('doctor: transactions and locks', () => {
  let clinic: Clinic;
  before(async function () {
    clinic = await Clinic.open(this, '--plugin-maturity=alpha');
  });
  afterEach(() => clinic?.discharge());
  after(() => clinic?.close());

  /** Repeats until the server shows it. */
  function see(id: string, severity: string, flags: string[] = []): Promise<Examined> {
    return eventually(async () => {
      await freshCopy();
      const examined = await clinic.examine({ flags });
      assert.equal(examined.severity(id), severity);
      return examined;
    });
  }

  async function inTransaction(sql: string): Promise<Connection> {
    const connection = await clinic.connect(SCHEMA);
    await connection.query('BEGIN');
    await connection.query(sql);
    return connection;
  }

  it('finds transactions that stay open, and whose they are', async () => {
    const flags = ['--transaction-after', '0'];
    await see('long-transactions', 'ok', flags);
    const open = await inTransaction('UPDATE item SET stock = stock - 1 WHERE id = 1');
    const { finding } = await see('long-transactions', 'warning', flags);
    const text = textOf(finding('long-transactions'));
    assert.match(text, /1 rows changed, 1 locked/);
    assert.match(text, new RegExp(`#${open.threadId} handback@127\\.0\\.0\\.1:\\d+, schema shop, asleep`));
    await freshCopy();
    assert.equal((await clinic.examine()).severity('long-transactions'), 'ok', 'not for 30 s yet');
    await open.query('ROLLBACK');
    await see('long-transactions', 'ok', flags);
  });

  it('finds who waits for whose row', async () => {
    const holder = await inTransaction('UPDATE item SET stock = 0 WHERE id = 1');
    const waiter = await clinic.connect(SCHEMA);
    const waiting = waiter.query("UPDATE item SET stock = 77777 WHERE id = 1 AND 'secret' = 'secret'");
    const { finding } = await see('row-lock-waits', 'critical');
    const text = textOf(finding('row-lock-waits'));
    assert.match(text, new RegExp(`holder: #${holder.threadId} .*asleep`));
    assert.match(text, new RegExp(`waits for it.*#${waiter.threadId} .*UPDATE item SET stock = \\? WHERE`));
    assert.doesNotMatch(text, /77777|secret/, 'values are left out');
    assert.match(text, new RegExp(`KILL ${holder.threadId}`));
    await holder.query('ROLLBACK');
    await waiting;
    await see('row-lock-waits', 'ok');
  });

  it('does not call for a KILL while the holder is at work', async () => {
    const holder = await inTransaction('UPDATE item SET stock = 0 WHERE id = 1');
    const waiter = await clinic.connect(SCHEMA);
    const waiting = waiter.query('UPDATE item SET stock = 1 WHERE id = 1');
    const working = holder.query('SELECT SLEEP(60)').catch(() => {});
    await see('row-lock-waits', 'warning');
    await clinic.sql(`KILL QUERY ${holder.threadId}`);
    await working;
    await holder.query('ROLLBACK');
    await waiting;
  });

  /** A forgotten transaction, an ALTER that waits for it, and a reader behind that. */
  async function pileUp(): Promise<{ holder: Connection; waiters: number[]; over: Promise<unknown> }> {
    const holder = await inTransaction('SELECT * FROM item');
    const alter = await clinic.connect(SCHEMA);
    const reader = await clinic.connect(SCHEMA);
    const altered = alter.query('ALTER TABLE item COMMENT "x"');
    await see('metadata-lock-waits', 'critical');
    const read = reader.query('SELECT * FROM item WHERE id = 1');
    await eventually(async () => {
      await freshCopy();
      const { picture } = await clinic.examine();
      assert.equal(picture.metadataWaits.length, 2);
    });
    return { holder, waiters: [alter.threadId, reader.threadId], over: Promise.all([altered, read]) };
  }

  async function readsAgain({ holder, over }: Awaited<ReturnType<typeof pileUp>>): Promise<void> {
    await holder.query('ROLLBACK');
    await over;
    await see('metadata-lock-waits', 'ok');
  }

  it('finds a table that nobody can read any more, and who may hold it', async () => {
    await see('metadata-lock-waits', 'ok');
    const pile = await pileUp();
    await freshCopy();
    const examined = await clinic.examine();
    const text = textOf(examined.finding('metadata-lock-waits'));
    assert.match(text, new RegExp(`may be the holder: #${pile.holder.threadId} `));
    for (const id of pile.waiters) assert.match(text, new RegExp(`waits.*#${id} `));
    assert.ok(examined.picture.unseen.some(({ remedy }) => /metadata_lock_info/.test(remedy ?? '')));
    await readsAgain(pile);
  });

  it('knows who holds it from the plugin METADATA_LOCK_INFO', async () => {
    await clinic.sql("INSTALL SONAME 'metadata_lock_info'");
    try {
      // Others have open transactions too; theirs is not the table.
      await clinic.sql('CREATE TABLE shop.other (id INT PRIMARY KEY)');
      await inTransaction('SELECT * FROM other');
      const pile = await pileUp();
      const examined = await clinic.examine();
      assert.deepEqual(
        examined.picture.metadataWaits.map(({ object, holders, certain }) => ({ object, holders, certain })),
        Array(2).fill({ object: 'shop.item', holders: [pile.holder.threadId], certain: true }),
      );
      assert.match(textOf(examined.finding('metadata-lock-waits')), /\nholder: #/);
      assert.ok(!examined.picture.unseen.some(({ remedy }) => /metadata_lock_info/.test(remedy ?? '')));
      await readsAgain(pile);
    } finally {
      await clinic.discharge();
      await clinic.sql("UNINSTALL SONAME 'metadata_lock_info'", 'DROP TABLE shop.other');
    }
  });
});
