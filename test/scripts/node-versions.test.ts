import { strict as assert } from 'node:assert';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, tenThousandOnOneSocket } from '@handback/contract';
import { essentialArguments, essentials, otherVersions, versions } from '#scripts/node/versions.mjs';
import { runNode } from './processes.js';

describe('the versions of Node that continuous integration runs', () => {
  it('are one of each line, from the oldest that the packages allow', () => {
    assert.deepEqual(
      versions.map((version) => version.split('.')[0]),
      ['20', '22', '24'],
    );
    const { engines } = JSON.parse(readFileSync('package.json', 'utf8'));
    assert.match(engines.node, /^>=20\./);
  });

  it('are tested besides the one that runs the tests, whatever its line', () => {
    const [twenty, twentyTwo, twentyFour] = versions;
    assert.deepEqual(otherVersions('20.19.0'), [twentyTwo, twentyFour]);
    assert.deepEqual(otherVersions('24.0.0'), [twenty, twentyTwo]);
    assert.deepEqual(otherVersions('26.1.0'), versions);
  });

  it('with tests that exist', () => {
    assert.deepEqual(
      essentials.filter((path) => !existsSync(path)),
      [],
    );
  });

  it('without parts of the contract, each of which exists', () => {
    const pattern = essentialArguments[essentialArguments.indexOf('--grep') + 1] ?? assert.fail();
    const titles = Object.entries(suite).flatMap(([behaviour, cases]) =>
      [...cases, tenThousandOnOneSocket].map(({ name }) => `contract: Koa 3 ${behaviour} ${name}`),
    );
    const left = titles.filter((title) => !new RegExp(pattern).test(title));
    assert.ok(left.length > titles.length / 3, `${left.length} of ${titles.length} cases`);
    for (const part of pattern.replaceAll(/^.*\(|\)(?=\|)/g, '').split('|'))
      assert.ok(
        titles.some((title) => title.includes(part)),
        part,
      );
  });
});

describe('installing another version of Node', () => {
  const SCRIPT = `import { installNode } from './scripts/node/install.mjs';
    console.log(await installNode('0.0.0').catch(({ message }) => message));`;

  /** With a program of ours in the place of npm. */
  async function install(npm: string): Promise<string> {
    const directory = await mkdtemp(join(tmpdir(), 'handback-npm-'));
    try {
      await writeFile(join(directory, 'npm'), `#!/bin/sh\n${npm}\n`, { mode: 0o755 });
      const PATH = `${directory}:${process.env.PATH}`;
      const { stdout } = await runNode(['--input-type=module', '-e', SCRIPT], { PATH });
      return stdout;
    } finally {
      await rm(directory, { recursive: true });
    }
  }

  const left = () =>
    (existsSync('build/node') ? readdirSync('build/node') : []).filter((name) => /^0\./.test(name));

  it('that fails says what npm said, and leaves nothing that would be taken for it', async () => {
    assert.match(await install('echo no such version; exit 1'), /no such version/);
    assert.deepEqual(left(), []);
  });

  it('takes no program that is of another version', async () => {
    const place = `node_modules/node-${process.platform}-${process.arch}/bin`;
    try {
      assert.match(
        await install(`mkdir -p ${place} && ln -s ${process.execPath} ${place}/node`),
        new RegExp(`is Node ${process.version}, not 0\\.0\\.0`),
      );
    } finally {
      for (const each of left()) await rm(join('build/node', each), { recursive: true });
    }
  });
});
