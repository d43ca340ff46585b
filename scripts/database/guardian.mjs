/**
 * A small process that outlives its parent just long enough to clean up after it.
 *
 * It holds at most one child process (a database server), one temporary directory and one last command. It runs in a
 * session of its own, so that a Ctrl-C or a signal to the parent's whole process group does not reach it, and reads one
 * JSON request per line from its standard input. The parent holds the other end of that pipe: when it closes, the parent
 * is gone, however it died, and everything held here goes too.
 */
import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** How long a process may take to end after SIGTERM, and how long we wait for the kernel after SIGKILL. */
const patienceMs = 10_000;
const lastCommandMs = 30_000;

/** @type {string | undefined} */
let directory;
/** @type {{ process: import('node:child_process').ChildProcess, exited: Promise<void>, gentle: boolean } | undefined} */
let held;
/** @type {{ command: string, args: string[], env?: Record<string, string> } | undefined} */
let lastCommand;
/** @type {Promise<string | undefined> | undefined} */
let cleaning;

/** Each of its threads stops when it hears of it. Where the system does not show them, at once. @param {number} pid */
async function stopped(pid) {
  const tasks = `/proc/${pid}/task`;
  if (!existsSync(tasks)) return;
  const isStopped = (/** @type {string} */ task) =>
    /\) [Tt] /.test(readFileSync(`${tasks}/${task}/stat`, 'utf8'));
  for (let attempt = 0; attempt < 500; attempt++) {
    try {
      if (readdirSync(tasks).every(isStopped)) return;
    } catch {
      // A thread, or the process, has ended meanwhile.
      if (!existsSync(tasks)) return;
    }
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** @type {Record<string, (request: any) => unknown>} */
const actions = {
  makeDirectory() {
    directory = mkdtempSync(join(tmpdir(), 'handback-'));
    return directory;
  },
  spawn: hold,
  async signal({ signal }) {
    held?.process.kill(signal);
    if (signal === 'SIGKILL') await held?.exited;
    if (signal === 'SIGSTOP' && held?.process.pid) await stopped(held.process.pid);
  },
  end: endGently,
  setLastCommand(request) {
    lastCommand = request.lastCommand;
  },
};

/**
 * @param {{ command: string, args: string[], env?: Record<string, string>, stdin?: string, log: string,
 *   gentle?: boolean }} request `gentle`: at the end this process is asked with SIGTERM before it is killed.
 * @returns {Promise<number>} its process id
 */
function hold({ command, args, env, stdin, log, gentle = false }) {
  const input = stdin === undefined ? 'ignore' : openSync(stdin, 'r');
  const output = openSync(log, 'a', 0o600);
  const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: [input, output, output] });
  closeSync(output);
  if (input !== 'ignore') closeSync(input);
  const exited = new Promise((resolve) => {
    child.once('exit', (code, signal) => {
      if (held?.process === child) held = undefined;
      send({ event: 'exit', pid: child.pid, code, signal });
      resolve(undefined);
    });
  });
  if (child.pid !== undefined) held = { process: child, exited, gentle }; // at once: the parent may die any time
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('spawn', () => resolve(/** @type {number} */ (child.pid)));
  });
}

async function endGently() {
  if (!held) return;
  const { process: child, exited } = held;
  child.kill('SIGCONT'); // a stopped process would never see the SIGTERM
  child.kill('SIGTERM');
  if (!(await within(patienceMs, exited))) child.kill('SIGKILL');
  await within(patienceMs, exited);
}

/** Ends and removes everything held, once. @returns what the last command had to complain about */
function cleanUp() {
  cleaning ??= (async () => {
    if (held?.gentle) await endGently();
    if (held) {
      held.process.kill('SIGKILL'); // also ends a process that SIGSTOP has stopped
      await within(patienceMs, held.exited);
    }
    if (directory) await rm(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
    return lastCommand && runLastCommand(lastCommand);
  })();
  return cleaning;
}

/** @param {NonNullable<typeof lastCommand>} request @returns {Promise<string | undefined>} */
function runLastCommand({ command, args, env }) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'ignore', 'pipe'],
      timeout: lastCommandMs,
    });
    let complaint = '';
    child.stderr.on('data', (chunk) => {
      complaint += chunk;
    });
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code) => resolve(code === 0 ? undefined : complaint.trim() || `${command} failed`));
  });
}

/** @param {number} ms @param {Promise<unknown>} promise @returns {Promise<boolean>} whether it settled in time */
async function within(ms, promise) {
  /** @type {NodeJS.Timeout | undefined} */
  let timer;
  const late = new Promise((resolve) => {
    timer = setTimeout(resolve, ms, false);
  });
  const inTime = await Promise.race([promise.then(() => true), late]);
  clearTimeout(timer);
  return inTime;
}

/** @param {object} message @param {() => void} [written] */
function send(message, written) {
  process.stdout.write(`${JSON.stringify(message)}\n`, written);
}

/** @param {{ id: number, action: string }} request */
async function answer(request) {
  const { id, action } = request;
  try {
    if (action === 'stop') {
      const result = await cleanUp();
      send({ id, result }, () => process.exit());
    } else if (!cleaning) {
      send({ id, result: await actions[action]?.(request) });
    }
  } catch (error) {
    send({ id, error: error instanceof Error ? error.message : String(error) });
  }
}

async function leave() {
  await cleanUp().catch(() => {});
  process.exit();
}

process.stdout.on('error', () => {}); // the parent is gone: nobody listens
process.on('SIGINT', () => {});
process.on('SIGHUP', () => {});
process.on('SIGTERM', leave);
process.on('uncaughtException', leave);
process.on('unhandledRejection', leave);

createInterface({ input: process.stdin })
  .on('line', (line) => answer(JSON.parse(line)))
  .on('close', leave);
