import { readdir, readFile, readlink } from 'node:fs/promises';
import { basename, join } from 'node:path';

export interface Process {
  readonly pid: number;
  /** `node`, `php-fpm`, … */
  readonly name: string;
  /** The script that it runs, where it is one. */
  readonly script: string | undefined;
}

const SCRIPT = /\.(?:[mc]?[jt]s|py|rb|php|pl|jar)$/;

/** Which process has which socket, by inode; those that this account may not look into are left out. */
export async function ownersOf(inodes: ReadonlySet<string>, proc: string): Promise<Map<string, Process>> {
  const owners = new Map<string, Process>();
  if (inodes.size === 0) return owners;
  for (const pid of (await readdir(proc)).filter((name) => /^\d+$/.test(name))) {
    const held = (await socketsOf(join(proc, pid, 'fd'))).filter((inode) => inodes.has(inode));
    if (held.length === 0) continue;
    const process = await describe(proc, pid);
    // Several processes may share a socket after a fork: the first has opened it.
    for (const inode of held) if (!owners.has(inode)) owners.set(inode, process);
  }
  return owners;
}

async function socketsOf(directory: string): Promise<string[]> {
  const descriptors = await readdir(directory).catch(() => []);
  const links = await Promise.all(descriptors.map((name) => readlink(join(directory, name)).catch(() => '')));
  return links.flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []);
}

async function describe(proc: string, pid: string): Promise<Process> {
  const name = await readFile(join(proc, pid, 'comm'), 'utf8').catch(() => '');
  const line = await readFile(join(proc, pid, 'cmdline'), 'utf8').catch(() => '');
  // No other argument is shown: there may be a password in it.
  const script = line
    .split('\0')
    .slice(1)
    .find((argument) => SCRIPT.test(argument));
  return { pid: Number(pid), name: name.trim(), script: script === undefined ? undefined : basename(script) };
}
