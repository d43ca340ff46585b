import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { handback, type Ran } from './handback.js';

function packet(sequence: number, ...parts: (readonly number[] | string)[]): Buffer {
  const body = Buffer.concat(parts.map((part) => Buffer.from(part as string, 'latin1')));
  const head = Buffer.alloc(4);
  head.writeUIntLE(body.length, 0, 3);
  head[3] = sequence;
  return Buffer.concat([head, body]);
}

const GREETING = packet(
  0,
  [10],
  '10.11.2-MariaDB\0',
  [7, 0, 0, 0],
  'abcdefgh\0',
  [0xff, 0xf7, 33, 2, 0, 0xff, 0x81, 21, ...Array(10).fill(0)],
  'ijklmnopqrst\0',
  'mysql_native_password\0',
);
const ok = (sequence: number) => packet(sequence, [0, 0, 0, 2, 0, 0, 0]);
const error = (sequence: number, code: number, message: string) =>
  packet(sequence, [0xff, code & 0xff, code >> 8], '#HY000', message);

/** Greets, says this to the login, and this to each statement; hangs up never. */
async function asking(
  command: 'doctor' | 'top',
  login: Buffer,
  statement?: (sql: string) => Buffer,
): Promise<Ran & { document: { error?: { message: string; code?: string } } }> {
  const sockets: Socket[] = [];
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.push(socket.on('error', () => {}));
    socket.write(GREETING);
    socket.once('data', () => {
      socket.write(login);
      socket.on('data', (data) => statement && socket.write(statement(data.toString('latin1', 5))));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const { port } = server.address() as AddressInfo;
    const url = `mysql://u:s3cret@127.0.0.1:${port}/`;
    const ran = await handback([command, url, '--json', '--timeout', '1000']);
    assert.doesNotMatch(ran.stdout + ran.stderr, /s3cret/);
    return { ...ran, document: JSON.parse(ran.stdout) };
  } finally {
    for (const socket of sockets) socket.destroy();
    server.close();
  }
}

for (const command of ['doctor', 'top'] as const) {
  describe(`${command}: a server that means no good`, () => {
    it('does not keep it by refusing the login without hanging up', async () => {
      const { code, document } = await asking(command, error(2, 1045, 'Access denied'));
      assert.deepEqual([code, document.error?.code], [3, 'ER_ACCESS_DENIED_ERROR']);
    });

    it('writes neither to the terminal nor lines of its own', async () => {
      const evil = 'denied\u001b]0;owned\u0007\nhandback: all is well';
      const { stderr, document } = await asking(command, error(2, 1045, evil));
      assert.match(
        stderr,
        /^handback: no connection .*denied\\u\{1b\}\]0;owned\\u\{7\}\\u\{a\}handback: all is well\n$/,
      );
      assert.ok(document.error?.message.endsWith(evil));
    });

    it('is named when it falls silent after the login', async () => {
      const { code, document } = await asking(command, ok(2));
      assert.equal(code, 3);
      assert.match(document.error?.message ?? '', /lets us in, and then no answer within 1000 ms/);
    });

    it('is named when it answers SELECT with nothing', async () => {
      const { code, stderr, document } = await asking(command, ok(2), () => ok(1));
      assert.equal(code, 3);
      assert.match(document.error?.message ?? '', /not a MySQL or MariaDB server/);
      assert.doesNotMatch(stderr, /\n +at /, 'no fault of ours');
    });

    it('is lost when it says goodbye in the middle', async () => {
      const { code, document } = await asking(command, ok(2), (sql) =>
        sql.startsWith('SET') ? ok(1) : error(1, 1053, 'Server shutdown in progress'),
      );
      assert.equal(code, 3);
      assert.match(document.error?.message ?? '', /lost while it was looked at: Server shutdown/);
    });

    it('can not end it with bytes that the driver does not expect, but for saying so', async () => {
      const { code, document } = await asking(command, Buffer.concat([ok(2), Buffer.alloc(64)]));
      assert.equal(code, 3);
      assert.ok(document.error?.message);
    });
  });
}
