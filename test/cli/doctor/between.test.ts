import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { Clinic, textOf } from './clinic.js';

/** Passes the bytes on; `greet` may change the server's first packet. */
async function forward(
  to: number,
  greet = (packet: Buffer) => packet,
): Promise<{ port: number; close(): Promise<void> }> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((client) => {
    const upstream = connect(to, '127.0.0.1');
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
    }
    client.pipe(upstream);
    upstream.once('data', (packet) => {
      client.write(greet(packet));
      upstream.pipe(client);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** A handshake as a proxy with sessions of its own sends it: protocol, version, then the number of the session. */
function withAnotherId(packet: Buffer): Buffer {
  const afterVersion = packet.indexOf(0, 5) + 1;
  packet.writeUInt32LE(packet.readUInt32LE(afterVersion) + 1_000_000, afterVersion);
  return packet;
}

describe('doctor: what is between it and the server', () => {
  let clinic: Clinic;
  before(async function () {
    clinic = await Clinic.open(this);
  });
  after(() => clinic?.close());

  it('is nothing, where it asks the server itself', async () => {
    const { picture, finding } = await clinic.examine();
    assert.deepEqual(picture.between, { pooling: null, forwarding: null });
    assert.deepEqual([finding('behind-proxy'), finding('forwarded')], [undefined, undefined]);
  });

  it('may pass the connections on', async () => {
    const between = await forward(clinic.server.port);
    try {
      const { finding, severity } = await clinic.examine({ port: between.port });
      assert.equal(severity('forwarded'), 'info');
      assert.match(textOf(finding('forwarded')), new RegExp(`asked at port ${between.port}`));
      assert.equal(severity('sleepers'), 'ok', 'looked at all the same');
    } finally {
      await between.close();
    }
  });

  const misleading = ['connection-budget', 'idle-timeout', 'sleepers', 'connection-rate'];

  it('may be a proxy that shares sessions: what would mislead is left out', async () => {
    const between = await forward(clinic.server.port, withAnotherId);
    try {
      const { findings, finding } = await clinic.examine({ port: between.port, meanwhile: async () => {} });
      assert.match(textOf(finding('behind-proxy')), /CONNECTION_ID\(\) says/);
      assert.deepEqual(
        findings.filter(({ id }) => misleading.includes(id)),
        [],
      );
      for (const id of misleading) assert.match(textOf(finding('behind-proxy')), new RegExp(id));
      assert.ok(finding('connections-high-water'));
    } finally {
      await between.close();
    }
  });

  it('may be known to who asks', async () => {
    const told = await clinic.examine({ behindProxy: true });
    assert.equal(told.severity('behind-proxy'), 'info');
    assert.equal(told.finding('connection-budget'), undefined);
    assert.ok((await clinic.examine()).finding('connection-budget'));
  });
});
