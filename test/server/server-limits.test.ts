import { strict as assert } from 'node:assert';
import { withAccount } from '@handback/contract/support/account.js';
import { databaseUrl } from '@handback/contract/support/database.js';
import { eventually } from '@handback/contract/support/eventually.js';
import { ServerWatcher } from '@handback/contract/support/server-watcher.js';
import { type ConnectionPool, createPool, type PoolOptions, type ServerFacts } from '@handback/core';
import type { RowDataPacket } from 'mysql2';

interface Warning {
  code: string;
  message: string;
}

async function pooled(
  options: PoolOptions,
  work: (pool: ConnectionPool, warnings: Warning[]) => Promise<void>,
): Promise<void> {
  const pool = createPool({ uri: databaseUrl(), ...options });
  const warnings: Warning[] = [];
  pool.events.on('warning', (warning) => warnings.push(warning));
  try {
    await work(pool, warnings);
  } finally {
    await pool.close();
  }
}

function known({ server }: ConnectionPool): ServerFacts {
  assert.ok(server);
  return server;
}

describe('what the pool knows of the server', () => {
  it('is what the server says of itself, once a connection is open', () =>
    pooled({ max: 1 }, async (pool, warnings) => {
      assert.equal(pool.server, undefined);
      const [[row]] = await pool.query<RowDataPacket[]>(
        'SELECT VERSION() AS version, @@wait_timeout AS waits, @@max_connections AS most',
      );
      const { version, waitTimeoutMs, maxConnections, isMariaDb } = known(pool);
      assert.deepEqual(
        { version, waits: waitTimeoutMs / 1_000, most: maxConnections, isMariaDb },
        { ...row, isMariaDb: /mariadb/i.test(row?.version) },
      );
      assert.deepEqual(warnings, []);
    }));

  it('an idle connection is closed by the pool before the server would: no error, and no loss', () =>
    pooled({ max: 1, onConnect: 'SET SESSION wait_timeout = 2' }, async (pool, warnings) => {
      const reasons: string[] = [];
      pool.events.on('evict', ({ reason }) => reasons.push(reason));
      const [[row]] = await pool.query<RowDataPacket[]>('SELECT CONNECTION_ID() AS id');
      const watcher = await ServerWatcher.open();
      await eventually(async () => assert.ok(!(await watcher.isConnected(row?.id))));
      await watcher.close();
      assert.deepEqual(reasons, ['idle']);
      assert.deepEqual(
        warnings.map(({ code }) => code),
        ['SERVER_LIMITS'],
      );
      const [{ message } = { message: '' }] = warnings;
      assert.match(message, /idleTimeoutMs 300000 > 25 % of 2000 = 500 ms.*wait_timeout 2 s.*500 ms is used/);
    }));

  it('a max that the account does not allow is warned of once, with the arithmetic', () =>
    withAccount('WITH MAX_USER_CONNECTIONS 5', ({ url }) =>
      pooled({ uri: url, max: 5, name: 'greedy' }, async (pool, warnings) => {
        await Promise.all(Array.from({ length: 3 }, () => pool.query('SELECT SLEEP(0.05)')));
        assert.equal(known(pool).maxUserConnections, 5);
        assert.deepEqual(warnings, [
          {
            code: 'SERVER_LIMITS',
            message:
              "pool 'greedy': max 5 + 1 control connection = 6 > max_user_connections 5 of the account; lower max to 4 or raise max_user_connections",
          },
        ]);
      }),
    ));

  it('a max that fits is not warned of', () =>
    withAccount('WITH MAX_USER_CONNECTIONS 5', ({ url }) =>
      pooled({ uri: url, max: 4 }, async (pool, warnings) => {
        await pool.query('SELECT 1');
        assert.deepEqual(warnings, []);
      }),
    ));
});

describe('an account that allows fewer connections than max', () => {
  it('serves everybody with those it has, and says so once', () =>
    withAccount('WITH MAX_USER_CONNECTIONS 2', ({ url }) =>
      pooled({ uri: url, max: 5, acquireTimeoutMs: 15_000 }, async (pool, warnings) => {
        const ids = new Set<number>();
        const request = (n: number) =>
          pool.run(async (db) => {
            const [[row]] = await db.query<RowDataPacket[]>('SELECT CONNECTION_ID() AS id, ? AS n', [n]);
            await db.query('SELECT SLEEP(0.02)');
            ids.add(row?.id);
            return row?.n as number;
          });
        const numbers = Array.from({ length: 20 }, (_, n) => n);
        assert.deepEqual(await Promise.all(numbers.map(request)), numbers);
        assert.equal(ids.size, 2);
        assert.equal(pool.stats().idle, 2);
        const noRoom = warnings.filter(({ code }) => code === 'NO_ROOM');
        assert.equal(noRoom.length, 1, warnings.map(({ message }) => message).join('\n'));
        assert.match(
          noRoom[0]?.message ?? '',
          /max_user_connections 2: room for 0 such pools \(max 5 \+ 1 control connection\)\)\. The pool has 2 of at most 5/,
        );
      }),
    ));
});
