import { strict as assert } from 'node:assert';
import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const root = resolve(import.meta.dirname, '../../..');
const PACKAGES = [
  'core',
  'fastify',
  'express',
  'koa',
  'http',
  'contract',
  'cli',
  'prometheus',
  'opentelemetry',
];

interface Packed {
  files: { path: string }[];
}

/** Each adapter's modules, for whoever adds one to see that it is published. */
const ADAPTER = ['adapter', 'augment', 'gate', 'index'];
const MODULES: Readonly<Record<string, readonly string[]>> = {
  fastify: ADAPTER,
  express: [...ADAPTER, 'mounts'],
  koa: ADAPTER,
  http: [...ADAPTER, 'failure', 'routes'],
};

/** Files beside the code. */
const OTHERS: Readonly<Record<string, readonly string[]>> = {
  cli: ['bin/handback.js'],
  prometheus: ['grafana/handback.json'],
};

async function sourcesOf(folder: string): Promise<string[]> {
  const files = await readdir(resolve(folder, 'src'), { recursive: true });
  return files.filter((file) => file.endsWith('.ts')).map((file) => file.replace(/\.ts$/, ''));
}

async function expectedFiles(name: string, folder: string): Promise<string[]> {
  const modules = MODULES[name] ?? (await sourcesOf(folder));
  const built = modules.flatMap((module) => [`dist/${module}.js`, `dist/${module}.d.ts`]);
  const others = OTHERS[name] ?? [];
  return ['package.json', 'README.md', 'LICENSE', ...others, ...built].sort();
}

interface Locked {
  readonly packages: Readonly<
    Record<string, { dependencies?: object; peerDependencies?: object; hasInstallScript?: boolean }>
  >;
}

/** What is installed along with a package, its peers included. */
function installedWith(name: string, { packages }: Locked, found = new Set<string>()): Set<string> {
  const path = `node_modules/${name}`;
  const entry = packages[path];
  if (!entry || found.has(path)) return found;
  found.add(path);
  const needed = { ...entry.dependencies, ...entry.peerDependencies };
  for (const dependency of Object.keys(needed)) installedWith(dependency, { packages }, found);
  return found;
}

const INSTALL_SCRIPTS = ['preinstall', 'install', 'postinstall', 'prepare', 'prepublish'];

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
      // What has no source any more is left over from an earlier build: `npm run build -- --clean`, then build.
      assert.deepEqual(paths.sort(), await expectedFiles(name, folder));
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

  it('nothing runs when they are installed: no install script here, nor in what comes with them', async () => {
    const lock = JSON.parse(await readFile(resolve(root, 'package-lock.json'), 'utf8')) as Locked;
    const { scripts } = JSON.parse(await readFile(resolve(root, 'package.json'), 'utf8'));
    assert.deepEqual(
      INSTALL_SCRIPTS.filter((script) => script in scripts),
      [],
    );
    const found = new Set<string>();
    for (const name of PACKAGES) {
      const manifest = JSON.parse(await readFile(resolve(root, 'packages', name, 'package.json'), 'utf8'));
      for (const needed of Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies }))
        installedWith(needed, lock, found);
    }
    assert.ok(found.has('node_modules/mysql2') && found.has('node_modules/express'));
    assert.deepEqual(
      [...found].filter((path) => lock.packages[path]?.hasInstallScript),
      [],
    );
  });
});
