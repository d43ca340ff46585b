import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import { databaseUrl } from '@handback/contract/support/database.js';
import { eventually } from '@handback/contract/support/eventually.js';
import { TcpProxy } from '@handback/contract/support/tcp-proxy.js';
import { type ConnectionPool, createPool } from '@handback/core';

/** What the pool has written since it was last asked, socket by socket, a text for each write. */
class Writes {
  readonly #all: string[] = [];
  readonly #opened = (message: unknown) => this.#watch((message as { socket: Socket }).socket);

  constructor() {
    subscribe('net.client.socket', this.#opened);
  }

  #watch(socket: Socket): void {
    // Not before: connect() puts the method back.
    socket.once('connect', () => {
      const write = socket.write.bind(socket) as (bytes: Buffer, done?: () => void) => boolean;
      socket.write = ((bytes: Buffer, done?: () => void) => {
        this.#all.push(bytes.toString('latin1'));
        return write(bytes, done);
      }) as Socket['write'];
    });
  }

  take(): string[] {
    return this.#all.splice(0);
  }

  close(): void {
    unsubscribe('net.client.socket', this.#opened);
  }
}

const isIdle = (pool: ConnectionPool) =>
  eventually(() => assert.equal(pool.stats().idle, pool.stats().opened));

describe('what goes to the server in one go', () => {
  let writes: Writes;
  beforeEach(() => {
    writes = new Writes();
  });
  afterEach(() => writes.close());

  async function withPool(uri: string, work: (pool: ConnectionPool) => Promise<void>): Promise<void> {
    const pool = createPool({ uri, max: 2 });
    try {
      await work(pool);
    } finally {
      await pool.close({ timeoutMs: 1_000 });
    }
  }

  it('an open after the first: its login, and all that is said after it', () =>
    withPool(databaseUrl(), async (pool) => {
      const first = await pool.acquire();
      writes.take();
      const second = await pool.acquire();
      const [, after, ...more] = writes.take();
      assert.match(after ?? '', /session_track_state_change.*CURRENT_ROLE/s);
      assert.deepEqual(more, []);
      const [rows] = await second.query(
        'SELECT @@session_track_state_change AS tracked, CURRENT_ROLE() AS role',
      );
      assert.deepEqual(rows, [{ tracked: 1, role: null }]);
      first.release();
      second.release();
    }));

  it('a reset, the schema and the tracking: the session is as it was, and is watched as before', () =>
    withPool(databaseUrl(), async (pool) => {
      const state = async () => {
        const sql =
          'SELECT DATABASE() AS db, @mine AS mine, @@sql_mode AS mode, @@session_track_state_change AS tracked, @@collation_connection AS collation';
        return (await pool.query(sql))[0];
      };
      const before = await state();
      for (const dirty of ['SET @mine = 1', "SET sql_mode = ''", 'USE information_schema']) {
        const lease = await pool.acquire();
        // Known to the driver, and not to the session that comes back.
        await lease.execute('SELECT 1');
        await lease.query(dirty);
        writes.take();
        lease.release();
        await isIdle(pool);
        assert.equal(writes.take().filter((text) => text.charCodeAt(4) !== 25).length, 1, dirty);
        assert.deepEqual(await state(), before, dirty);
        await pool.execute('SELECT 1');
      }
      assert.equal(pool.stats().opened, 1);
    }));

  it('the answers may come byte by byte', async () => {
    const splitting = (message: unknown) => {
      const { socket } = message as { socket: Socket };
      const emit = socket.emit.bind(socket) as (name: string, ...given: unknown[]) => boolean;
      socket.emit = ((name: string, ...given: unknown[]) => {
        const [bytes] = given;
        if (name !== 'data' || !Buffer.isBuffer(bytes)) return emit(name, ...given);
        return [...bytes.keys()].map((at) => emit('data', bytes.subarray(at, at + 1))).every(Boolean);
      }) as Socket['emit'];
    };
    subscribe('net.client.socket', splitting);
    try {
      await withPool(databaseUrl(), async (pool) => {
        const first = await pool.acquire();
        writes.take();
        const second = await pool.acquire();
        assert.match(writes.take()[1] ?? '', /session_track_state_change.*CURRENT_ROLE/s);
        for (const lease of [first, second]) {
          await lease.query('USE information_schema');
          lease.release();
        }
        await isIdle(pool);
        const { opened, reset } = pool.stats();
        assert.deepEqual([opened, reset], [2, 2]);
        const [rows] = await pool.query('SELECT DATABASE() AS db');
        assert.deepEqual(rows, [{ db: new URL(databaseUrl()).pathname.slice(1) }]);
      });
    } finally {
      unsubscribe('net.client.socket', splitting);
    }
  });

  it('one by one through a proxy, whose port is not the server’s', async () => {
    const proxy = await TcpProxy.inFrontOf(databaseUrl());
    try {
      await withPool(proxy.url(databaseUrl()), async (pool) => {
        const first = await pool.acquire();
        writes.take();
        const second = await pool.acquire();
        assert.ok(!writes.take().some((text) => /session_track.*CURRENT_ROLE/s.test(text)));
        first.release();
        second.release();
      });
    } finally {
      await proxy.close();
    }
  });
});
