import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Load } from '#bench/http/load.js';

describe('npm run bench: the load on an application', () => {
  let server: Server;

  async function loadOn(listener: RequestListener, connections = 2): Promise<Load> {
    server = createServer(listener).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return Load.open((server.address() as AddressInfo).port, connections);
  }

  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  it('is as many requests as asked for, on as many connections', async () => {
    let requests = 0;
    const sockets = new Set();
    const load = await loadOn((req, res) => {
      requests++;
      sockets.add(req.socket);
      res.end('a body of some length');
    }, 3);
    await load.run('/', 100);
    load.close();
    // The first is asked for once to learn what the others must be like.
    assert.equal(requests, 101);
    assert.equal(sockets.size, 3);
  });

  for (const [what, answer] of [
    ['another status', { status: 500, body: 'a good answer' }],
    ['another length', { status: 200, body: 'a shorter' }],
    ['another end', { status: 200, body: 'a good anSWER' }],
  ] as const) {
    it(`fails at an answer with ${what} than the first`, async () => {
      let requests = 0;
      const load = await loadOn((_req, res) => {
        const { status, body } = requests++ < 10 ? { status: 200, body: 'a good answer' } : answer;
        res.writeHead(status, { 'Content-Length': body.length }).end(body);
      });
      try {
        await assert.rejects(load.run('/', 50), /was answered with/);
      } finally {
        load.close();
      }
    });
  }

  it('fails when a connection is closed', async () => {
    let requests = 0;
    const load = await loadOn((req, res) => {
      if (requests++ < 10) res.end('a good answer');
      else req.socket.destroy();
    });
    await assert.rejects(load.run('/', 50), /closed a connection|ECONNRESET/);
    load.close();
  });
});
