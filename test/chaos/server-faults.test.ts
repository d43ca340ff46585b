import { strict as assert } from 'node:assert';
import { eventually } from '@handback/contract/support/eventually.js';
import { createConnection, type RowDataPacket } from 'mysql2/promise';
import { codeOf, FaultStage, lost } from './fault-stage.js';
import { catalogue } from './faults/catalogue.js';
import { faultNames } from './types.js';

/** MariaDB's; the driver knows it by another name. */
const accountIsLocked = 4151;
const accessDenied = 1045;

describe('the faults of the chaos runs, at the server', () => {
  const on = new FaultStage();
  const failsToConnect = (...codes: string[]) =>
    eventually(async () => {
      const code = await codeOf(on.connect());
      assert.ok(codes.includes(code), code);
    });
  it('are all in the catalogue', () => {
    assert.deepEqual(Object.keys(catalogue), [...faultNames]);
  });

  it('kill', async () => {
    const connection = await on.connect();
    await on.during('kill', () => on.isKilled(connection));
  });

  it('kill-query', async () => {
    const connection = await on.connect();
    await on.during('kill-query', async () => {
      assert.equal(
        await codeOf(on.ask(connection, 'SELECT 1 FROM numbers WHERE SLEEP(5)', 4_000)),
        'ER_QUERY_INTERRUPTED',
      );
    });
  });

  it('freeze', async () => {
    const connection = await on.connect();
    await on.during('freeze', async () => {
      assert.equal(await codeOf(on.ask(connection)), 'PROTOCOL_SEQUENCE_TIMEOUT');
    });
  });

  it('restart', async () => {
    const connection = await on.connect();
    const { pid, port } = on.stage.server;
    await on.during('restart', async () => {
      assert.notEqual(await codeOf(on.ask(connection)), 'no error');
      await failsToConnect(...lost);
    });
    assert.equal(on.stage.server.port, port);
    assert.notEqual(on.stage.server.pid, pid);
  });

  /** By way of the one connection that a privileged account has beyond the limit. */
  const loseAdminConnection = async () => {
    const { admin, server } = on.stage;
    const [row] = await admin.query<RowDataPacket[]>('SELECT CONNECTION_ID() AS id');
    const other = await createConnection(server.url);
    await other.query(`KILL ${row?.id}`);
    await other.end();
  };

  it('max-connections', async () => {
    const { admin } = on.stage;
    const connections = await Promise.all([on.connect(), on.connect(), on.connect()]);
    await on.during('max-connections', async () => {
      // Of those that are lost, some may be replaced before the room is taken.
      const codes = [];
      for (let n = 0; n < 4; n++) codes.push(await codeOf(on.connect()));
      assert.equal(codes.at(-1), 'ER_CON_COUNT_ERROR');
      const answers = await Promise.all(connections.map((connection) => codeOf(on.ask(connection))));
      assert.equal(answers.filter((code) => code === 'no error').length, 1);
      await loseAdminConnection();
      await admin.query('SELECT 1');
    });
    await eventually(async () => assert.deepEqual(await admin.threadsOf('chaos_watcher'), []));
  });

  it('max-user-connections', async () => {
    await on.during('max-user-connections', async () => {
      await eventually(async () =>
        assert.equal(
          await codeOf(Promise.all([on.connect(), on.connect(), on.connect(), on.connect()])),
          'ER_USER_LIMIT_REACHED',
        ),
      );
    });
  });

  it('read-only', async () => {
    const connection = await on.connect();
    await on.during('read-only', async () => {
      assert.equal(
        await codeOf(on.ask(connection, 'UPDATE accounts SET balance = balance')),
        'ER_OPTION_PREVENTS_STATEMENT',
      );
      assert.equal(await on.ask(connection), 1);
    });
    await on.ask(connection, 'UPDATE accounts SET balance = balance');
  });

  it('wait-timeout', async () => {
    const old = await on.connect();
    await on.during('wait-timeout', async () => {
      await on.isKilled(old);
      const connection = await on.connect();
      assert.equal(await on.ask(connection, 'SELECT @@wait_timeout AS value'), 1);
    });
    assert.equal(await on.ask(await on.connect(), 'SELECT @@wait_timeout AS value'), 28_800);
  });

  it('account', async () => {
    const refusals = new Set<number>();
    for (let seed = 1; refusals.size < 2; seed++) {
      const connection = await on.connect();
      await on.during(
        'account',
        async () => {
          await on.isKilled(connection);
          const { errno } = await on.connect().catch((error) => error);
          assert.ok([accountIsLocked, accessDenied].includes(errno), String(errno));
          refusals.add(errno);
        },
        seed,
      );
    }
  });

  it('password', async () => {
    const before = on.stage.account.password;
    await on.during('password', async () => {
      assert.notEqual(on.stage.account.password, before);
      assert.equal(await on.ask(await on.connect()), 1);
    });
    const old = Object.assign(new URL(on.stage.databaseUrl), { password: before }).href;
    assert.equal(await codeOf(createConnection(old)), 'ER_ACCESS_DENIED_ERROR');
  });
});
