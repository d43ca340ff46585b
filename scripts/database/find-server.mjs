import { execFile } from 'node:child_process';
import { accessSync, constants, realpathSync, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

const names = ['mariadbd', 'mysqld'];

/** Where servers are installed; most of these are not in an ordinary user's PATH. */
const usualDirectories = [
  '/usr/sbin',
  '/usr/local/sbin',
  '/usr/local/bin',
  '/sbin',
  '/usr/libexec',
  '/usr/local/mysql/bin',
  ...['/opt/homebrew', '/usr/local'].flatMap((prefix) => [
    `${prefix}/bin`,
    ...['mariadb', 'mysql'].map((formula) => `${prefix}/opt/${formula}/bin`),
  ]),
];

/**
 * @typedef {object} ServerBinary
 * @property {string} path
 * @property {'MariaDB' | 'MySQL'} product
 * @property {string} version what the server says of itself, in one line
 * @property {string} key differs between two servers whose data directories could differ
 */

/**
 * @param {{ path?: string | undefined, directories?: string[] }} [places]
 * @returns {Promise<ServerBinary | undefined>}
 */
export async function findServer({ path = process.env.PATH, directories = usualDirectories } = {}) {
  const places = [...(path ?? '').split(delimiter).filter(Boolean), ...directories];
  for (const name of names) {
    for (const place of places) {
      const file = join(place, name);
      if (isExecutable(file)) return describe(file);
    }
  }
  return undefined;
}

/** @param {string} file */
function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

/** @param {string} path @returns {Promise<ServerBinary>} */
async function describe(path) {
  const { stdout } = await promisify(execFile)(path, ['--no-defaults', '--version']);
  const product = /mariadb/i.test(stdout) ? 'MariaDB' : 'MySQL';
  const number = /Ver\s+(\S+)/.exec(stdout)?.[1] ?? 'unknown';
  const { size, mtimeMs } = statSync(realpathSync(path));
  const key = `${product}-${number}-${size.toString(36)}-${Math.round(mtimeMs).toString(36)}`.toLowerCase();
  return { path, product, version: stdout.trim(), key: key.replace(/[^a-z0-9.-]/g, '_') };
}
