import { spawn } from 'node:child_process';
import { exitCodeOf } from '../lib/interrupts.mjs';

const exitWithParent = new URL('./exit-with-parent.mjs', import.meta.url).href;
const shutdownMs = 10_000;

/**
 * Runs the demo's server until it ends or is interrupted.
 *
 * @param {{ file: string, env: NodeJS.ProcessEnv, cwd: string, signal: AbortSignal }} options
 * @returns {Promise<number>} the exit code
 */
export function serve({ file, env, cwd, signal }) {
  const child = spawn(process.execPath, ['--import', exitWithParent, file], {
    env,
    cwd,
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    // Out of the terminal's reach: it hears of a Ctrl-C once, from us, and not two or three times.
    detached: process.platform !== 'win32',
  });
  return new Promise((resolve, reject) => {
    const shutDown = () => endWithin(child, shutdownMs);
    if (signal.aborted) shutDown();
    signal.addEventListener('abort', shutDown, { once: true });
    child.once('error', reject);
    child.once('exit', (code, killedBy) => {
      signal.removeEventListener('abort', shutDown);
      if (signal.aborted) return resolve(0);
      console.error('The demo has ended by itself.');
      resolve(killedBy ? exitCodeOf(killedBy) : (code ?? 1));
    });
  });
}

/** @param {import('node:child_process').ChildProcess} child @param {number} ms */
function endWithin(child, ms) {
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), ms);
  child.once('exit', () => clearTimeout(timer));
}
