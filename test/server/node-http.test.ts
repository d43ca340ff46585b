import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect as connectHttp2, createServer as createHttp2Server } from 'node:http2';
import { createServer as createHttpsServer, get } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { text } from 'node:stream/consumers';
import { clientGone } from '@handback/contract';
import { type Bank, databaseUrl, withBank } from '@handback/contract/support/database.js';
import { eventually, Gate } from '@handback/contract/support/eventually.js';
import { RawClient } from '@handback/contract/support/raw-client.js';
import { type Handback, type Request, withDatabase } from '@handback/http';

async function portOf(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** Nothing but the handler's end says that its work is over: its client leaves, or its answer is cut off. */
const ends: Record<string, (req: IncomingMessage, res: ServerResponse) => Promise<void>> = {
  'returned without an answer when its client had left': async (req) => clientGone(req),
  'failed in the middle of its answer': async (_req, res) => {
    res.write('first ');
    res.write('second ');
    throw new Error('x');
  },
  'failed when its client had left': async (req) => {
    await clientGone(req);
    throw new Error('x');
  },
};

const options = { max: 1, drainTimeoutMs: 60_000, onError: () => {} };

/** Sends a request, and leaves when its handler has done half of a transfer; then nothing may be left of that. */
async function nothingIsLeft(bank: Bank, listener: Handback, half: Gate): Promise<void> {
  const server = createServer(listener);
  const client = await RawClient.connect(await portOf(server));
  try {
    client.send(['/']);
    await half.opened;
    client.leave('RST');
    await eventually(() => assert.equal(listener.pool.stats().leased, 0));
    await eventually(async () => assert.ok(await bank.isUnlocked(1)));
    assert.equal(await bank.balance(1), 1000);
  } finally {
    server.close();
  }
}

for (const [how, end] of Object.entries(ends)) {
  describe(`@handback/http: a handler that ${how}`, () => {
    it('leaves its transaction to nobody: rolled back at once', () =>
      withBank(async (bank) => {
        const half = new Gate();
        const listener = withDatabase(
          async (req, res) => {
            await req.db.beginTransaction();
            await req.db.query(bank.add, [-100, 1]);
            half.open();
            await end(req, res);
          },
          { uri: databaseUrl(), ...options },
        );
        listener.pool.events.on('warning', () => {});
        await nothingIsLeft(bank, listener, half);
        assert.equal(listener.pool.stats().rolledBack, 1);
        await listener.close();
      }));

    it('has failed on a route with a transaction: rolled back, and not as one that was left open', () =>
      withBank(async (bank) => {
        const half = new Gate();
        const listener = withDatabase(
          async (req, res) => {
            await req.db.query(bank.add, [-100, 1]);
            half.open();
            await end(req, res);
          },
          { uri: databaseUrl(), transaction: true, ...options },
        );
        await nothingIsLeft(bank, listener, half);
        assert.equal(listener.pool.stats().rolledBack, 0);
        await listener.close();
      }));

    it('has failed for a registration around it too', () =>
      withBank(async (bank) => {
        const half = new Gate();
        const inner = withDatabase(
          async (req: Request<'outer'>, res: ServerResponse) => {
            await req.outer.query(bank.add, [-100, 1]);
            half.open();
            await end(req, res);
          },
          { uri: databaseUrl(), ...options },
        );
        const outer = withDatabase(inner, {
          ...{ uri: databaseUrl(), transaction: true, ...options },
          as: 'outer',
        });
        await nothingIsLeft(bank, outer, half);
        assert.equal(outer.pool.stats().rolledBack, 0);
        await Promise.all([inner.close(), outer.close()]);
      }));
  });
}

describe('@handback/http: other servers of Node', () => {
  it('https', async () => {
    const listener = withDatabase(
      async (req, res) => {
        const [rows] = await req.db.query('SELECT 7 AS seven');
        res.end(JSON.stringify(rows));
      },
      { uri: databaseUrl(), max: 1 },
    );
    // A key that both sides know, so that no certificate is needed.
    const psk = Buffer.alloc(16, 7);
    const tls = { ciphers: 'PSK', maxVersion: 'TLSv1.2' as const };
    const server = createHttpsServer({ ...tls, pskCallback: () => psk }, listener);
    const port = await portOf(server);
    try {
      const answer = new Promise<IncomingMessage>((resolve, reject) => {
        const pskCallback = () => ({ psk, identity: 'test' });
        const request = {
          ...tls,
          host: '127.0.0.1',
          port,
          pskCallback,
          checkServerIdentity: () => undefined,
        };
        get(request as never, resolve).on('error', reject);
      });
      assert.equal(await text(await answer), '[{"seven":7}]');
      await eventually(() => assert.equal(listener.pool.stats().released, 1));
    } finally {
      server.close();
      await listener.close();
    }
  });

  it('http2: a handler that fails is answered for; in the middle of its answer its stream alone is cut', async () => {
    const listener = withDatabase(
      async (req, res) => {
        await req.db.query('SELECT 1');
        if (req.url === '/half') res.write('half');
        throw Object.assign(new Error('x'), { statusCode: 418 });
      },
      { uri: databaseUrl(), max: 1, onError: () => {} },
    );
    const server = createHttp2Server(listener);
    const session = connectHttp2(`http://127.0.0.1:${await portOf(server)}`);
    try {
      const half = session.request({ ':path': '/half' });
      half.resume();
      await assert.rejects(once(half, 'close'), { code: 'ERR_HTTP2_STREAM_ERROR' });
      for (const method of ['GET', 'HEAD']) {
        const whole = session.request({ ':path': '/', ':method': method });
        const [headers] = await once(whole, 'response');
        assert.equal(headers[':status'], 418);
        assert.equal(await text(whole), method === 'HEAD' ? '' : "I'm a Teapot");
      }
      await eventually(() => assert.equal(listener.pool.stats().leased, 0));
    } finally {
      session.destroy();
      server.close();
      await listener.close();
    }
  });
});
