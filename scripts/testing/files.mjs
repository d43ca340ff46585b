import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { root } from '../lib/root.mjs';
import { placesOfFiles } from './arguments.mjs';

const compiled = 'build/test';

/** Whether the caller's arguments for mocha say which tests to run. @param {string[]} args */
export function namesFiles(args) {
  return placesOfFiles(args).some((i) => isFile(args[i] ?? ''));
}

/** What to pass to mocha: the arguments, with compiled files in the place of their sources. @param {string[]} args */
export function mochaArguments(args) {
  const places = new Set(placesOfFiles(args));
  return args.map((arg, i) => (places.has(i) && isFile(arg) ? compiledName(arg) : arg));
}

/** @param {string} arg */
function isFile(arg) {
  return /^(\.\/)?(build\/)?test(\/|$)/.test(arg) || (/\.m?js$/.test(arg) && existsSync(resolve(root, arg)));
}

/** test/core/pool.test.ts → build/test/core/pool.test.js; a directory → every test in it. @param {string} path */
function compiledName(path) {
  const file = path
    .replace(/^\.\//, '')
    .replace(/^test(?=\/|$)/, compiled)
    .replace(/\.ts$/, '.js');
  const isDirectory = statSync(join(root, file), { throwIfNoEntry: false })?.isDirectory();
  return isDirectory ? `${file.replace(/\/$/, '')}/**/*.test.js` : file;
}

/** The compiler leaves its output in place when a source is deleted or renamed; such tests must not run. */
export function removeCompiledOrphans() {
  const directory = join(root, compiled);
  if (!existsSync(directory)) return;
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const output = /^(.+?)(\.js|\.js\.map|\.d\.ts)$/.exec(relative(directory, path));
    if (entry.isFile() && output && !existsSync(join(root, 'test', `${output[1]}.ts`))) rmSync(path);
  }
}
