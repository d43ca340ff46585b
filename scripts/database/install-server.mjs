import { readFileSync } from 'node:fs';
import { run } from '../lib/run.mjs';
import { step } from '../lib/step.mjs';

/** The second is for releases in which the first does not exist; it stands for whatever server that release prefers. */
const packages = ['mariadb-server-core', 'default-mysql-server-core'];

/** May and can we install a server without asking anybody? */
export function canInstallServer() {
  return process.getuid?.() === 0 && isDebian();
}

function isDebian() {
  try {
    const release = readFileSync('/etc/os-release', 'utf8');
    return /^ID(_LIKE)?=.*\b(debian|ubuntu)\b/m.test(release);
  } catch {
    return false;
  }
}

/**
 * Installs the server program alone: without the package that would also start it as a service.
 *
 * @param {{ log: (line: string) => void, signal?: AbortSignal | undefined }} options
 */
export async function installServer({ log, signal }) {
  log('There is no MariaDB or MySQL server here: installing mariadb-server-core with apt-get.');
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const install = (/** @type {string} */ name) =>
    run('apt-get', ['install', '-y', '--no-install-recommends', name], { env, signal });
  const update = () => run('apt-get', ['update'], { env, signal });
  const attempts = [
    () => install(packages[0] ?? ''),
    () => update().then(() => install(packages[0] ?? '')), // the package lists were missing or too old
    () => install(packages[1] ?? ''),
  ];
  await step('Installing a database server', () => firstSuccess(attempts), log);
}

/** @param {Array<() => Promise<unknown>>} attempts */
async function firstSuccess(attempts) {
  /** @type {unknown} */
  let lastError;
  for (const attempt of attempts) {
    try {
      return await attempt();
    } catch (error) {
      lastError = error;
    }
  }
  throw lastError;
}
