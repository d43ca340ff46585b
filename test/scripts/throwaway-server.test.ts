import { strict as assert } from 'node:assert';
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { eventually } from '@handback/contract/support/eventually.js';
import { createConnection, type RowDataPacket } from 'mysql2/promise';
import { startServer, type ThrowawayServer } from '#scripts/database/index.mjs';
import { firstLine, isRunning, startProgram } from './processes.js';

interface Held {
  pid: number;
  dataDir: string;
}

function assertGone({ pid, dataDir }: Held): void {
  assert.equal(isRunning(pid), false, 'the server still runs');
  assert.equal(existsSync(dirname(dataDir)), false, 'its directory is still there');
}

async function ask(server: ThrowawayServer, ...statements: string[]): Promise<RowDataPacket[]> {
  const connection = await createConnection(server.url);
  try {
    let rows: RowDataPacket[] = [];
    for (const sql of statements) [rows] = await connection.query<RowDataPacket[]>(sql);
    return rows;
  } finally {
    await connection.end();
  }
}

describe('a throwaway server', () => {
  const started: ThrowawayServer[] = [];
  const start = async (options?: Parameters<typeof startServer>[0]) => {
    const server = await startServer(options);
    started.push(server);
    return server;
  };

  afterEach(() => Promise.all(started.splice(0).map((server) => server.stop())));

  it('answers to an account that may do everything, and to no other', async () => {
    const server = await start();
    const accounts = await ask(
      server,
      'CREATE SCHEMA shop',
      'CREATE TABLE shop.orders (id INT PRIMARY KEY) ENGINE=InnoDB',
      "CREATE USER 'reader'@'127.0.0.1'",
      "GRANT SELECT ON shop.* TO 'reader'@'127.0.0.1'",
      "DROP USER 'reader'@'127.0.0.1'",
      "SELECT DISTINCT User AS user FROM mysql.user WHERE User NOT LIKE 'm%.s%'", // those are the server's own
    );
    assert.deepEqual(
      accounts.map(({ user }) => user),
      [server.user],
    );
    assert.match(server.version, /^\d+\.\d+/);
  });

  it('is gone with its files when it is stopped, also when SIGSTOP has stopped it before', async () => {
    const [running, frozen] = await Promise.all([start(), start()]);
    assert.notEqual(running.port, frozen.port);
    await frozen.kill('SIGSTOP');
    await Promise.all([running.stop(), frozen.stop()]);
    assertGone(running);
    assertGone(frozen);
    await running.stop();
  });

  it('comes back after a SIGKILL on the same port and with everything that was committed', async () => {
    const server = await start();
    await ask(
      server,
      'CREATE SCHEMA shop',
      'CREATE TABLE shop.orders (id INT PRIMARY KEY) ENGINE=InnoDB',
      'INSERT INTO shop.orders VALUES (7)',
    );
    const { pid, port } = server;
    await server.kill();
    assert.equal(isRunning(pid), false);
    await assert.rejects(ask(server, 'SELECT 1'), { code: 'ECONNREFUSED' });
    await server.restart();
    assert.equal(server.port, port);
    assert.notEqual(server.pid, pid);
    assert.deepEqual(await ask(server, 'SELECT id FROM shop.orders'), [{ id: 7 }]);
  });

  it('takes further arguments, which win over our own', async () => {
    const server = await start({ args: ['--max-connections=17', '--innodb-buffer-pool-size=24M'] });
    const [row] = await ask(
      server,
      'SELECT @@max_connections AS connections, @@innodb_buffer_pool_size AS pool',
    );
    assert.deepEqual(row, { connections: 17, pool: 24 * 1024 * 1024 });
  });

  it('that does not start says why in the server’s own words', async () => {
    await assert.rejects(startServer({ args: ['--no-such-option'] }), /unknown option '--no-such-option'/);
  });

  const endings: Record<string, { argument?: string; end?: (pid: number) => void }> = {
    'is killed with SIGKILL': { end: (pid) => process.kill(pid, 'SIGKILL') },
    'is killed with its whole process group': { end: (pid) => process.kill(-pid, 'SIGKILL') },
    'gets a Ctrl-C': { end: (pid) => process.kill(-pid, 'SIGINT') },
    'gets a SIGTERM with its whole process group': { end: (pid) => process.kill(-pid, 'SIGTERM') },
    'is killed while the server is stopped by SIGSTOP': {
      argument: 'stopped-server',
      end: (pid) => process.kill(-pid, 'SIGKILL'),
    },
    crashes: { argument: 'crash' },
    'ends and has forgotten the server': { argument: 'forget' },
  };

  for (const [how, { argument, end }] of Object.entries(endings)) {
    it(`is gone with its files when the program that started it ${how}`, async () => {
      const program = startProgram('hold-server.mjs', argument ? [argument] : []);
      const held = await firstLine<Held>(program);
      end?.(program.pid ?? assert.fail('the program did not start'));
      await eventually(() => assertGone(held), 10_000);
      await eventually(() => assert.ok(program.exitCode !== null || program.signalCode !== null));
    });
  }
});
