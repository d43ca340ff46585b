import { strict as assert } from 'node:assert';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { resolve } from 'node:path';
import { skipLoudly } from '../support/skip-loudly.js';
import { handback, PROGRAM } from './handback.js';

const root = resolve(import.meta.dirname, '../../..');

describe('the command line', () => {
  it('says what it can do', async () => {
    const general = await handback(['--help']);
    assert.equal(general.code, 0);
    assert.match(general.stdout, /^Usage: handback <command>/);
    assert.match(general.stdout, /doctor/);
    const doctor = await handback(['doctor', '--help']);
    assert.equal(doctor.code, 0);
    assert.match(doctor.stdout, /Exit codes/);
    assert.match(doctor.stdout, /--json/);
  });

  it('says its version', async () => {
    const { version } = JSON.parse(await readFile(resolve(root, 'packages/cli/package.json'), 'utf8'));
    assert.deepEqual(await handback(['--version']), { code: 0, stdout: `${version}\n`, stderr: '' });
  });

  it('refuses what it does not know with exit code 2, on stderr', async () => {
    for (const args of [
      [],
      ['cure'],
      ['doctor'],
      ['doctor', '--cure'],
      ['doctor', 'a', 'b'],
      ['doctor', 'http://a/b'],
      // Longer than a timer can wait: it would be no time at all.
      ['doctor', 'mysql://u@127.0.0.1:1/', '--timeout', '2147483648'],
      ['doctor', 'mysql://u@127.0.0.1:1/', '--sample', '99999999999'],
    ]) {
      const { code, stdout, stderr } = await handback(args);
      assert.deepEqual([code, stdout, stderr !== ''], [2, '', true], args.join(' '));
    }
  });

  it('prints no password, whatever is wrong with the url it is in', async () => {
    const urls = [
      'mysql://user:s3cret@',
      'mysql://user:s3cret@[/',
      'http://user:s3cret@host/',
      'mysql://u:s3cret@127.0.0.1:1/x',
      'mysql://u:s3cret%@127.0.0.1:1/x',
      // Not encoded: the parser takes what is before the slash for a port.
      'mysql://u:4711/s3cret@127.0.0.1:1/x',
      'mysql://u:4711?s3cret@127.0.0.1:1/x',
      'mysql://u:4711#s3cret@127.0.0.1:1/x',
    ];
    const apps = [
      'http://ops:4711/s3cret@127.0.0.1:1/',
      'http://ops:/s3cret@[::1]:1/',
      'http://ops:s3cret%zz@h/',
    ];
    const withApps = apps.flatMap((app) =>
      ['doctor', 'top'].map((command) => [command, 'mysql://u:@127.0.0.1:1/', '--app', app]),
    );
    const all = [...urls.map((url) => ['doctor', url]), ...urls.map((url) => [url]), ...withApps];
    for (const args of all) {
      const both = await Promise.all([handback(args), handback([...args, '--json'])]);
      for (const { code, stdout, stderr } of both) {
        assert.ok(code === 2 || code === 3);
        assert.doesNotMatch(stdout + stderr, /s3cret|4711/);
      }
      assert.ok(JSON.parse(both[1]?.stdout ?? '').error);
    }
  });

  it('ends with 3 where nothing listens, and says so in JSON too', async () => {
    const { code, stdout, stderr } = await handback(['doctor', 'mysql://u@127.0.0.1:1/x', '--json']);
    assert.equal(code, 3);
    assert.match(stderr, /no connection to u@127\.0\.0\.1:1/);
    assert.equal(JSON.parse(stdout).error.code, 'ECONNREFUSED');
  });

  it('does not know a TLS profile of another name, and says it in one line', async () => {
    const { code, stderr } = await handback(['doctor', 'mysql://u@127.0.0.1:1/?ssl=no-such']);
    assert.equal(code, 3);
    assert.match(stderr, /^handback: no connection to u@127\.0\.0\.1:1: .*no-such.*\n$/);
  });

  it('shows nobody the url in the list of processes', async function () {
    if (process.platform !== 'linux') skipLoudly(this, 'the list of processes', 'it is read as on Linux');
    const silent = createServer().listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    const child = spawn(process.execPath, [PROGRAM, 'doctor', `mysql://u:s3cret@127.0.0.1:${port}/`]);
    try {
      // It has read its arguments.
      await once(silent, 'connection');
      const line = await readFile(`/proc/${child.pid}/cmdline`, 'utf8');
      assert.equal(line.replaceAll('\0', '').trim(), 'handback doctor');
    } finally {
      child.kill('SIGKILL');
      await once(child, 'exit');
      silent.close();
    }
  });

  it('ends with 3 where its output can not be written, and with its own code where nobody reads on', async function () {
    if (!existsSync('/dev/full')) skipLoudly(this, 'a full disk', 'there is no /dev/full');
    const plan = `"${process.execPath}" "${PROGRAM}" plan --processes 2 --max 2 --server-max 100`;
    const shell = (command: string) => {
      const { status, stderr } = spawnSync('bash', ['-c', command], { encoding: 'utf8' });
      return { status, stderr };
    };
    const full = shell(`${plan} > /dev/full`);
    assert.equal(full.status, 3);
    assert.match(full.stderr, /^handback: its output could not be written: ENOSPC.*\n$/);
    assert.deepEqual(shell(`${plan} | true; exit "\${PIPESTATUS[0]}"`), { status: 0, stderr: '' });
    // Nobody can be told what was wrong; whoever called sees it by the code.
    assert.equal(shell(`"${process.execPath}" "${PROGRAM}" no-such 2> /dev/full`).status, 2);
  });
});
