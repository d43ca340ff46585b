import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { handback } from '../handback.js';
import { Clinic } from './clinic.js';

describe('doctor: a server that does not answer', () => {
  it('is given up on: when it says nothing at all', async () => {
    const sockets: Socket[] = [];
    const server = createServer((socket) => sockets.push(socket)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      const { port } = server.address() as AddressInfo;
      const { code, stderr } = await handback([
        'doctor',
        `mysql://u:p@127.0.0.1:${port}/`,
        '--timeout',
        '300',
      ]);
      assert.equal(code, 3);
      assert.match(stderr, /no answer within 300 ms/);
    } finally {
      for (const socket of sockets) socket.destroy();
      server.close();
    }
  });

  it('is given up on: when it stands still', async function () {
    const clinic = await Clinic.open(this);
    try {
      await clinic.server.kill('SIGSTOP');
      const { code, stderr } = await handback(['doctor', clinic.url(), '--timeout', '500']);
      assert.equal(code, 3);
      assert.match(stderr, /no answer within 500 ms/);
      await clinic.server.kill('SIGCONT');
      assert.equal((await handback(['doctor', clinic.url()])).code, 0);
    } finally {
      await clinic.close();
    }
  });

  it('is given up on: when it stands still while it is looked at', async function () {
    const clinic = await Clinic.open(this);
    try {
      const stop = async () => {
        await clinic.server.kill('SIGSTOP');
      };
      await assert.rejects(clinic.examine({ meanwhile: stop, timeoutMs: 500 }), {
        name: 'Error',
        message: 'the server was lost while it was looked at: it does not answer any more',
      });
    } finally {
      await clinic.server.kill('SIGCONT');
      await clinic.close();
    }
  });

  it('is named as lost when it ends while it is looked at, and looked at again when it is back', async function () {
    const clinic = await Clinic.open(this);
    try {
      const end = async () => {
        await clinic.server.kill();
      };
      await assert.rejects(clinic.examine({ meanwhile: end }), {
        code: 'PROTOCOL_CONNECTION_LOST',
        message: /^the server was lost while it was looked at: .*closed the connection/,
      });
      await clinic.server.restart();
      assert.equal((await clinic.examine()).severity('connections-now'), 'ok');
    } finally {
      await clinic.close();
    }
  });
});
