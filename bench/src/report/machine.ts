import { existsSync, readFileSync } from 'node:fs';
import { arch, availableParallelism, cpus, platform, release, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findServer } from '../../../scripts/database/index.mjs';

/** What the numbers depend on besides the code. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly os: string;
  readonly node: string;
  /** Of the database server, as it says itself. */
  readonly server: string;
  /** Of what is measured, by name. */
  readonly packages: Readonly<Record<string, string>>;
}

export async function thisMachine(): Promise<Machine> {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    os: `${platform()} ${release()} ${arch()}`,
    node: process.versions.node,
    server: serverText((await findServer())?.version),
    packages: installedVersions(),
  };
}

/** The line without the path of the program, which says nothing to others. */
function serverText(line = 'unknown'): string {
  return line.replace(/^\S*\/(?=\S+\s)/, '').replace(/\s+/g, ' ');
}

/** Those that the bench depends on. */
function installedVersions(): Record<string, string> {
  const file = fileURLToPath(new URL('../../package.json', import.meta.url));
  const { dependencies } = JSON.parse(readFileSync(file, 'utf8'));
  return Object.fromEntries(
    Object.keys(dependencies).map((name) => [name, versionOf(name, dirname(file)) ?? 'not installed']),
  );
}

/** Not by `require.resolve`: some packages do not export their package.json. */
function versionOf(name: string, from: string): string | undefined {
  const file = join(from, 'node_modules', name, 'package.json');
  if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')).version;
  const parent = dirname(from);
  return parent === from ? undefined : versionOf(name, parent);
}
