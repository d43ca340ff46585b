import { strict as assert } from 'node:assert';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const root = resolve(import.meta.dirname, '../../..');
const PACKAGES = ['core', 'fastify', 'express', 'koa', 'http', 'contract'];

interface Packed {
  files: { path: string }[];
}

describe('published packages', () => {
  for (const name of PACKAGES) {
    const folder = resolve(root, 'packages', name);

    it(`${name} holds compiled code, types, its readme and licence, and nothing else`, async () => {
      const { stdout } = await run('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
        cwd: folder,
      });
      const packed = JSON.parse(stdout) as Packed[] | Record<string, Packed>;
      const [{ files }] = (Array.isArray(packed) ? packed : Object.values(packed)) as [Packed];
      const paths = files.map(({ path }) => path);
      for (const path of paths) {
        assert.match(path, /^(?:package\.json|README\.md|LICENSE|dist\/.*\.(?:js|d\.ts))$/);
      }
      assert.ok(paths.includes('README.md') && paths.includes('LICENSE') && paths.includes('dist/index.js'));
    });

    it(`${name} has no install scripts and no runtime dependency but its own`, async () => {
      const manifest = JSON.parse(await readFile(resolve(folder, 'package.json'), 'utf8'));
      assert.equal(manifest.scripts, undefined);
      const dependencies = Object.keys(manifest.dependencies ?? {});
      assert.deepEqual(
        dependencies.filter((dependency) => !dependency.startsWith('@handback/')),
        name === 'fastify' ? ['fastify-plugin'] : [],
      );
      assert.ok(manifest.peerDependencies.mysql2);
    });
  }

  it('all carry the one version of the repository', async () => {
    const { version } = JSON.parse(await readFile(resolve(root, 'lerna.json'), 'utf8'));
    for (const name of PACKAGES) {
      const manifest = JSON.parse(await readFile(resolve(root, 'packages', name, 'package.json'), 'utf8'));
      assert.equal(manifest.version, version);
      assert.equal(manifest.dependencies?.['@handback/core'] ?? version, version);
    }
  });
});
