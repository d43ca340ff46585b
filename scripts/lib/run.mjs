import { spawn } from 'node:child_process';
import { excerpt } from './excerpt.mjs';

/**
 * Runs a command to its end and keeps its output to itself, unless it fails: then the end of the output is in the error.
 *
 * @param {string} command
 * @param {string[]} args
 * @param {{ env?: NodeJS.ProcessEnv, cwd?: string, signal?: AbortSignal | undefined, timeoutMs?: number, lines?: number,
 *   shell?: boolean }} [options] `lines`: how much of the output to show of a command that failed
 * @returns {Promise<string>} its output
 */
export function run(command, args, { env, cwd, signal, timeoutMs, lines, shell = false } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      env: env ?? process.env,
      cwd,
      signal,
      timeout: timeoutMs,
      shell,
      stdio: ['ignore', 'pipe', 'pipe'],
      windowsHide: true,
    });
    let output = '';
    const keep = (/** @type {Buffer} */ chunk) => {
      output += chunk;
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.once('error', reject);
    child.once('close', (code, killedBy) => {
      if (code === 0) resolve(output);
      else
        reject(
          new CommandFailed([command, ...args], killedBy ?? `exit code ${code}`, excerpt(output, lines)),
        );
    });
  });
}

export class CommandFailed extends Error {
  /** @param {string[]} command @param {string} how @param {string} output */
  constructor(command, how, output) {
    super(`\`${command.join(' ')}\` failed (${how}):\n${output}`);
    this.name = 'CommandFailed';
    this.output = output;
  }
}
