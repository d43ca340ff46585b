import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '@handback/contract/support/eventually.js';
import { clientSockets, hiddenIn } from '#cli/doctor/checks/sockets.js';
import { takeCensus } from '#cli/doctor/sockets/census.js';
import { canonicalAddress, parseProcNet } from '#cli/doctor/sockets/proc-net.js';
import { socketTables } from '#cli/doctor/sockets/tables.js';
import { skipLoudly } from '../../support/skip-loudly.js';
import { handback } from '../handback.js';
import { Clinic, textOf } from './clinic.js';

const HEAD =
  '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode';

function line(remote: string, state: string, inode: string, uid = 1000): string {
  return `   0: 0100007F:C4B6 ${remote} ${state} 00000000:00000000 00:00000000 00000000  ${uid}        0 ${inode} 1 0 20 4 30 10 -1`;
}

describe('doctor: the tables of sockets in /proc', () => {
  it('are read as Linux writes them', () => {
    const [ipv4, ipv6, mapped] = parseProcNet(
      [
        HEAD,
        line('0500000A:0CEA', '01', '7001'),
        line('B80D0120000000000000000001000000:0CEA', '08', '7002'),
        line('0000000000000000FFFF00000500000A:0CEA', '06', '0'),
        '',
      ].join('\n'),
    );
    assert.deepEqual(ipv4, {
      localAddress: '127.0.0.1',
      localPort: 50358,
      remoteAddress: '10.0.0.5',
      remotePort: 3306,
      state: 'ESTABLISHED',
      uid: 1000,
      inode: '7001',
    });
    assert.deepEqual([ipv6?.remoteAddress, ipv6?.state], ['2001:db8::1', 'CLOSE_WAIT']);
    assert.deepEqual([mapped?.remoteAddress, mapped?.state], ['10.0.0.5', 'TIME_WAIT']);
    assert.equal(canonicalAddress('2001:0DB8:0::1'), '2001:db8::1');
    assert.equal(canonicalAddress('::ffff:10.0.0.5'), '10.0.0.5');
    assert.equal(canonicalAddress('fe80::1%eth0'), 'fe80::1');
  });

  it('name processes by their descriptors; those of others by their user alone', async () => {
    const proc = await mkdtemp(join(tmpdir(), 'handback-proc-'));
    try {
      await mkdir(join(proc, 'self/net'), { recursive: true });
      const table = [
        HEAD,
        line('0500000A:0CEA', '01', '7001'),
        line('0500000A:0CEA', '08', '7002'),
        line('0500000A:0CEA', '08', '7003', 33),
        line('0500000A:0CEA', '06', '0'),
        line('0500000A:0050', '01', '7004'),
        line('0600000A:0CEA', '01', '7005'),
      ];
      await writeFile(join(proc, 'self/net/tcp'), `${table.join('\n')}\n`);
      await mkdir(join(proc, '41/fd'), { recursive: true });
      await symlink('socket:[7001]', join(proc, '41/fd/17'));
      await symlink('socket:[7002]', join(proc, '41/fd/18'));
      await symlink('/dev/null', join(proc, '41/fd/0'));
      await writeFile(join(proc, '41/comm'), 'node\n');
      await writeFile(join(proc, '41/cmdline'), 'node\0--title\0/srv/shop/api.mjs\0--password=s3cret\0');
      const census = await takeCensus({
        addresses: new Set(['10.0.0.5']),
        port: 3306,
        exceptPid: 1,
        proc,
      });
      assert.equal(census.timeWait, 1);
      const [finding] = clientSockets({ sockets: census });
      assert.equal(finding?.severity, 'warning');
      assert.deepEqual(
        hiddenIn(census).map(({ remedy }) => remedy),
        ['run it as root, or as the account that the processes run as'],
      );
      assert.deepEqual(finding?.evidence.toSorted(), [
        'a process of uid 33 that this account may not look into: 0 ESTABLISHED, 1 CLOSE_WAIT',
        'node api.mjs (pid 41): 1 ESTABLISHED, 1 CLOSE_WAIT',
      ]);
      assert.deepEqual(
        (await takeCensus({ addresses: new Set(['10.0.0.5']), port: 3306, exceptPid: 41, proc })).processes
          .length,
        1,
      );
    } finally {
      await rm(proc, { recursive: true });
    }
  });

  it('of containers are read as well, once for each network', async () => {
    const proc = await mkdtemp(join(tmpdir(), 'handback-proc-'));
    try {
      const network = async (name: string, id: string, inode: string) => {
        await mkdir(join(proc, name, 'net'), { recursive: true });
        await mkdir(join(proc, name, 'ns'));
        await symlink(`net:[${id}]`, join(proc, name, 'ns/net'));
        await writeFile(join(proc, name, 'net/tcp'), `${HEAD}\n${line('0500000A:0CEA', '01', inode)}\n`);
      };
      await network('self', '1', '7001');
      await network('41', '1', '7001');
      await network('42', '2', '7002');
      await network('43', '2', '7002');
      const sockets = await socketTables(proc);
      assert.deepEqual(
        sockets.map(({ inode }) => inode),
        ['7001', '7002'],
      );
      const mapped = line('0000000000000000FFFF00000500000A:0CEA', '08', '7003');
      await writeFile(join(proc, '42/net/tcp6'), `${HEAD}\n${mapped}\n`);
      assert.deepEqual(
        (await socketTables(proc)).map(({ remoteAddress, state }) => [remoteAddress, state]).at(-1),
        ['10.0.0.5', 'CLOSE_WAIT'],
      );
    } finally {
      await rm(proc, { recursive: true });
    }
  });

  it('are Linux’s: elsewhere it says so', async () => {
    const nowhere = join(tmpdir(), 'handback-no-proc');
    await assert.rejects(takeCensus({ addresses: new Set(), port: 1, exceptPid: 1, proc: nowhere }), {
      code: 'ENOENT',
    });
  });
});

describe('doctor: the sockets of this host', () => {
  let clinic: Clinic;
  before(async function () {
    if (process.platform !== 'linux')
      skipLoudly(this, 'the sockets of this host', 'they are read as on Linux');
    clinic = await Clinic.open(this);
  });
  after(() => clinic?.close());

  async function sockets() {
    const { stdout } = await handback(['doctor', clinic.url(), '--sample', '0', '--json']);
    return JSON.parse(stdout).findings.find(({ id }: { id: string }) => id === 'client-sockets');
  }

  it('are counted per process; what the server has hung up and the process has not is a leak', async () => {
    assert.equal((await sockets()).severity, 'ok');
    const { host, port } = clinic.server;
    const socket = connect({ host, port, allowHalfOpen: true });
    try {
      await once(socket, 'data');
      assert.match(
        textOf(await sockets()),
        new RegExp(`\\(pid ${process.pid}\\): 1 ESTABLISHED, 0 CLOSE_WAIT`),
      );
      // No answer to a handshake: the server says so and hangs up.
      socket.write(Buffer.from([1, 0, 0, 1, 0]));
      socket.resume();
      await once(socket, 'end');
      const left = await eventually(async () => {
        const found = await sockets();
        assert.equal(found.severity, 'warning');
        return found;
      });
      assert.match(textOf(left), new RegExp(`\\(pid ${process.pid}\\): 0 ESTABLISHED, 1 CLOSE_WAIT`));
    } finally {
      socket.destroy();
    }
    await once(socket, 'close');
    assert.equal((await sockets()).severity, 'ok');
  });

  it('name the program of a sleeping connection that did not say its own', async () => {
    const idle = await clinic.connect();
    const { stdout } = await handback([
      'doctor',
      clinic.url(),
      '--sample',
      '0',
      '--sleep-after',
      '0',
      '--json',
    ]);
    const { evidence } = JSON.parse(stdout).findings.find(({ id }: { id: string }) => id === 'sleepers');
    assert.match(evidence.join(), new RegExp(`#${idle.threadId} .*program .*\\(pid ${process.pid}\\)`));
  });
});
