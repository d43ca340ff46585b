import { strict as assert } from 'node:assert';
import dns from 'node:dns';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { databaseUrl, databaseUrlWith } from '@handback/contract/support/database.js';
import { eventually } from '@handback/contract/support/eventually.js';
import { ServerWatcher } from '@handback/contract/support/server-watcher.js';
import { createPool } from '@handback/core';

const NAME = 'two-addresses.handback.test';
const ADDRESSES = ['127.0.0.2', '127.0.0.3'] as const;

/** The database, to be reached at an address of its own. */
class Door {
  readonly server: Server;
  /** Connections that came in here. */
  came = 0;
  readonly #sockets = new Set<Socket>();

  constructor() {
    const { hostname, port } = new URL(databaseUrl());
    this.server = createServer((near) => {
      this.came++;
      const far = connect(Number(port), hostname);
      for (const [from, to] of [
        [near, far],
        [far, near],
      ] as const) {
        this.#sockets.add(from);
        from.on('error', () => to.destroy());
        from.pipe(to);
      }
    });
  }

  async open(address: string, port: number): Promise<number> {
    this.server.listen(port, address);
    await once(this.server, 'listening');
    return (this.server.address() as AddressInfo).port;
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.server.close();
  }
}

describe('a host name with two addresses', () => {
  const doors = [new Door(), new Door()] as const;
  const { lookup } = dns;
  let port = 0;
  let lookups = 0;

  before(async () => {
    port = await doors[0].open(ADDRESSES[0], 0);
    await doors[1].open(ADDRESSES[1], port);
    // Round robin, as a name server does it.
    const roundRobin = (name: string, options: dns.LookupOptions, done: (...args: unknown[]) => void) => {
      if (name !== NAME) return lookup(name, options, done as never);
      const address = ADDRESSES[lookups++ % 2];
      if (options.all) process.nextTick(done, null, [{ address, family: 4 }]);
      else process.nextTick(done, null, address, 4);
    };
    dns.lookup = roundRobin as never;
  });

  after(() => {
    dns.lookup = lookup;
    for (const door of doors) door.close();
  });

  it('a KILL goes to the address of the connection that is meant, not to whatever the name gives next', async () => {
    const watcher = await ServerWatcher.open();
    const uri = databaseUrlWith({ hostname: NAME, port: String(port) });
    const pool = createPool({ uri, max: 2 });
    try {
      const abort = ADDRESSES.map(() => new AbortController());
      const reads = abort.map(({ signal }, n) =>
        assert.rejects(pool.query({ sql: `SELECT SLEEP(60) AS door_${n}`, signal }), { name: 'AbortError' }),
      );
      await eventually(async () => assert.equal((await watcher.running('AS door_')).length, 2));
      assert.deepEqual(
        doors.map(({ came }) => came),
        [1, 1],
      );
      // Each by its own door, whichever that is: the name alone would lead to one after the other.
      for (const [n, controller] of abort.entries()) {
        controller.abort();
        await reads[n];
        await eventually(() => assert.equal(pool.stats().idle, n + 1));
        assert.deepEqual(await watcher.running(`AS door_${n}`), []);
      }
      assert.deepEqual(
        doors.map(({ came }) => came),
        [2, 2],
      );
      assert.equal(lookups, 2, 'the control connections need no name');
    } finally {
      await pool.close();
      await watcher.close();
    }
  });
});
