import { readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { parseProcNet, type Socket } from './proc-net.js';

/** Of each network namespace (a container has one of its own) that this account may look into. */
export async function socketTables(proc: string): Promise<Socket[]> {
  const tables = await Promise.all((await namespaceDirectories(proc)).map(readBoth));
  return tables.flat();
}

/** Our own, and one process's of each other. */
async function namespaceDirectories(proc: string): Promise<string[]> {
  const self = join(proc, 'self');
  const byNamespace = new Map<string, string>();
  const own = await readlink(join(self, 'ns/net')).catch(() => 'own');
  byNamespace.set(own, join(self, 'net'));
  for (const pid of (await readdir(proc)).filter((name) => /^\d+$/.test(name))) {
    const namespace = await readlink(join(proc, pid, 'ns/net')).catch(() => null);
    if (namespace !== null && !byNamespace.has(namespace)) byNamespace.set(namespace, join(proc, pid, 'net'));
  }
  return [...byNamespace.values()];
}

async function readBoth(directory: string): Promise<Socket[]> {
  const tables = await Promise.all(
    // A machine without IPv6 has one of them; a process that has just ended none.
    ['tcp', 'tcp6'].map((name) => readFile(join(directory, name), 'utf8').catch(() => '')),
  );
  return tables.flatMap(parseProcNet);
}
