import { strict as assert } from 'node:assert';
import { databaseUrl } from '@handback/contract/support/database.js';
import { eventually } from '@handback/contract/support/eventually.js';
import { TcpProxy } from '@handback/contract/support/tcp-proxy.js';
import { type ConnectionPool, createPool } from '@handback/core';

const SLOW = 'SELECT SLEEP(1.5)';

const ways: Record<string, (pool: ConnectionPool) => Promise<unknown>> = {
  'a query': (pool) => pool.query(SLOW),
  'a prepared statement': (pool) => pool.execute(SLOW),
  'a stream': (pool) => pool.stream(SLOW).toArray(),
  'the statement of a job': (pool) => pool.run((db) => db.query(SLOW)),
};

describe('a connection that the network ends while its statement runs', () => {
  for (const how of ['RST', 'FIN'] as const) {
    for (const [name, send] of Object.entries(ways)) {
      it(`${how}, ${name}: its place is not free before the server's thread is gone`, async () => {
        const proxy = await TcpProxy.inFrontOf(databaseUrl());
        const pool = createPool({ uri: proxy.url(databaseUrl()), max: 1 });
        pool.events.on('warning', () => {});
        try {
          await pool.query('SELECT 1');
          const answer = assert.rejects(send(pool));
          await eventually(() => assert.match(pool.holders()[0]?.statement ?? '', /SLEEP/));
          // Nobody can ask the server for now.
          proxy.refuse();
          proxy.cutAll(how);
          await answer;
          await eventually(() => assert.equal(pool.stats().leased, 0));
          assert.equal(pool.stats().ghost, 1);
          await proxy.accept();
          await eventually(() => assert.equal(pool.stats().ghost, 0), 10_000);
          await pool.query('SELECT 1');
        } finally {
          await pool.close();
          await proxy.close();
        }
      });
    }
  }
});
