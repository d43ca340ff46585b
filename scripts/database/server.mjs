import { randomBytes } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { excerpt } from '../lib/excerpt.mjs';
import { makeDataDirectory } from './data-directory.mjs';
import { findServer } from './find-server.mjs';
import { freePort } from './free-port.mjs';
import { waitForGreeting } from './greeting.mjs';
import { Guardian } from './guardian-client.mjs';
import { noServerMessage } from './help.mjs';
import { accountSql, runArguments } from './server-arguments.mjs';

const host = '127.0.0.1';
const user = 'handback';
const startDeadlineMs = 60_000;
const portAttempts = 5;

/**
 * A private MariaDB or MySQL server that leaves nothing behind, however this process ends.
 *
 * @param {import('./index.d.mts').ServerOptions} [options]
 * @returns {Promise<import('./index.d.mts').ThrowawayServer>}
 */
export async function startServer({ args = [], port } = {}) {
  const binary = await findServer();
  if (!binary) throw new Error(noServerMessage());
  const server = new Server(binary, args);
  try {
    await server.prepare();
    await server.launch(port);
    return server;
  } catch (error) {
    await server.stop();
    throw error;
  }
}

/** @typedef {import('./index.d.mts').ThrowawayServer} ThrowawayServer @implements {ThrowawayServer} */
class Server {
  #guardian = new Guardian(() => this.#removeByHand());
  #binary;
  #args;
  #directory = '';
  /** @type {string | undefined} */
  #initFile;
  host = host;
  user = user;
  password = randomBytes(12).toString('hex');
  port = 0;
  pid = 0;
  version = '';

  /** @param {import('./find-server.mjs').ServerBinary} binary @param {string[]} args */
  constructor(binary, args) {
    this.#binary = binary;
    this.#args = args;
  }

  get url() {
    return `mysql://${user}:${this.password}@${host}:${this.port}/`;
  }

  get dataDir() {
    return join(this.#directory, 'data');
  }

  get socketPath() {
    return join(this.#directory, 'server.sock');
  }

  /** Everything a start needs except the port. */
  async prepare() {
    this.#directory = await this.#guardian.makeDirectory();
    this.#initFile = join(this.#directory, 'account.sql');
    writeFileSync(this.#initFile, accountSql(this), { mode: 0o600 });
    await makeDataDirectory(this.#binary, { directory: this.#directory, guardian: this.#guardian });
  }

  /** @param {number | undefined} wanted without it, any free port; somebody else may take that one before the server does */
  async launch(wanted) {
    for (let attempt = 1; ; attempt++) {
      this.port = wanted ?? (await freePort());
      try {
        await this.#run();
        break;
      } catch (error) {
        const unlucky =
          wanted === undefined && attempt < portAttempts && String(error).includes('already in use');
        if (!unlucky) throw error;
      }
    }
    this.#initFile = undefined; // the account exists now; a restart must not make it again
  }

  async #run() {
    const stopWaiting = new AbortController();
    const exit = this.#guardian.nextExit();
    try {
      const log = join(this.#directory, 'server.log');
      this.pid = await this.#guardian.spawn({ command: this.#binary.path, args: this.#runArguments(), log });
      const { signal } = stopWaiting;
      const ready = waitForGreeting({ host, port: this.port, deadlineMs: startDeadlineMs, signal });
      this.version = await Promise.race([ready, exit.promise.then(() => this.#failed(log))]);
    } finally {
      exit.forget();
      stopWaiting.abort();
    }
  }

  #runArguments() {
    return runArguments({
      product: this.#binary.product,
      directory: this.#directory,
      port: this.port,
      initFile: this.#initFile,
      args: this.#args,
    });
  }

  /** @param {string} log @returns {never} */
  #failed(log) {
    throw new Error(`${this.#binary.path} did not start:\n${excerpt(readFileSync(log, 'utf8'))}`);
  }

  /** @param {NodeJS.Signals} [signal] */
  async kill(signal = 'SIGKILL') {
    await this.#guardian.signal(signal);
  }

  async restart() {
    await this.#guardian.end();
    await this.#run();
  }

  async stop() {
    await this.#guardian.stop();
  }

  /** The guardian itself was killed. */
  #removeByHand() {
    try {
      if (this.pid) process.kill(this.pid, 'SIGKILL');
    } catch {
      // it is gone already
    }
    if (this.#directory) rmSync(this.#directory, { recursive: true, force: true, maxRetries: 10 });
  }
}
