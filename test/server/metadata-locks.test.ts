import { strict as assert } from 'node:assert';
import { databaseUrl, unique } from '@handback/contract/support/database.js';
import { eventually, within } from '@handback/contract/support/eventually.js';
import { ServerWatcher } from '@handback/contract/support/server-watcher.js';
import { type ConnectionPool, createPool } from '@handback/core';
import { type Connection, createConnection } from 'mysql2/promise';
import { ConnectionPool as Flow } from '#core/connection-pool.js';
import { TestRequest } from '../core/request-fixture.js';

/** A transaction that has only read holds the table's definition: an ALTER waits for it, and all others for the ALTER. */
describe('a transaction that a request has left open, and ALTER TABLE', () => {
  const DRAIN_MS = 200;
  const table = unique('altered');
  let pool: ConnectionPool;
  let operator: Connection;
  let watcher: ServerWatcher;

  beforeEach(async () => {
    pool = createPool({ uri: databaseUrl(), max: 4, drainTimeoutMs: DRAIN_MS });
    pool.events.on('warning', () => {});
    operator = await createConnection(databaseUrl());
    watcher = await ServerWatcher.open();
    await operator.query(`CREATE TABLE ${table} (n INT) ENGINE=InnoDB`);
  });

  afterEach(async () => {
    await pool.close({ timeoutMs: 0 });
    await operator.query(`DROP TABLE ${table}`);
    await Promise.all([operator.end(), watcher.close()]);
  });

  const request = () => new TestRequest({ flow: Flow.flowOf(pool as Flow) });
  const endings: Record<string, (request: TestRequest) => unknown> = {
    'is answered': (reader) => reader.answer(),
    'has lost its client, and its handler does nothing more': (reader) => reader.leave(),
    'is answered while a statement still runs': (reader) => {
      reader.db.query('SELECT SLEEP(60)').catch(() => {});
      reader.answer();
    },
  };
  for (const [how, end] of Object.entries(endings)) {
    it(`the table is altered, and everybody goes on, once the request ${how}`, async () => {
      const reader = request();
      await reader.db.beginTransaction();
      await reader.db.query(`SELECT * FROM ${table}`);
      const altered = operator.query(`ALTER TABLE ${table} ADD COLUMN m INT`);
      await eventually(() => watcher.runner('ALTER TABLE'));
      const others = Array.from({ length: 3 }, () => request());
      const reads = others.map(({ db }) => db.query(`SELECT COUNT(*) AS rowCount FROM ${table}`));
      end(reader);
      await within(DRAIN_MS + 5_000, 'the ALTER', altered);
      for (const [rows] of await Promise.all(reads)) assert.deepEqual(rows, [{ rowCount: 0 }]);
      for (const other of others) other.answer();
      await eventually(() => assert.equal(pool.stats().leased + pool.stats().draining, 0));
      assert.equal(pool.stats().rolledBack, 1);
    });
  }
});
