import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { cp, mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { excerpt } from '../lib/excerpt.mjs';
import { commonArguments } from './server-arguments.mjs';

const cache = fileURLToPath(new URL('../../node_modules/.cache/handback/', import.meta.url));
const abandonedAfterMs = 600_000;

/**
 * Puts an empty, initialised data directory into `directory`/data. Making one takes MariaDB half a second and MySQL many,
 * so the first is kept as a template for later starts.
 *
 * @param {import('./find-server.mjs').ServerBinary} binary
 * @param {{ directory: string, guardian: import('./guardian-client.mjs').Guardian }} place
 */
export async function makeDataDirectory(binary, { directory, guardian }) {
  const data = join(directory, 'data');
  const template = join(cache, binary.key);
  if (existsSync(template)) return cp(template, data, { recursive: true });
  await initialise(binary, { directory, data, guardian });
  await keepAsTemplate(data, template);
}

/**
 * @param {import('./find-server.mjs').ServerBinary} binary
 * @param {{ directory: string, data: string, guardian: import('./guardian-client.mjs').Guardian }} place
 */
async function initialise(binary, { directory, data, guardian }) {
  const log = join(directory, 'initialise.log');
  const base = [...commonArguments(binary.product), `--datadir=${data}`];
  /** @type {import('./guardian-client.mjs').SpawnRequest} */
  const request = { command: binary.path, args: [...base, '--initialize-insecure'], log };
  if (binary.product === 'MariaDB') {
    await mkdir(data);
    const sql = join(directory, 'bootstrap.sql');
    await writeFile(sql, bootstrapSql(binary));
    request.args = [...base, '--bootstrap', '--max-allowed-packet=8M', '--enforce-storage-engine='];
    request.stdin = sql;
  }
  const { code } = await guardian.run(request);
  if (code === 0) return;
  throw new Error(`${binary.path} could not make an empty database:\n${excerpt(readFileSync(log, 'utf8'))}`);
}

/**
 * What mariadb-install-db feeds to its server. That script itself is not used: it needs a tool that distributions put into
 * another package, and it would be a second process for the guardian to end.
 *
 * @param {import('./find-server.mjs').ServerBinary} binary
 */
function bootstrapSql(binary) {
  const share = shareDirectory(binary);
  const read = (/** @type {string} */ name) => {
    const file = ['mariadb', 'mysql'].map((prefix) => join(share, `${prefix}_${name}.sql`)).find(existsSync);
    if (!file)
      throw new Error(`${share} has no ${name}.sql: the installation of ${binary.path} is incomplete`);
    return readFileSync(file, 'utf8');
  };
  const parts = ['system_tables', 'performance_tables', 'system_tables_data'].map(read);
  // Accounts for this machine's host name could never match: the server does not resolve names.
  const sql = parts.join('\n').replace(/^.*@current_hostname.*$/gm, '');
  return `CREATE DATABASE IF NOT EXISTS mysql;\nUSE mysql;\nSET @auth_root_socket=NULL;\n${sql}`;
}

/** @param {import('./find-server.mjs').ServerBinary} binary */
function shareDirectory(binary) {
  const prefix = dirname(dirname(realpathSync(binary.path)));
  const places = [prefix, '/usr', '/usr/local'].flatMap((base) => [
    join(base, 'share/mariadb'),
    join(base, 'share/mysql'),
    join(base, 'share'),
  ]);
  const found = places.find((place) =>
    ['mariadb', 'mysql'].some((name) => existsSync(join(place, `${name}_system_tables.sql`))),
  );
  if (!found) throw new Error(`found no system tables for ${binary.path}: its installation is incomplete`);
  return found;
}

/** Two processes may do this at the same time: each writes a copy of its own, and one of the renames wins. */
async function keepAsTemplate(/** @type {string} */ data, /** @type {string} */ template) {
  await mkdir(cache, { recursive: true });
  await removeAbandoned();
  const copy = join(cache, `unfinished-${randomUUID()}`);
  try {
    await cp(data, copy, { recursive: true });
    await rename(copy, template);
  } catch {
    await rm(copy, { recursive: true, force: true }); // somebody was quicker, or the disk is full: it is only a cache
  }
}

/** Copies whose writers were killed half way. */
async function removeAbandoned() {
  for (const name of await readdir(cache)) {
    if (!name.startsWith('unfinished-')) continue;
    const path = join(cache, name);
    const { mtimeMs } = await stat(path);
    if (Date.now() - mtimeMs > abandonedAfterMs) await rm(path, { recursive: true, force: true });
  }
}
