import { strict as assert } from 'node:assert';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { eventually, within } from '@handback/contract/support/eventually.js';
import { skipLoudly } from '../support/skip-loudly.js';
import { isRunning, runNode } from './processes.js';

describe('npm run chaos', () => {
  it('refuses an option that it does not have, and shows those that there are', async () => {
    const { code, stderr } = await runNode(['scripts/chaos.mjs', '--minute', '3']);
    assert.equal(code, 2);
    assert.match(stderr, /--minute[\s\S]*--minutes N/);
  });

  it('says which option names a file that can not be written, before anything is started', async () => {
    const { code, stderr } = await runNode(['scripts/chaos.mjs', '--json', join(tmpdir(), 'no/such/folder')]);
    assert.equal(code, 1);
    assert.match(stderr, /--json: .*folder can't be written: ENOENT/);
  });

  it('prints its seed, ends when it is interrupted, and leaves no process behind', async function () {
    this.timeout(60_000);
    if (process.platform !== 'linux')
      skipLoudly(this, 'the interruption of npm run chaos', 'the list of processes is read as on Linux');
    const directory = mkdtempSync(join(tmpdir(), 'handback-chaos-test-'));
    try {
      const json = join(directory, 'results');
      const args = ['--seed', '7', '--minutes', '1', '--contender', 'handback', '--json', json];
      const child = spawn(process.execPath, ['scripts/chaos.mjs', ...args]);
      const lines: string[] = [];
      createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
      await eventually(() => assert.ok(lines.some((line) => / ok\/s /.test(line))), 30_000);
      const started = descendantsOf(child.pid ?? 0);
      const exit = once(child, 'exit');
      child.kill('SIGINT');
      assert.deepEqual(await within(20_000, 'the end of the run', exit), [130, null]);
      assert.match(lines.join('\n'), /seed 7; the same again: npm run chaos -- --minutes 1 --seed 7/);
      assert.ok(started.length >= 4, 'the app, its clients, the watcher and the server');
      await eventually(() => assert.deepEqual(started.filter(isRunning), []));
      assert.equal(JSON.parse(readFileSync(json, 'utf8').split('\n')[0] ?? '').seed, 7);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});

/** The processes that this one has started, and those have. */
function descendantsOf(pid: number): number[] {
  const all = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const children = all.map(Number).filter((other) => parentOf(other) === pid);
  return children.flatMap((child) => [child, ...descendantsOf(child)]);
}

function parentOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')')).split(' ')[2]);
  } catch {
    return undefined; // it has ended meanwhile
  }
}
