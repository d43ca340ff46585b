import { strict as assert } from 'node:assert';
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { within } from '@handback/contract/support/eventually.js';

/** A program in test/scripts/programs, in a process group of its own. mocha runs in the root of the repository. */
export function startProgram(name: string, args: string[] = [], options: SpawnOptions = {}): ChildProcess {
  return spawn(process.execPath, [`test/scripts/programs/${name}`, ...args], {
    detached: true,
    stdio: ['ignore', 'pipe', 'ignore'],
    ...options,
  });
}

/** The JSON that the program prints as its first line. */
export async function firstLine<T>(program: ChildProcess): Promise<T> {
  assert.ok(program.stdout);
  const lines = createInterface({ input: program.stdout });
  const [line] = await within(50_000, 'the first line of a program', once(lines, 'line'));
  return JSON.parse(line);
}

export interface Result {
  code: number | null;
  stdout: string;
  stderr: string;
}

export async function runNode(args: string[], env: Record<string, string> = {}): Promise<Result> {
  const child = spawn(process.execPath, args, { env: { ...process.env, ...env } });
  const result: Result = { code: null, stdout: '', stderr: '' };
  child.stdout.on('data', (chunk) => {
    result.stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    result.stderr += chunk;
  });
  [result.code] = await within(50_000, `node ${args.join(' ')}`, once(child, 'close'));
  return result;
}

/** Does the process run? One that has ended and that nobody has asked for its exit code does not. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  const stat = `/proc/${pid}/stat`;
  return !existsSync(stat) || !/\) Z /.test(readFileSync(stat, 'utf8'));
}
