import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/**
 * The parent's side of guardian.mjs.
 *
 * @typedef {{ event: 'exit', pid: number, code: number | null, signal: string | null }} ExitEvent
 * @typedef {{ command: string, args: string[], env?: Record<string, string>, stdin?: string, log: string,
 *   gentle?: boolean }} SpawnRequest
 * @typedef {{ command: string, args: string[], env?: Record<string, string> }} LastCommand
 */
export class Guardian {
  #child = spawn(process.execPath, [fileURLToPath(new URL('./guardian.mjs', import.meta.url))], {
    detached: true,
    stdio: ['pipe', 'pipe', 'ignore'],
    windowsHide: true,
    env: { ...process.env, NODE_OPTIONS: '' }, // an --inspect or --import meant for us is not meant for it
  });
  #gone = new Promise((resolve) => this.#child.once('exit', resolve));
  #nextId = 1;
  /** @type {Map<number, { resolve: (result: any) => void, reject: (error: Error) => void }>} */
  #pending = new Map();
  /** @type {Set<(event: ExitEvent) => void>} */
  #exitListeners = new Set();
  #stopping = false;

  /** @param {() => void} onLost runs when the guardian dies before it was told to stop: now the caller must clean up. */
  constructor(onLost = () => {}) {
    createInterface({ input: this.#child.stdout }).on('line', (line) => this.#receive(JSON.parse(line)));
    this.#child.stdin.on('error', () => {}); // its death is handled in one place, below
    this.#child.once('error', (error) => this.#rejectAll(error));
    this.#child.once('exit', () => {
      this.#rejectAll(new Error('the process that guards the database has died'));
      if (!this.#stopping) onLost();
    });
    this.#keepAlive();
  }

  /** @returns {Promise<string>} a temporary directory that goes when the guardian does */
  makeDirectory() {
    return this.#request('makeDirectory');
  }

  /** @param {SpawnRequest} request @returns {Promise<number>} the process id */
  spawn(request) {
    return this.#request('spawn', request);
  }

  /** Spawns and waits for the end. @param {SpawnRequest} request @returns {Promise<ExitEvent>} */
  async run(request) {
    const exited = this.nextExit();
    await this.spawn(request);
    return exited.promise;
  }

  /** With SIGKILL it resolves when the process is gone, with any other signal when it is sent. @param {string} signal */
  signal(signal) {
    return this.#request('signal', { signal });
  }

  /** Ends the held process: SIGTERM, and SIGKILL if that takes too long. */
  end() {
    return this.#request('end');
  }

  /** What to run after everything else is cleaned up. @param {LastCommand | undefined} lastCommand */
  setLastCommand(lastCommand) {
    return this.#request('setLastCommand', { lastCommand });
  }

  /** The next end of a held process. `forget` when it is no longer of interest. */
  nextExit() {
    /** @type {(event: ExitEvent) => void} */
    let listener = () => {};
    const forget = () => {
      this.#exitListeners.delete(listener);
      this.#keepAlive();
    };
    /** @type {Promise<ExitEvent>} */
    const promise = new Promise((resolve) => {
      listener = (event) => {
        forget();
        resolve(event);
      };
    });
    this.#exitListeners.add(listener);
    this.#keepAlive();
    return { promise, forget };
  }

  /** Cleans everything up and ends the guardian. */
  async stop() {
    if (this.#stopping) return void (await this.#gone);
    this.#stopping = true;
    const complaint = await this.#request('stop');
    this.#child.ref();
    await this.#gone;
    if (complaint) throw new Error(complaint);
  }

  /** @param {string} action @param {object} [details] @returns {Promise<any>} */
  #request(action, details) {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) {
      return Promise.reject(new Error('the process that guards the database has died'));
    }
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      this.#keepAlive();
      this.#child.stdin.write(`${JSON.stringify({ id, action, ...details })}\n`);
    });
  }

  /** @param {ExitEvent | { id: number, result?: unknown, error?: string }} message */
  #receive(message) {
    if ('event' in message) {
      for (const listener of [...this.#exitListeners]) listener(message);
      return;
    }
    const waiting = this.#pending.get(message.id);
    this.#pending.delete(message.id);
    this.#keepAlive();
    if (message.error === undefined) waiting?.resolve(message.result);
    else waiting?.reject(new Error(message.error));
  }

  /** @param {Error} error */
  #rejectAll(error) {
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
  }

  /** Only what somebody waits for keeps this process running: a forgotten server must not. */
  #keepAlive() {
    const verb = this.#pending.size + this.#exitListeners.size > 0 ? 'ref' : 'unref';
    this.#child[verb]();
    for (const pipe of [this.#child.stdin, this.#child.stdout]) /** @type {any} */ (pipe)[verb]();
  }
}
