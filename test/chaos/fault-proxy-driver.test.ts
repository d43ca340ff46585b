import { strict as assert } from 'node:assert';
import { databaseUrl, withBank } from '@handback/contract/support/database.js';
import { eventually } from '@handback/contract/support/eventually.js';
import { type Connection, createConnection, type RowDataPacket } from 'mysql2/promise';
import { FaultProxy } from './proxy/fault-proxy.js';
import { isWholeReply } from './proxy/replies.js';
import { Random } from './random.js';

describe('the fault proxy, between mysql2 and a server', () => {
  let proxy: FaultProxy;
  let connection: Connection;
  let failures: string[];

  beforeEach(async () => {
    const { port, hostname } = new URL(databaseUrl());
    proxy = await FaultProxy.open({
      targetPort: Number(port || 3306),
      targetHost: hostname,
      random: new Random(1),
    });
    failures = [];
    connection = await connect();
  });

  afterEach(async () => {
    connection.destroy();
    await proxy.close();
  });

  const connect = async () => {
    const opened = await createConnection({ uri: proxy.url(databaseUrl()), connectTimeout: 200 });
    opened.on('error', ({ code }: NodeJS.ErrnoException) => failures.push(String(code)));
    return opened;
  };
  const ask = async (sql: string, timeout = 5_000) => {
    const [rows] = await connection.query<RowDataPacket[]>({ sql, timeout });
    return rows[0]?.value;
  };

  it('duplicate-reply: the second statement is answered with the first one’s rows', async () => {
    proxy.flow = { kind: 'duplicate-reply', probability: 1 };
    const answers = await Promise.all([ask('SELECT 1 AS value'), ask('SELECT 2 AS value')]);
    assert.deepEqual(answers, [1, 1]);
  });

  it('duplicate-reply: when nothing else was asked, the driver notices', async () => {
    proxy.flow = { kind: 'duplicate-reply', probability: 1 };
    assert.equal(await ask('SELECT 1 AS value'), 1);
    await eventually(() => assert.deepEqual(failures, ['PROTOCOL_UNEXPECTED_PACKET']));
    assert.deepEqual(proxy.strikes, { 'duplicate-reply': 1 });
  });

  it('duplicate-reply: before the first command nothing is doubled', async () => {
    proxy.flow = { kind: 'duplicate-reply', probability: 1 };
    (await connect()).destroy();
    assert.deepEqual([proxy.strikes, failures], [{}, []]);
  });

  it('truncate: an answer that never ends', async () => {
    proxy.flow = { kind: 'truncate', probability: 1 };
    await assert.rejects(ask('SELECT 1 AS value', 100), { code: 'PROTOCOL_SEQUENCE_TIMEOUT' });
    assert.deepEqual(failures, []);
  });

  it('cut: a connection that is lost', async () => {
    proxy.flow = { kind: 'cut', probability: 1 };
    await assert.rejects(ask('SELECT 1 AS value'), /ECONNRESET|PROTOCOL_CONNECTION_LOST|EPIPE/);
  });

  it('blackhole: a new connection is never greeted', async () => {
    proxy.flow = { kind: 'blackhole', towards: 'both' };
    await assert.rejects(connect(), { code: 'ETIMEDOUT' });
  });

  for (const after of ['reset', 'hang'] as const) {
    it(`swallow-commit, ${after}: what was committed is there, and nobody is told`, () =>
      withBank(async ({ add, balance }) => {
        proxy.flow = { kind: 'swallow-commit', probability: 1, after };
        await connection.beginTransaction();
        await connection.query(add, [100, 1]);
        assert.equal(await ask("SELECT 'COMMIT' AS value"), 'COMMIT');
        await (await connection.prepare('COMMIT')).close();
        await connection.rollback();
        await connection.beginTransaction();
        await connection.query(add, [10, 1]);
        const code = after === 'reset' ? 'ECONNRESET' : 'PROTOCOL_SEQUENCE_TIMEOUT';
        await assert.rejects(connection.query({ sql: ' commit ', timeout: 200 }), { code });
        assert.equal(await balance(1), 1_010);
        assert.deepEqual(proxy.strikes, { 'swallow-commit': 1 });
      }));
  }

  it('swallow-commit: also the reply that comes when bytes pass again', () =>
    withBank(async ({ add, balance, table }) => {
      await connection.beginTransaction();
      await connection.query(add, [10, 1]);
      const blocker = await createConnection(databaseUrl());
      try {
        await blocker.query('FLUSH TABLES WITH READ LOCK');
        proxy.flow = { kind: 'swallow-commit', probability: 1, after: 'reset' };
        const committed = assert.rejects(connection.commit(), { code: 'ECONNRESET' });
        await eventually(async () => {
          const [rows] = await blocker.query<RowDataPacket[]>(
            "SELECT 1 FROM information_schema.processlist WHERE info = 'COMMIT' AND id = ?",
            [connection.threadId],
          );
          assert.equal(rows.length, 1, `${table} is committed already`);
        });
        proxy.flow = { kind: 'ok' };
        await blocker.query('UNLOCK TABLES');
        await committed;
      } finally {
        blocker.destroy();
      }
      assert.equal(await balance(1), 1_010);
    }));
});

describe('a whole reply', () => {
  const packets = (...payloads: number[][]) =>
    Buffer.concat(
      payloads.map((payload, index) => Buffer.from([payload.length, 0, 0, index + 1, ...payload])),
    );
  const plainEnd = [0xfe, 0, 0, 2, 0];
  const ok = [0, 0, 0, 2, 0, 0, 0];
  const error = [0xff, 0x28, 4, 0x23];
  const column = [3, 0x64, 0x65, 0x66];
  const row = [1, 0x31];

  const whole: Record<string, Buffer> = {
    OK: packets(ok),
    'an error': packets(error),
    rows: packets([1], column, plainEnd, row, row, plainEnd),
    'no rows': packets([1], column, plainEnd, plainEnd),
    'rows, without the end of the columns': packets([1], column, row, [0xfe, 0, 0, 2, 0, 0, 0]),
    'an error among the rows': packets([1], column, plainEnd, row, error),
    'more rows than numbers': packets([1], column, plainEnd, ...Array(300).fill(row), plainEnd),
  };
  // The beginning of one looks like an OK with a message.
  const prepared = packets([0, 1, 0, 0, 0, 1, 0, 1, 0, 0], column, plainEnd, column, plainEnd);

  it('a prepared statement: all of it', () => {
    assert.ok(isWholeReply(prepared));
    assert.ok(!isWholeReply(prepared.subarray(0, -9)));
  });

  for (const [name, reply] of Object.entries(whole)) {
    it(`${name}: all of it and nothing less`, () => {
      assert.ok(isWholeReply(reply));
      for (let length = 0; length < reply.length; length++) {
        assert.ok(!isWholeReply(reply.subarray(0, length)), `its first ${length} bytes`);
        assert.ok(length === 0 || !isWholeReply(reply.subarray(length)), `all but its first ${length} bytes`);
      }
    });
  }

  it('is not one that fills what the server writes at once', () => {
    const rows = Array.from({ length: 3_000 }, () => row);
    assert.ok(!isWholeReply(packets([1], column, plainEnd, ...rows, plainEnd)));
  });

  it('is not what the server says before the first command', () => {
    const greeting = packets(ok);
    greeting[3] = 2;
    assert.ok(!isWholeReply(greeting));
  });
});
