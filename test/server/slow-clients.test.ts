import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, get } from 'node:http';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { databaseUrl } from '@handback/contract/support/database.js';
import { eventually } from '@handback/contract/support/eventually.js';
import expressHandback from '@handback/express';
import express from 'express';
import type { RowDataPacket } from 'mysql2';

const CLIENTS = 500;
const MAX = 10;
const BODY = Buffer.alloc(2 ** 20, 'x');

/** Over a Unix socket, which keeps little of what is not read, in the kernel of any machine. */
describe(`${CLIENTS} clients that read nothing, on a pool of ${MAX}`, () => {
  it('hold no connection, and nobody else waits for one', async function () {
    this.timeout(60_000);
    const db = expressHandback({ uri: databaseUrl(), max: MAX, acquireTimeoutMs: 30_000 });
    const app = express();
    app.use(db);
    app.get('/large', async (request, response) => {
      await request.db.query('SELECT 1');
      response.end(BODY);
    });
    app.get('/small', async (request, response) => {
      const [rows] = await request.db.query<RowDataPacket[]>('SELECT 2 AS two');
      response.json(rows);
    });
    const directory = mkdtempSync(join(tmpdir(), 'handback-'));
    const path = join(directory, 'socket');
    const server = createServer(app).listen(path);
    await once(server, 'listening');
    const clients: Socket[] = [];
    try {
      for (let n = 0; n < CLIENTS; n++) clients.push(connect(path));
      for (const client of clients) client.write('GET /large HTTP/1.1\r\nHost: test\r\n\r\n');
      await eventually(() => assert.equal(db.pool.stats().released, CLIENTS), 30_000);
      for (const socket of clients) assert.equal(socket.destroyed, false);
      for (let n = 0; n < 100; n++) {
        assert.equal(await small(path), '[{"two":2}]');
        const { leased, pending } = db.pool.stats();
        assert.deepEqual({ leased, pending }, { leased: 0, pending: 0 });
      }
      const { opened, timedOut, shed } = db.pool.stats();
      assert.deepEqual({ timedOut, shed }, { timedOut: 0, shed: 0 });
      assert.ok(opened <= MAX);
    } finally {
      for (const client of clients) client.destroy();
      server.closeAllConnections();
      server.close();
      await db.close();
      rmSync(directory, { recursive: true, force: true });
    }
  });
});

function small(socketPath: string): Promise<string> {
  return new Promise((resolve, reject) => {
    get({ socketPath, path: '/small', agent: false }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (chunk) => {
        body += chunk;
      });
      response.once('end', () => resolve(body));
    }).once('error', reject);
  });
}
