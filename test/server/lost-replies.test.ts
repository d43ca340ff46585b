import { strict as assert } from 'node:assert';
import { databaseUrl, unique } from '@handback/contract/support/database.js';
import { eventually } from '@handback/contract/support/eventually.js';
import { TcpProxy } from '@handback/contract/support/tcp-proxy.js';
import { type ConnectionPool, createPool } from '@handback/core';
import type { RowDataPacket } from 'mysql2';
import { times } from '../support/times.js';

/** The server does what it is told, and its answer never comes. */
describe('a write whose answer is lost', () => {
  const ROUNDS = times(8);
  let proxy: TcpProxy;
  let pool: ConnectionPool;
  let direct: ConnectionPool;
  const table = unique('counters');

  before(async () => {
    proxy = await TcpProxy.inFrontOf(databaseUrl());
    direct = createPool({ uri: databaseUrl(), max: 1 });
    await direct.query(`CREATE TABLE ${table} (n INT) ENGINE=InnoDB`);
    await direct.query(`INSERT INTO ${table} VALUES (0)`);
    pool = createPool({ uri: proxy.url(databaseUrl()), max: 2 });
    pool.events.on('warning', () => {});
  });

  after(async () => {
    proxy.flow = 'pass';
    await pool.close({ timeoutMs: 0 });
    await direct.query(`DROP TABLE ${table}`);
    await Promise.all([direct.close(), proxy.close()]);
  });

  const count = async () => {
    const [[row]] = await direct.query<RowDataPacket[]>(`SELECT n FROM ${table}`);
    return row?.n as number;
  };

  const increment = `UPDATE ${table} SET n = n + 1`;
  const ways: Record<string, () => Promise<unknown>> = {
    'a one-shot': () => pool.query(increment),
    'a prepared one-shot': () => pool.execute(increment),
    'a request': () => pool.run((db) => db.query(increment)),
    'transaction(fn)': () => pool.transaction((tx) => tx.query(increment)),
    'transaction(fn) with retries': () => pool.transaction((tx) => tx.query(increment), { retries: 3 }),
  };
  for (const [what, write] of Object.entries(ways)) {
    for (const how of ['RST', 'FIN'] as const) {
      it(`is done once at most, and fails for its caller: ${what}, cut by ${how}, ${ROUNDS} times`, async () => {
        for (let round = 0; round < ROUNDS; round++) {
          await pool.query('SELECT 1');
          const before = await count();
          proxy.mark();
          proxy.flow = 'swallow-to-client';
          const failed = assert.rejects(write());
          await eventually(() => {
            const { query = 0, execute = 0, prepare = 0 } = proxy.traffic.commands;
            assert.ok(query + execute + prepare > 0);
          });
          // Time for the server to do it, in most rounds.
          await new Promise((resolve) => setTimeout(resolve, 3));
          proxy.cutAll(how);
          proxy.flow = 'pass';
          await failed;
          assert.ok((await count()) - before <= 1, 'done twice');
        }
      });
    }
  }

  it('has been done, in most of them', async () => assert.ok((await count()) > ROUNDS));
});
