import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { root } from '../lib/root.mjs';

const compiled = 'build/test';
const takeAValue = new Set(['-g', '--grep', '-f', '--fgrep']);

/**
 * What to pass to mocha: the caller's arguments, with compiled files in the place of their sources, and all tests unless
 * the caller named some.
 *
 * @param {string[]} args
 */
export function mochaArguments(args) {
  let named = false;
  const result = args.map((arg, i) => {
    if (takeAValue.has(args[i - 1] ?? '') || !isFile(arg)) return arg;
    named = true;
    return compiledName(arg);
  });
  return named ? result : [...result, `${compiled}/**/*.test.js`];
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
