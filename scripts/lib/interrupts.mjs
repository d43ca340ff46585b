import { readFileSync } from 'node:fs';
import { constants } from 'node:os';

const signals = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']);

/**
 * npm passes a Ctrl-C on to its script, which the terminal has told already: the same one arrives twice. Only what comes
 * later than this is somebody losing patience.
 */
const sameInterruptMs = 500;
const npmCheckMs = 200;

/**
 * Turns a Ctrl-C, a SIGTERM, or the end of the npm that runs us into one AbortSignal. A second Ctrl-C ends this process
 * at once; what it held is then cleaned up by the guardians (see ../database/guardian.mjs).
 */
export function watchInterrupts() {
  const controller = new AbortController();
  let firstAt = 0;
  const interrupt = (/** @type {typeof signals[number]} */ name) => {
    if (!controller.signal.aborted) {
      firstAt = performance.now();
      controller.abort(new Interrupted(name));
    } else if (performance.now() - firstAt > sameInterruptMs) {
      process.exit(exitCodeOf(name));
    }
  };
  for (const name of signals) process.on(name, interrupt);
  watchNpm(() => interrupt('SIGTERM'));
  return controller.signal;
}

export class Interrupted extends Error {
  /** @param {typeof signals[number]} signal */
  constructor(signal) {
    super(`interrupted by ${signal}`);
    this.name = 'Interrupted';
    this.signal = signal;
    this.exitCode = exitCodeOf(signal);
  }
}

/** @param {NodeJS.Signals} signal */
export function exitCodeOf(signal) {
  return 128 + constants.signals[signal];
}

/**
 * npm starts us with a shell in between. Many shells die of a SIGTERM without passing it on, and nobody passes on a
 * SIGKILL, so both npm and the shell are watched.
 *
 * @param {() => void} gone
 */
function watchNpm(gone) {
  if (!process.env.npm_lifecycle_event) return;
  const shell = process.ppid;
  const npm = parentOf(shell);
  const timer = setInterval(() => {
    if (process.ppid === shell && parentOf(shell) === npm) return;
    clearInterval(timer);
    gone();
  }, npmCheckMs);
  timer.unref();
}

/** @param {number} pid @returns {number | undefined} known on Linux only */
function parentOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')')).split(' ')[2]); // "pid (name) state parent …"
  } catch {
    return undefined;
  }
}

/**
 * The promise, or the interruption if that comes first.
 *
 * @template T
 * @param {Promise<T>} promise @param {AbortSignal} signal @returns {Promise<T>}
 */
export function unlessInterrupted(promise, signal) {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
