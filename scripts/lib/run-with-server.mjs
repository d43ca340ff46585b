import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ensureServer } from '../database/ensure-server.mjs';
import { noServerMessage } from '../database/help.mjs';
import { setup } from '../setup.mjs';
import { Interrupted, watchInterrupts } from './interrupts.mjs';
import { root } from './root.mjs';

/**
 * Sets up what the program needs, a database server included, runs it, and ends this process with its exit code.
 *
 * @param {string} program a compiled file: exports `parseArguments(args)`, which gives options or an exit code, and
 *   `main(options, signal)`, which gives an exit code
 * @param {string[]} [projects] what has to be built for it besides the packages
 */
export async function runWithServer(program, projects = ['examples', 'test']) {
  const signal = watchInterrupts();
  // Without process.exit(), work that was interrupted half way would be finished first.
  process.exit(await run(program, projects, signal).catch((error) => report(error, signal)));
}

/** @param {string} program @param {string[]} projects @param {AbortSignal} signal @returns {Promise<number>} */
async function run(program, projects, signal) {
  await setup({ projects, signal });
  const { main, parseArguments } = await import(pathToFileURL(join(root, program)).href);
  const options = parseArguments(process.argv.slice(2));
  if (typeof options === 'number') return options;
  // Not somebody's server, nor one in a container: it is frozen, killed and restarted, by its process id.
  const { found, reason } = await ensureServer({ log: console.log, signal });
  if (!found) throw new Error(noServerMessage(reason));
  return main(options, signal);
}

/** @param {any} error @param {AbortSignal} signal @returns {number} */
function report(error, signal) {
  const interrupted = [error, error.cause, signal.reason].find((one) => one instanceof Interrupted);
  if (interrupted) return interrupted.exitCode;
  console.error(error.message);
  return 1;
}
