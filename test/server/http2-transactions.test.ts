import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { connect, createServer, type IncomingHttpHeaders } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { type Bank, databaseUrl, withBank } from '@handback/contract/support/database.js';
import { eventually } from '@handback/contract/support/eventually.js';
import { ServerWatcher } from '@handback/contract/support/server-watcher.js';
import { type ConnectionPool, createPool, type Scope } from '@handback/core';
import fastifyHandback from '@handback/fastify';
import koaHandback from '@handback/koa';
import Fastify from 'fastify';
import Koa from 'koa';

interface Running {
  port: number;
  close(): Promise<unknown>;
}
/** @returns the body */
type Work = (db: Scope, path: string) => Promise<unknown>;

const frameworks: Record<string, (pool: ConnectionPool, work: Work) => Promise<Running>> = {
  async fastify(pool, work) {
    const app = Fastify({ http2: true });
    await app.register(fastifyHandback, { pool, transaction: true });
    app.get('/*', (request) => work(request.db, request.url));
    await app.listen({ port: 0, host: '127.0.0.1' });
    return { port: (app.server.address() as AddressInfo).port, close: () => app.close() };
  },
  async koa(pool, work) {
    const app = new Koa();
    app.silent = true;
    app.use(koaHandback({ pool, transaction: true }));
    app.use(async (ctx) => {
      ctx.body = await work(ctx.db, ctx.path);
    });
    const server = createServer(app.callback()).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return {
      port: (server.address() as AddressInfo).port,
      close: () => new Promise((resolve) => server.close(resolve)),
    };
  },
};

async function get(port: number, path: string): Promise<{ status: number; body: string }> {
  const session = connect(`http://127.0.0.1:${port}`);
  try {
    const stream = session.request({ ':path': path });
    let body = '';
    stream.on('data', (chunk) => {
      body += chunk;
    });
    const answered = once(stream, 'response') as Promise<[IncomingHttpHeaders]>;
    const closed = once(stream, 'close');
    const [headers] = await answered;
    await closed;
    return { status: Number(headers[':status']), body };
  } finally {
    session.destroy();
  }
}

const transfer = (bank: Bank, watcher: ServerWatcher): Work => {
  return async (db, path) => {
    await db.query(bank.add, [-100, 1]);
    if (path.startsWith('/lost')) {
      const [rows] = await db.query('SELECT CONNECTION_ID() AS id');
      const { id } = (rows as unknown as { id: number }[])[0] ?? { id: 0 };
      await watcher.disconnect(id);
      await eventually(async () => assert.ok(!(await watcher.isConnected(id))));
    }
    return path.endsWith('stream') ? Readable.from(['all ', 'of it']) : 'all of it';
  };
};

for (const [name, start] of Object.entries(frameworks)) {
  describe(`the transaction of a request over HTTP/2 on ${name}`, () => {
    for (const path of ['/kept', '/kept/stream', '/lost', '/lost/stream']) {
      it(`${path}: ${path.startsWith('/lost') ? 'can not be committed: 500' : 'is committed'}`, () =>
        withBank(async (bank) => {
          const warnings: Error[] = [];
          const note = (warning: Error) => warnings.push(warning);
          process.on('warning', note);
          const watcher = await ServerWatcher.open();
          const pool = createPool({ uri: databaseUrl(), max: 2 });
          const { port, close } = await start(pool, transfer(bank, watcher));
          try {
            const { status, body } = await get(port, path);
            assert.equal(status, path.startsWith('/lost') ? 500 : 200);
            if (status === 200) assert.equal(body, 'all of it');
            assert.equal(await bank.balance(1), status === 200 ? 900 : 1000);
            await eventually(() => assert.equal(pool.stats().leased, 0));
            assert.deepEqual(
              warnings.filter(({ name: of }) => of !== 'HandbackWarning').map(({ message }) => message),
              [],
            );
          } finally {
            await close();
            await pool.close();
            await watcher.close();
            process.off('warning', note);
          }
        }));
    }
  });
}
