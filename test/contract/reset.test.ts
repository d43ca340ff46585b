import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { within } from '@handback/contract/support/eventually.js';
import { reset } from '@handback/contract/support/reset.js';

describe('cutting a connection with an RST', () => {
  const before: Record<string, (socket: Socket) => void> = {
    'that is open': () => {},
    'that has bytes to write': (socket) => socket.write('x'.repeat(100_000)),
    'that says goodbye in the same turn': (socket) => socket.end('x'),
  };
  for (const [which, prepare] of Object.entries(before)) {
    it(`closes one ${which}`, async () => {
      const accepted: Socket[] = [];
      const server = createServer((socket) => {
        accepted.push(socket.on('error', () => {}));
      }).listen(0, '127.0.0.1');
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
      await once(socket, 'connect');
      const closed = once(socket, 'close');
      prepare(socket);
      reset(socket);
      await within(5_000, 'the end of the socket', closed);
      assert.ok(socket.destroyed);
      server.close();
      for (const other of accepted) other.destroy();
    });
  }
});
