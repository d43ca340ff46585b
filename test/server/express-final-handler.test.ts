import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { databaseUrl } from '@handback/contract/support/database.js';
import { eventually } from '@handback/contract/support/eventually.js';
import { RawClient } from '@handback/contract/support/raw-client.js';
import { ServerWatcher } from '@handback/contract/support/server-watcher.js';
import handback from '@handback/express';
import compression from 'compression';
import express, { type RequestHandler } from 'express';
import express4 from 'express4';

/** The head of a request and the first half of its body. */
const HALF = 'POST /pay HTTP/1.1\r\nHost: test\r\nContent-Length: 10\r\n\r\n12345';

const both: Array<[string, typeof express]> = [
  ['Express 5', express],
  ['Express 4', express4],
];

/** An application without an error handler of its own, in which a route follows the one that fails. */
async function failedCommit(createApp: typeof express, before: RequestHandler[], request: string) {
  const watcher = await ServerWatcher.open();
  const db = handback({ uri: databaseUrl(), max: 1, transaction: true });
  const app = createApp().set('env', 'test');
  app.use(db, ...before);
  let answered = false;
  const pay: RequestHandler = (req, res, next) =>
    void (async () => {
      const [[row]] = (await req.db.query('SELECT CONNECTION_ID() AS id')) as unknown as [{ id: number }[]];
      const { id } = row as { id: number };
      await watcher.disconnect(id);
      await eventually(async () => assert.ok(!(await watcher.isConnected(id))));
      res.json({ paid: true });
      answered = true;
    })().catch(next);
  app.route('/pay').get(pay).post(pay);
  app.get('/other', (_req, res) => void res.send('other'));
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = await RawClient.connect((server.address() as AddressInfo).port);
  try {
    client.send(['/other']);
    await client.receive();
    client.write(request);
    await eventually(() => assert.ok(answered));
    await eventually(() => assert.equal(db.pool.stats().leased, 0));
    if (request === HALF) client.write('67890');
    const text = await client.receiveUntil('Internal Server Error');
    // It is the only answer, and the application goes on.
    client.send(['/other']);
    await client.receiveUntil('other');
    return text;
  } finally {
    client.leave('FIN');
    await new Promise((resolve) => server.close(resolve));
    await db.close();
    await watcher.close();
  }
}

for (const [name, createApp] of both) {
  describe(`a failed COMMIT and the final handler of ${name}`, () => {
    it('is answered once where other routes follow', async () => {
      const text = await failedCommit(createApp, [], 'GET /pay HTTP/1.1\r\nHost: test\r\n\r\n');
      assert.match(text, /^HTTP\/1\.1 500 .*<pre>/s);
    });

    it('is answered once while the body of the request is still coming in', async () => {
      const text = await failedCommit(createApp, [], HALF);
      assert.match(text, /^HTTP\/1\.1 500 .*<pre>/s);
    });

    it('is answered once where the response was wrapped behind the first query', async () => {
      const early: RequestHandler = (req, _res, next) =>
        void req.db.query('SELECT 1').then(() => next(), next);
      const text = await failedCommit(createApp, [early, compression({ threshold: 0 })], HALF);
      assert.match(text, /^HTTP\/1\.1 500 /);
    });
  });
}
