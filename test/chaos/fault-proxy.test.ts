import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { eventually } from '@handback/contract/support/eventually.js';
import { FaultProxy, type Flow } from './proxy/fault-proxy.js';
import { Pipe } from './proxy/pipe.js';
import { Random } from './random.js';

/** Longer than any test. */
const NEVER_MS = 600_000;

describe('the fault proxy, between plain sockets', () => {
  let echo: Server;
  let proxy: FaultProxy;
  let accepted: Socket[];
  let arrived: string;
  let endsAtServer: string[];

  before(async () => {
    echo = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      accepted.push(socket);
      socket.on('data', (chunk) => {
        arrived += chunk;
        socket.write(chunk);
      });
      socket.on('end', () => endsAtServer.push('FIN'));
      socket.on('error', (error: NodeJS.ErrnoException) => endsAtServer.push(String(error.code)));
    });
    await once(echo.listen(0, '127.0.0.1'), 'listening');
  });

  beforeEach(async () => {
    accepted = [];
    arrived = '';
    endsAtServer = [];
    const { port } = echo.address() as AddressInfo;
    proxy = await FaultProxy.open({ targetPort: port, random: new Random(1) });
  });

  afterEach(() => proxy.close());
  after(() => echo.close());

  const open = async () => {
    const before = accepted.length;
    const socket = connect({ port: proxy.port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
    await once(socket, 'connect');
    await eventually(() => assert.equal(accepted.length, before + 1));
    const ends: string[] = [];
    let received = '';
    socket.on('data', (chunk) => {
      received += chunk;
    });
    socket.on('end', () => ends.push('FIN'));
    socket.on('error', (error: NodeJS.ErrnoException) => ends.push(String(error.code)));
    const receives = (text: string) => eventually(() => assert.equal(received, text));
    return { socket, ends, receives, received: () => received };
  };

  const alphabet = (length: number) =>
    Array.from({ length }, (_, n) => String.fromCharCode(97 + (n % 26))).join('');

  it('ok: bytes and ends pass, and connections are counted with their time', async () => {
    const since = performance.now();
    const { socket, receives, ends } = await open();
    socket.end('1234');
    await receives('1234');
    await eventually(() => assert.deepEqual(endsAtServer, ['FIN']));
    assert.deepEqual([proxy.connections, proxy.accepted, proxy.attempts.length], [1, 1, 1]);
    assert.ok((proxy.attempts[0] as number) >= since);
    accepted[0]?.end();
    await eventually(() => assert.deepEqual(ends, ['FIN']));
    await eventually(() => assert.equal(proxy.connections, 0));
    assert.deepEqual(proxy.strikes, {});
  });

  it('passes more than any buffer takes, to a side that reads late', async () => {
    const { socket, received } = await open();
    accepted[0]?.pause();
    const text = alphabet(5_000_000);
    socket.write(text);
    socket.pause();
    await new Promise((resolve) => setTimeout(resolve, 20));
    accepted[0]?.resume();
    socket.resume();
    await eventually(() => assert.equal(received().length, text.length));
    assert.ok(received() === text);
  });

  it('delay: bytes come in order, each way that much later', async () => {
    const { socket, receives } = await open();
    proxy.flow = { kind: 'delay', ms: 60 };
    const start = performance.now();
    for (const part of ['1', '2', '3']) {
      socket.write(part);
      await new Promise(setImmediate);
    }
    socket.end('4');
    await receives('1234');
    assert.ok(performance.now() - start >= 118);
    assert.deepEqual(endsAtServer, ['FIN']);
  });

  it('delay: what is on its way comes at once when bytes pass again, and in order', async () => {
    const { socket, receives } = await open();
    proxy.flow = { kind: 'delay', ms: NEVER_MS };
    socket.write('late ');
    await new Promise((resolve) => setTimeout(resolve, 20));
    proxy.flow = { kind: 'ok' };
    socket.write('soon');
    await receives('late soon');
  });

  it('throttle: no more bytes come than that many a second, in few pieces or in many', async () => {
    const { socket, receives } = await open();
    proxy.flow = { kind: 'throttle', bytesPerSecond: 10_000 };
    const text = alphabet(2_000);
    const start = performance.now();
    socket.write(text.slice(0, 200));
    for (let at = 200; at < 2_000; at += 200) {
      await new Promise(setImmediate);
      socket.write(text.slice(at, at + 200));
    }
    await receives(text);
    assert.ok(performance.now() - start >= 195);
  });

  it('throttle: whoever sends faster has to wait, so that not all of it is kept here', () => {
    const from = new PassThrough() as unknown as Socket;
    const to = new PassThrough() as unknown as Socket;
    const pipe = new Pipe(from, to.resume());
    pipe.push(Buffer.alloc(10_000), { kind: 'throttle', bytesPerSecond: 10 });
    assert.ok(!from.isPaused());
    pipe.push(Buffer.alloc(1_000_000), { kind: 'throttle', bytesPerSecond: 1_000 });
    assert.ok(from.isPaused());
    to.destroy();
  });

  const holes: Array<{ towards: 'both' | 'server' | 'client'; atServer: string; atClient: string }> = [
    { towards: 'both', atServer: '', atClient: '' },
    { towards: 'server', atServer: '', atClient: '' },
    { towards: 'client', atServer: 'lostmore', atClient: '' },
  ];
  for (const { towards, atServer, atClient } of holes) {
    it(`blackhole towards ${towards}: what lost bytes stays silent for good, what lost none goes on`, async () => {
      const hit = await open();
      const spared = await open();
      proxy.flow = { kind: 'blackhole', towards };
      hit.socket.write('lost');
      await eventually(() => assert.equal(proxy.lost, 4));
      proxy.flow = { kind: 'ok' };
      hit.socket.write('more');
      await eventually(() => assert.equal(proxy.lost, 8));
      assert.equal(arrived, atServer);
      spared.socket.write('!');
      await spared.receives('!');
      assert.equal(hit.received(), atClient);
      assert.deepEqual([hit.ends, endsAtServer, proxy.connections], [[], [], 2]);
    });
  }

  it('blackhole: the end of a connection is not heard until it is over', async () => {
    const polite = await open();
    const rude = await open();
    proxy.flow = { kind: 'blackhole', towards: 'both' };
    polite.socket.end('bye');
    await eventually(() => assert.equal(proxy.lost, 3));
    rude.socket.write('x');
    await eventually(() => assert.equal(proxy.lost, 4));
    rude.socket.resetAndDestroy();
    await once(rude.socket, 'close');
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.deepEqual([endsAtServer, proxy.connections], [[], 2]);
    proxy.flow = { kind: 'ok' };
    await eventually(() => assert.deepEqual(endsAtServer.sort(), ['ECONNRESET', 'FIN']));
  });

  it('blackhole towards the server: what the server says still comes', async () => {
    const { receives } = await open();
    proxy.flow = { kind: 'blackhole', towards: 'server' };
    accepted[0]?.end('hello');
    await receives('hello');
  });

  it('refuse: new connections fail, the old ones go on, and the port is the same afterwards', async () => {
    const old = await open();
    proxy.refuse();
    const [error] = await once(connect({ port: proxy.port, host: '127.0.0.1' }), 'error');
    assert.equal(error.code, 'ECONNREFUSED');
    old.socket.write('still here');
    await old.receives('still here');
    await proxy.accept();
    const { socket, receives } = await open();
    socket.write('again');
    await receives('again');
  });

  it('ends all connections, by RST or by FIN, or some of them', async () => {
    const rude = await open();
    proxy.cutAll('RST');
    await eventually(() => assert.deepEqual([rude.ends, endsAtServer], [['ECONNRESET'], ['ECONNRESET']]));
    const polite = await open();
    proxy.cutAll('FIN');
    await eventually(() => assert.deepEqual([polite.ends, endsAtServer], [['FIN'], ['ECONNRESET', 'FIN']]));
    polite.socket.destroy();
    for (let n = 0; n < 30; n++) await open();
    proxy.cutSome('RST', 0.5);
    await eventually(() => assert.ok(proxy.connections < 30));
    assert.ok(proxy.connections > 0);
  });

  it('cut: a part of what was sent comes, and then a reset', async () => {
    const { socket, ends, received } = await open();
    proxy.flow = { kind: 'cut', probability: 1 };
    const text = alphabet(1_000);
    socket.write(text);
    await eventually(() => assert.deepEqual(ends, ['ECONNRESET']));
    await eventually(() => assert.deepEqual(endsAtServer, ['ECONNRESET']));
    assert.ok(text.startsWith(arrived) && arrived.length < text.length);
    assert.equal(received(), '');
    assert.deepEqual(proxy.strikes, { cut: 1 });
  });

  it('truncate: a part of the reply comes, and then nothing, also when bytes pass again', async () => {
    const { socket, ends, received } = await open();
    proxy.flow = { kind: 'truncate', probability: 1 };
    const text = alphabet(1_000);
    socket.write(text);
    await eventually(() => assert.deepEqual(proxy.strikes, { truncate: 1 }));
    proxy.flow = { kind: 'ok' };
    socket.write('more');
    await eventually(() => assert.equal(arrived, `${text}more`));
    await eventually(() => assert.deepEqual(proxy.strikes, { truncate: 2 }));
    await eventually(() => assert.equal(received().length, 1_004 - proxy.lost));
    assert.ok(text.startsWith(received()) && received().length < text.length);
    assert.deepEqual(ends, []);
  });

  const chances: Flow[] = [
    { kind: 'cut', probability: 0.5 },
    { kind: 'truncate', probability: 0.5 },
  ];
  for (const flow of chances) {
    it(`${flow.kind}: now and then, as often as its probability says, and the same again for the same seed`, async () => {
      const struck = async () => {
        const { port } = echo.address() as AddressInfo;
        const own = await FaultProxy.open({ targetPort: port, random: new Random(7) });
        const outcomes: boolean[] = [];
        try {
          for (let n = 0; n < 20; n++) {
            own.flow = { kind: 'ok' };
            const before = own.strikes[flow.kind] ?? 0;
            const socket = connect({ port: own.port, host: '127.0.0.1', noDelay: true });
            await once(
              socket.on('error', () => {}),
              'connect',
            );
            own.flow = flow;
            socket.write('ping');
            let received = '';
            socket.on('data', (chunk) => {
              received += chunk;
            });
            await eventually(() => assert.ok((own.strikes[flow.kind] ?? 0) > before || received === 'ping'));
            outcomes.push(received === 'ping');
            socket.destroy();
          }
        } finally {
          await own.close();
        }
        return outcomes;
      };
      const first = await struck();
      assert.ok(first.includes(true) && first.includes(false));
      assert.deepEqual(await struck(), first);
    });
  }

  it('a server that is not there means a reset', async () => {
    const gone = createServer();
    await once(gone.listen(0, '127.0.0.1'), 'listening');
    const { port } = gone.address() as AddressInfo;
    await new Promise((resolve) => gone.close(resolve));
    const own = await FaultProxy.open({ targetPort: port, random: new Random(1) });
    const [error] = await once(connect({ port: own.port, host: '127.0.0.1' }), 'error');
    assert.equal(error.code, 'ECONNRESET');
    assert.deepEqual([own.accepted, own.connections], [1, 0]);
    await own.close();
  });
});
