import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { checkNodeVersion } from './lib/node-version.mjs';
import { root } from './lib/root.mjs';
import { run } from './lib/run.mjs';
import { step } from './lib/step.mjs';

/**
 * @typedef {{ projects?: string[], log?: (line: string) => void, signal?: AbortSignal | undefined }} SetupOptions
 *   `projects`: directories with a tsconfig.json to build besides the packages
 */

/**
 * Brings a checkout to the point where everything is installed and built. When nothing has changed since the last time it
 * takes well under a second.
 *
 * @param {SetupOptions} [options]
 */
export async function setup(options) {
  await ensureInstalled(options);
  await build(options);
}

/** @param {SetupOptions} [options] */
export async function ensureInstalled({ log, signal } = {}) {
  checkNodeVersion();
  if (!isInstalled()) await step('Installing the packages', () => install(signal), log);
}

/** @param {SetupOptions} [options] */
export async function build({ projects = [], log, signal } = {}) {
  const compiler = join(root, 'node_modules/typescript/bin/tsc');
  const compile = () =>
    run(process.execPath, [compiler, '-b', '.', ...projects], { cwd: root, signal, lines: 100 });
  await step('Building', compile, log);
}

/**
 * Is what package-lock.json asks for in node_modules? npm writes node_modules/.package-lock.json at the very end of an
 * installation, so this also sees one that was interrupted, and accepts one that somebody made by hand.
 */
function isInstalled() {
  const installedFile = join(root, 'node_modules/.package-lock.json');
  if (!existsSync(installedFile)) return false;
  const wanted = readPackages(join(root, 'package-lock.json'));
  const installed = readPackages(installedFile);
  return Object.entries(wanted).every(
    ([path, { optional, version }]) =>
      path === '' || optional || (path in installed && installed[path]?.version === version),
  );
}

/** @param {string} lockFile @returns {Record<string, { version?: string, optional?: boolean }>} */
function readPackages(lockFile) {
  return JSON.parse(readFileSync(lockFile, 'utf8')).packages;
}

/** @param {AbortSignal} [signal] */
function install(signal) {
  const args = [
    'ci',
    '--include=dev',
    '--prefer-offline',
    '--no-audit',
    '--no-fund',
    '--no-progress',
    '--loglevel=error',
  ];
  const options = { cwd: root, env: environmentForNpm(), signal };
  const npm = process.env.npm_execpath ?? '';
  // The npm that runs us, if it does: with another version of it in PATH, the lock file could be read differently.
  if (basename(npm) === 'npm-cli.js') return run(process.execPath, [npm, ...args], options);
  return run('npm', args, { ...options, shell: process.platform === 'win32' });
}

/**
 * npm hands its options to its scripts as npm_config_… variables. Where a setting like the registry comes from there, it
 * must stay; an option that was meant for `npm start` or `npm test` must not change what is installed.
 */
function environmentForNpm() {
  const meantForTheScript =
    /^npm_config_(workspaces?|include_workspace_root|dry_run|ignore_scripts|global|location|prefix|local_prefix|omit|only|production|json|package_lock|package_lock_only|node_options|script_shell|if_present)$/i;
  const kept = Object.entries(process.env).filter(([name]) => !meantForTheScript.test(name));
  return { ...Object.fromEntries(kept), NODE_ENV: 'development' };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  await setup({ projects: process.argv.slice(2) });
}
