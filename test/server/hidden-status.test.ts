import { strict as assert } from 'node:assert';
import { databaseUrl, unique } from '@handback/contract/support/database.js';
import mysql, { type RowDataPacket } from 'mysql2';
import { systemClock } from '#core/clock.js';
import { ConnectionPool } from '#core/connection-pool.js';
import { Mysql2Driver } from '#core/drivers/mysql2.js';
import { Pool } from '#core/pool.js';
import { readPoolOptions } from '#core/read-options.js';

/** The class of the driver's connections. */
const { prototype } = (
  mysql as unknown as { Connection: { prototype: { handlePacket(packet: unknown): void } } }
).Connection;

describe('a version of the driver that does not show the server’s status', () => {
  /** As if packets no longer went through the method by its name: what is put in its place is never called. */
  before(() => {
    const { handlePacket } = prototype;
    Object.defineProperty(prototype, 'handlePacket', {
      configurable: true,
      get: () => handlePacket,
      set: () => {},
    });
  });

  after(() => {
    // What it hid is inherited.
    delete (prototype as Partial<typeof prototype>).handlePacket;
  });

  it('is warned of once; every session is reset after a SELECT, and nothing is left to the next', async () => {
    const table = unique('hidden');
    const settings = readPoolOptions({ uri: databaseUrl(), max: 3 });
    // A new one: the other has looked already, and found it in order.
    const pool = new ConnectionPool(new Pool(settings, new Mysql2Driver(), systemClock));
    const codes: string[] = [];
    pool.events.on('warning', ({ code }) => codes.push(code));
    try {
      await pool.query(`CREATE TABLE ${table} (n INT) ENGINE=InnoDB`);
      const leases = await Promise.all([pool.acquire(), pool.acquire(), pool.acquire()]);
      for (const lease of leases) {
        await lease.query('SELECT 1');
        lease.release();
      }
      await Promise.all(leases.map(() => pool.query('SELECT SLEEP(0.01)')));
      const { reset, opened, cleanReleases } = pool.stats();
      assert.deepEqual({ opened, cleanReleases }, { opened: 3, cleanReleases: 0 });
      assert.ok(reset >= 3, `${reset} resets`);
      const transaction = 'SELECT @@in_transaction AS inTransaction, @@autocommit AS autocommit';
      await Promise.all(
        leases.map(() =>
          pool.run(async (db) => {
            await db.query('SET autocommit = 0');
            await db.query(`SELECT COUNT(*) FROM ${table}`);
          }),
        ),
      );
      for (let n = 0; n < 3; n++) {
        const [[row]] = await pool.query<RowDataPacket[]>(transaction);
        assert.deepEqual({ ...row }, { inTransaction: 0, autocommit: 1 });
      }
      assert.deepEqual(
        codes.filter((code) => code === 'STATUS_HIDDEN'),
        ['STATUS_HIDDEN'],
      );
      assert.equal(pool.stats().opened, 3);
    } finally {
      await pool.query(`DROP TABLE ${table}`);
      await pool.close();
    }
  });
});
