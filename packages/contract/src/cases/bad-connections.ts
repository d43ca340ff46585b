import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { inspect } from 'node:util';
import { HandbackError } from '@handback/core';
import { serveUnchecked } from '../app.js';
import type { Case, Handler, Options } from '../harness.js';
import { databaseUrl, databaseUrlWith, password } from '../support/database.js';

const acquireTimeoutMs = 2_000;
/** For a slow machine: both are less than the default. */
const SLACK_MS = 2_500;

/** A port that was free a moment ago and on which nobody listens. */
async function refusedPort(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return String(port);
}

/** The connection options of the test database, for what a uri does not say. */
function connectionOptions(): Options {
  const { hostname, port, username, pathname } = new URL(databaseUrl());
  return {
    host: hostname,
    port: Number(port),
    user: username,
    password: password(),
    database: pathname.slice(1),
  };
}

const wrongs: Array<{ what: string; options: () => Options | Promise<Options>; causes: string[] }> = [
  {
    what: 'a wrong password',
    options: () => ({ uri: databaseUrlWith({ password: 'not-the-password' }) }),
    causes: ['ER_ACCESS_DENIED_ERROR'],
  },
  {
    what: 'an unknown host',
    options: () => ({ uri: databaseUrlWith({ hostname: 'no-such-host.invalid' }) }),
    causes: ['ENOTFOUND', 'EAI_AGAIN'],
  },
  {
    what: 'a refused port',
    options: async () => ({ uri: databaseUrlWith({ port: await refusedPort() }) }),
    causes: ['ECONNREFUSED'],
  },
  {
    what: 'TLS refused',
    options: () => ({ connection: { ...connectionOptions(), ssl: {} } }),
    // A server without TLS, and one whose certificate nobody vouches for.
    causes: ['HANDSHAKE_NO_SSL_SUPPORT', 'HANDSHAKE_SSL_ERROR'],
  },
];

const firstQuery = ({ what, options, causes }: (typeof wrongs)[number]): Case => ({
  name: `${what}: the first query rejects in time with the driver's error as cause, and the app stays up`,
  async run(harness) {
    const health: Handler = ({ reply }) => reply(200, {});
    const routes = [{ path: '/health', handler: health }];
    const plugins = [{ ...(await options()), acquireTimeoutMs }];
    await serveUnchecked(harness, { routes, plugins }, async (app) => {
      const start = performance.now();
      const { status, headers, body } = await app.get('/next');
      assert.ok(performance.now() - start < acquireTimeoutMs + SLACK_MS, 'later than acquireTimeoutMs');
      assert.equal(status, 503, `answered ${body}`);
      assert.ok(Number(headers['retry-after']) > 0, `Retry-After: ${headers['retry-after']}`);
      const error = app.errors[0];
      assert.ok(error instanceof HandbackError, inspect(error));
      const { code } = error.cause as { code: string };
      assert.ok(causes.includes(code), `the cause is ${code}`);
      const told = `${body}${inspect(app.errors, { depth: 10, showHidden: true })}`;
      assert.ok(!told.includes(password()) && !told.includes('not-the-password'), 'a password is told');
      assert.equal((await app.get('/health')).status, 200);
      const { leased, pending } = app.pool.stats();
      assert.deepEqual({ leased, pending }, { leased: 0, pending: 0 });
    });
  },
});

export const badConnections: Case[] = wrongs.map(firstQuery);
