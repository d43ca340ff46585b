import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './root.mjs';

/**
 * Without this, an old Node fails later and with a message about anything else.
 *
 * @param {string} [running]
 */
export function checkNodeVersion(running = process.versions.node) {
  const { engines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const needed = engines.node.replace(/^>=/, '');
  if (isOlder(running, needed)) {
    throw new Error(`This needs Node.js ${needed} or newer and runs on ${running}: please update Node.js.`);
  }
}

/** @param {string} version @param {string} than */
function isOlder(version, than) {
  const [a, b] = [version, than].map((text) => text.split('.').map(Number));
  const difference = [0, 1, 2].map((i) => (a?.[i] ?? 0) - (b?.[i] ?? 0)).find((part) => part !== 0);
  return difference !== undefined && difference < 0;
}
