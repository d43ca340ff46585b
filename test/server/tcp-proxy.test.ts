import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { databaseUrl } from '@handback/contract/support/database.js';
import { eventually, within } from '@handback/contract/support/eventually.js';
import { type Flow, TcpProxy } from '@handback/contract/support/tcp-proxy.js';
import { createConnection } from 'mysql2/promise';

describe('the TCP proxy of the tests', () => {
  let echo: Server;
  let proxy: TcpProxy;
  let accepted: Socket[];

  before(async () => {
    echo = createServer((socket) => {
      accepted.push(socket.on('error', () => {}));
      socket.pipe(socket);
    });
    await once(echo.listen(0, '127.0.0.1'), 'listening');
  });

  beforeEach(async () => {
    accepted = [];
    proxy = await TcpProxy.open((echo.address() as AddressInfo).port);
  });

  afterEach(() => proxy.close());
  after(() => echo.close());

  const open = async () => {
    const socket = connect({ port: proxy.port, host: '127.0.0.1', noDelay: true });
    await once(socket, 'connect');
    const inbox: string[] = [];
    const failures: Array<string | undefined> = [];
    socket.on('data', (chunk) => inbox.push(String(chunk)));
    socket.on('error', (error: NodeJS.ErrnoException) => failures.push(error.code));
    return { socket, failures, received: () => inbox.join('') };
  };

  it('passes bytes both ways and counts them since the mark', async () => {
    const { socket, received } = await open();
    socket.write('1234');
    await eventually(() => assert.equal(received(), '1234'));
    proxy.mark();
    socket.write('567');
    await eventually(() => assert.equal(received(), '1234567'));
    const { toServer, toClient } = proxy.traffic;
    assert.deepEqual({ toServer, toClient }, { toServer: 3, toClient: 3 });
  });

  const lost: Array<{ flow: Flow; atServer: string; atClient: string }> = [
    { flow: 'swallow-to-server', atServer: 'kept', atClient: 'kept' },
    { flow: 'swallow-to-client', atServer: 'lostkept', atClient: 'kept' },
    { flow: 'swallow', atServer: 'kept', atClient: 'kept' },
  ];
  for (const { flow, atServer, atClient } of lost) {
    it(`${flow}: what is sent meanwhile never comes, and the sockets stay open`, async () => {
      const { socket, received } = await open();
      await eventually(() => assert.equal(accepted.length, 1));
      const arrived: string[] = [];
      accepted[0]?.on('data', (chunk) => arrived.push(String(chunk)));
      proxy.flow = flow;
      socket.write('lost');
      await eventually(() => {
        assert.equal(proxy.traffic.toServer, 4);
        if (flow === 'swallow-to-client') assert.equal(proxy.traffic.toClient, 4);
      });
      proxy.flow = 'pass';
      socket.write('kept');
      await eventually(() => assert.equal(received(), atClient));
      assert.equal(arrived.join(''), atServer);
      assert.equal(proxy.connections, 1);
    });
  }

  it('swallows a FIN too', async () => {
    const { socket } = await open();
    await eventually(() => assert.equal(accepted.length, 1));
    proxy.flow = 'swallow-to-server';
    socket.end('bye');
    await eventually(() => assert.equal(proxy.traffic.toServer, 3));
    socket.destroy();
    await once(socket, 'close');
    assert.equal(accepted[0]?.readableEnded, false);
    assert.equal(proxy.connections, 1);
  });

  it('refuses new connections, keeps the old ones, and accepts again at the same port', async () => {
    const old = await open();
    proxy.refuse();
    const [error] = await once(connect({ port: proxy.port, host: '127.0.0.1' }), 'error');
    assert.equal(error.code, 'ECONNREFUSED');
    old.socket.write('still here');
    await eventually(() => assert.equal(old.received(), 'still here'));
    await proxy.accept();
    const { socket, received } = await open();
    socket.write('again');
    await eventually(() => assert.equal(received(), 'again'));
  });

  it('cuts all connections, by FIN or by RST', async () => {
    const polite = await open();
    await eventually(() => assert.equal(accepted.length, 1));
    proxy.cutAll('FIN');
    await once(polite.socket, 'end');
    const rude = await open();
    await eventually(() => assert.equal(accepted.length, 2));
    proxy.cutAll('RST');
    await eventually(() => assert.deepEqual(rude.failures, ['ECONNRESET']));
    assert.deepEqual(polite.failures, []);
    await eventually(() => assert.equal(proxy.connections, 0));
  });

  it('cuts what it has cut politely in the same turn', async () => {
    const { socket } = await open();
    await eventually(() => assert.equal(accepted.length, 1));
    proxy.cutAll('FIN');
    proxy.cutAll('RST');
    await once(socket, 'close');
    await eventually(() => assert.equal(proxy.connections, 0));
    await within(5_000, 'the end of the proxy', proxy.close());
  });

  it('tells the commands of the MySQL protocol apart, however long they are', async () => {
    const inFront = await TcpProxy.inFrontOf(databaseUrl());
    const connection = await createConnection(inFront.url(databaseUrl()));
    inFront.mark();
    await connection.query('SELECT LENGTH(?)', ['x'.repeat(200_000)]);
    await connection.execute('SELECT ?', [1]);
    await connection.execute('SELECT ?', [2]);
    await connection.ping();
    assert.deepEqual(inFront.traffic.commands, { query: 1, prepare: 1, execute: 2, ping: 1 });
    await connection.end();
    await inFront.close();
  });
});
