import { strict as assert } from 'node:assert';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { handback } from './handback.js';

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
    ];
    for (const args of [...urls.map((url) => ['doctor', url]), ...urls]) {
      for (const json of [[], ['--json']]) {
        const { code, stdout, stderr } = await handback([args, json].flat());
        assert.ok(code === 2 || code === 3);
        assert.doesNotMatch(stdout + stderr, /s3cret/);
      }
    }
  });

  it('ends with 3 where nothing listens, and says so in JSON too', async () => {
    const { code, stdout, stderr } = await handback(['doctor', 'mysql://u@127.0.0.1:1/x', '--json']);
    assert.equal(code, 3);
    assert.match(stderr, /no connection to u@127\.0\.0\.1:1/);
    assert.equal(JSON.parse(stdout).error.code, 'ECONNREFUSED');
  });
});
