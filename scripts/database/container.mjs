import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { excerpt } from '../lib/excerpt.mjs';
import { run } from '../lib/run.mjs';
import { waitForGreeting } from './greeting.mjs';
import { Guardian } from './guardian-client.mjs';

const image = 'mariadb:11';
const host = '127.0.0.1';
const startDeadlineMs = 300_000; // the image may have to be downloaded first

/** Is there a container engine that answers? */
export function hasContainerEngine() {
  return run('docker', ['info'], { timeoutMs: 5_000 }).then(
    () => true,
    () => false,
  );
}

/**
 * A server in a container. `docker run` stays in the foreground, so that it is a process like any other for the guardian;
 * `docker rm` is for the case that it had to be killed.
 *
 * @returns {Promise<{ url: string, close(): Promise<void> }>}
 */
export async function startContainer() {
  const name = `handback-${randomBytes(6).toString('hex')}`;
  const password = randomBytes(12).toString('hex');
  const guardian = new Guardian();
  try {
    const log = join(await guardian.makeDirectory(), 'container.log');
    await guardian.setLastCommand({ command: 'docker', args: ['rm', '--force', name] });
    const port = await launch(guardian, { name, password, log });
    return { url: `mysql://root:${password}@${host}:${port}/`, close: () => stop(guardian) };
  } catch (error) {
    await stop(guardian).catch(() => {}); // the first error is the one to show
    throw error;
  }
}

/** A container that was told to end is gone before `docker rm`, which some versions call a failure. */
async function stop(/** @type {Guardian} */ guardian) {
  await guardian.stop().catch((error) => {
    if (!/no such container/i.test(error.message)) throw error;
  });
}

/**
 * @param {Guardian} guardian
 * @param {{ name: string, password: string, log: string }} container
 * @returns {Promise<number>} the port at which the server answers
 */
async function launch(guardian, { name, password, log }) {
  const stopWaiting = new AbortController();
  const exit = guardian.nextExit();
  const args = [
    'run',
    '--rm',
    '--name',
    name,
    '--publish',
    `${host}::3306`,
    '--env',
    'MARIADB_ROOT_PASSWORD',
    image,
  ];
  const failed = () => {
    throw new Error(`docker ${args.join(' ')} failed:\n${excerpt(readFileSync(log, 'utf8'))}`);
  };
  try {
    // The password travels in the environment: an argument could be read by every user of this machine.
    await guardian.spawn({
      command: 'docker',
      args,
      env: { MARIADB_ROOT_PASSWORD: password },
      log,
      gentle: true,
    });
    return await Promise.race([answeringPort(name, stopWaiting.signal), exit.promise.then(failed)]);
  } finally {
    exit.forget();
    stopWaiting.abort();
  }
}

/** @param {string} name @param {AbortSignal} signal */
async function answeringPort(name, signal) {
  const deadline = performance.now() + startDeadlineMs;
  for (;;) {
    const published = await run('docker', ['port', name, '3306/tcp'], { signal }).catch(() => '');
    const port = Number(/:(\d+)\s*$/m.exec(published)?.[1]);
    if (port) {
      await waitForGreeting({ host, port, deadlineMs: deadline - performance.now(), signal });
      return port;
    }
    if (performance.now() > deadline) throw new Error(`the container ${image} did not start in time`);
    await delay(250, undefined, { signal });
  }
}
