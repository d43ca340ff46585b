import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { root } from '../lib/root.mjs';

const mocha = join(root, 'node_modules/mocha/bin/mocha.js');
const reporter = fileURLToPath(new URL('./reporter.mjs', import.meta.url));

/** Behind the reporter's own: Node may also hang while it exits, with a socket that it never closes. */
const lastDeadlineMs = 30_000;

/**
 * @typedef {{ passed: number, failed: number, skipped: number }} Counts
 */

/**
 * Runs mocha in a process of its own, so that a test that ends the process, or eats all memory, is counted too.
 *
 * @param {{ args: string[], env?: NodeJS.ProcessEnv, signal?: AbortSignal | undefined,
 *   stdout?: 'inherit' | 'ignore' | number, node?: string }} options `stdout` may be an open file;
 *   `node`: the Node to run them with, if not ours
 * @returns {Promise<Counts>}
 */
export function runMocha({ args, env = process.env, signal, stdout = 'inherit', node = process.execPath }) {
  const counts = { passed: 0, failed: 0, skipped: 0, ended: 0 };
  const child = spawn(node, [mocha, '--reporter', reporter, ...args], {
    cwd: root,
    env,
    signal,
    stdio: ['inherit', stdout, stdout, 'ipc'],
  });
  child.on('message', (what) => {
    counts[/** @type {keyof typeof counts} */ (what)] += 1;
    if (what === 'ended') setTimeout(() => child.kill('SIGKILL'), lastDeadlineMs).unref();
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, killedBy) => {
      if (signal?.aborted) return; // somebody ended it on purpose, and the error above says so
      const { ended, ...result } = counts;
      const early = ended === 0;
      if (early || (code !== 0 && result.failed === 0)) {
        console.error(
          `The tests ${early ? 'did not reach their end' : 'failed'}: ${killedBy ?? `exit code ${code}`}`,
        );
        result.failed += 1;
      }
      resolve(result);
    });
  });
}
