import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { databaseUrl } from '@handback/contract/support/database.js';
import { eventually } from '@handback/contract/support/eventually.js';
import type { ConnectionPool, PoolOptions } from '@handback/core';
import { buildApp as buildExpress } from 'handback-examples/dist/express/app.js';
import { buildApp as buildFastify } from 'handback-examples/dist/fastify/app.js';
import { buildApp as buildHttp } from 'handback-examples/dist/http/app.js';
import { buildApp as buildKoa } from 'handback-examples/dist/koa/app.js';
import { isClientLeft } from 'handback-examples/dist/shared/problems.js';
import { seed } from 'handback-examples/dist/shared/seed.js';

const HOST = '127.0.0.1';
const { resolve } = createRequire(import.meta.url);

type Log = (error: unknown) => void;

interface Listening {
  server: Server;
  pool: ConnectionPool;
  close(): Promise<void>;
}

/** The demo on one framework. */
export interface Example {
  framework: string;
  serverFile: string;
  listen(options: PoolOptions, log: Log): Promise<Listening>;
}

export interface RunningExample {
  url: string;
  pool: ConnectionPool;
  /** The errors that it would have printed. */
  logged: unknown[];
  close(): Promise<void>;
}

export const examples: Example[] = [
  {
    framework: 'Fastify',
    serverFile: compiled('fastify/server.js'),
    async listen(options, log) {
      const { app, pool, close } = await buildFastify(options, log);
      await app.listen({ host: HOST, port: 0 });
      return { server: app.server, pool, close };
    },
  },
  {
    framework: 'Express',
    serverFile: compiled('express/server.js'),
    async listen(options, log) {
      const { app, pool, close } = buildExpress(options, log);
      return withServer(app.listen(0, HOST), pool, close);
    },
  },
  {
    framework: 'Koa',
    serverFile: compiled('koa/server.js'),
    async listen(options, log) {
      const { app, pool, close } = buildKoa(options, log);
      return withServer(app.listen(0, HOST), pool, close);
    },
  },
  {
    framework: 'node:http',
    serverFile: compiled('http/server.js'),
    async listen(options, log) {
      const { app, pool, close } = buildHttp(options, log);
      return withServer(app.listen(0, HOST), pool, close);
    },
  },
];

export function compiled(file: string): string {
  return resolve(`handback-examples/dist/${file}`);
}

async function withServer(
  server: Server,
  pool: ConnectionPool,
  closePool: () => Promise<void>,
): Promise<Listening> {
  await once(server, 'listening');
  const closeServer = () => new Promise((closed) => server.close(closed));
  return { server, pool, close: () => closeServer().then(closePool) };
}

export async function startExample({ listen }: Example, options: PoolOptions = {}): Promise<RunningExample> {
  const logged: unknown[] = [];
  const log = (error: unknown) => {
    if (!isClientLeft(error)) logged.push(error);
  };
  const { server, pool, close } = await listen({ uri: databaseUrl(), ...options }, log);
  const { port } = server.address() as AddressInfo;
  const closeAll = () => {
    server.closeAllConnections();
    return close();
  };
  return { url: `http://${HOST}:${port}`, pool, logged, close: closeAll };
}

/** The same cases on each framework; afterwards nothing is out and nobody waits. */
export function describeExamples(
  what: string,
  cases: (running: () => RunningExample, example: Example) => void,
): void {
  for (const example of examples) {
    describe(`example: ${example.framework}: ${what}`, () => {
      let running: RunningExample | undefined;
      before(async () => {
        await seed(databaseUrl());
        running = await startExample(example);
      });
      after(async () => {
        try {
          if (running) await isQuiet(running.pool);
        } finally {
          await running?.close();
        }
      });
      cases(() => running as RunningExample, example);
    });
  }
}

/** Every connection is back. The response is there a moment before that. */
export function isQuiet(pool: ConnectionPool): Promise<void> {
  return eventually(() => {
    const { leased, pending, draining, resetting, acquired, released } = pool.stats();
    assert.deepEqual(
      { leased, pending, draining, resetting },
      { leased: 0, pending: 0, draining: 0, resetting: 0 },
    );
    assert.equal(acquired, released);
  });
}
