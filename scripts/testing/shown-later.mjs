import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../lib/root.mjs';

/**
 * For runs that go on at the same time: what one of them says is kept in a file and shown when it is over.
 *
 * @template T @param {string} title @param {(stdout: number) => Promise<T>} work @returns {Promise<T>}
 */
export async function shownLater(title, work) {
  mkdirSync(join(root, 'build'), { recursive: true });
  const output = join(root, 'build', `${title.toLowerCase().replaceAll(/[^a-z0-9.]+/g, '-')}.txt`);
  const stdout = openSync(output, 'w');
  try {
    return await work(stdout);
  } finally {
    closeSync(stdout);
    console.log(`\n${title}:\n${readFileSync(output, 'utf8')}`);
  }
}
