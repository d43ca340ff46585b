import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { databaseUrl, unique, withBank } from '@handback/contract/support/database.js';
import { eventually } from '@handback/contract/support/eventually.js';
import { RawClient } from '@handback/contract/support/raw-client.js';
import { type ConnectionPool, createPool, type Scope } from '@handback/core';
import expressHandback from '@handback/express';
import fastifyHandback from '@handback/fastify';
import koaHandback from '@handback/koa';
import express from 'express';
import Fastify from 'fastify';
import Koa from 'koa';
import { createConnection, type RowDataPacket } from 'mysql2/promise';

const CLIENTS = 8;
const TRANSFERS = 40;

interface Running {
  port: number;
  close(): Promise<unknown>;
}
type Transfer = (db: Scope, id: string) => Promise<{ status: number }>;
type Told = (id: string, error: unknown) => void;

async function listening(listener: RequestListener): Promise<Running> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  };
  return { port: (server.address() as AddressInfo).port, close };
}

const frameworks: Record<string, (pool: ConnectionPool, work: Transfer, told: Told) => Promise<Running>> = {
  async fastify(pool, work, told) {
    const app = Fastify({ forceCloseConnections: true });
    await app.register(fastifyHandback, { pool, transaction: true });
    app.addHook('onError', async (request, _reply, error) => told(request.url, error));
    app.get('/:id', async (request, reply) => {
      const { status } = await work(request.db, request.url);
      return reply.code(status).send({ status });
    });
    await app.listen({ port: 0, host: '127.0.0.1' });
    return { port: (app.server.address() as AddressInfo).port, close: () => app.close() };
  },
  async express(pool, work, told) {
    const app = express().set('env', 'test');
    app.use(expressHandback({ pool, transaction: true }));
    app.get('/:id', async (req, res) => {
      const { status } = await work(req.db, req.url);
      res.status(status).json({ status });
    });
    app.use(((error, req, res, _next) => {
      told(req.url, error);
      res.status(500).json({ status: 500 });
    }) satisfies express.ErrorRequestHandler);
    return listening(app);
  },
  async koa(pool, work, told) {
    const app = new Koa();
    app.on('error', (error, ctx) => told(ctx.url, error));
    app.use(koaHandback({ pool, transaction: true }));
    app.use(async (ctx) => {
      const { status } = await work(ctx.db, ctx.url);
      ctx.status = status;
      ctx.body = { status };
    });
    return listening(app.callback());
  },
};

for (const [name, start] of Object.entries(frameworks)) {
  describe(`transfers in the transactions of their requests while connections are killed, on ${name}`, () => {
    it('what was answered with success is in the ledger once, and nothing else but what is unknown', () =>
      withBank(async (bank) => {
        const ledger = unique('ledger');
        const admin = await createConnection(databaseUrl());
        await admin.query(`CREATE TABLE ${ledger} (id VARCHAR(40) PRIMARY KEY) ENGINE=InnoDB`);
        const pool = createPool({ uri: databaseUrl(), max: 5 });
        pool.events.on('warning', () => {});
        const unknown = new Set<string>();
        const { port, close } = await start(
          pool,
          async (db, id) => {
            const from = Math.random() < 0.5 ? 1 : 2;
            await db.query(bank.add, [-7, from]);
            await db.execute(`INSERT INTO ${ledger} VALUES (?)`, [id]);
            await db.query(bank.add, [7, 3 - from]);
            return { status: id.endsWith('no') ? 409 : 201 };
          },
          (id, error) => {
            if ((error as { code?: string }).code === 'OUTCOME_UNKNOWN') unknown.add(id);
          },
        );
        let over = false;
        let ended = 0;
        // Not by the clock: on a slow machine no transfer would reach its end between two of them.
        const killer = (async () => {
          for (let spared = 0; !over; await new Promise((resolve) => setTimeout(resolve, 3))) {
            if (ended < spared) continue;
            spared = ended + 2;
            const threads = pool.holders().map(({ threadId }) => threadId);
            const held = threads.filter((id) => id !== undefined);
            const victim = held[Math.floor(Math.random() * held.length)];
            if (victim !== undefined) await admin.query(`KILL ${victim}`).catch(() => {});
          }
        })();
        const answered = new Map<string, number>();
        const left = new Set<string>();
        const client = async (number: number) => {
          for (let n = 0; n < TRANSFERS; n++) {
            const id = `/${number}-${n}${n % 5 === 0 ? '-no' : ''}`;
            const socket = await RawClient.connect(port);
            socket.send([id]);
            if (n % 7 === 3) {
              left.add(id);
              await new Promise((resolve) => setTimeout(resolve, Math.random() * 4));
            } else {
              answered.set(id, (await socket.receive()).status);
            }
            socket.leave(n % 2 === 0 ? 'RST' : 'FIN');
            ended++;
          }
        };
        try {
          await Promise.all(Array.from({ length: CLIENTS }, (_, number) => client(number)));
          await eventually(() => assert.equal(pool.stats().leased + pool.stats().pending, 0));
          over = true;
          await killer;
          const [rows] = await admin.query<RowDataPacket[]>(`SELECT id FROM ${ledger}`);
          const kept = new Set(rows.map(({ id }) => id as string));
          const statuses = [...answered.values()];
          assert.ok(
            statuses.includes(201) && statuses.includes(409) && statuses.includes(500),
            `${statuses}`,
          );
          for (const [id, status] of answered) {
            if (status === 201) assert.ok(kept.has(id), `${id} was answered with success, and is not there`);
            else if (!unknown.has(id)) assert.ok(!kept.has(id), `${id} was answered ${status}, and is there`);
          }
          for (const id of kept) assert.ok(answered.has(id) || left.has(id), `${id} was never asked for`);
          assert.equal(await bank.total(), 2_000);
        } finally {
          over = true;
          await close();
          await pool.close();
          await admin.query(`DROP TABLE ${ledger}`);
          await admin.end();
        }
      })).timeout(60_000);
  });
}
