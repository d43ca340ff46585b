import { getDatabase } from '../database/index.mjs';
import { unlessInterrupted } from '../lib/interrupts.mjs';
import { mochaArguments, removeCompiledOrphans } from './files.mjs';
import { runMocha } from './run-mocha.mjs';

/**
 * Runs the compiled tests against a database of their own.
 *
 * @param {{ args: string[], signal: AbortSignal, node?: string }} options `node`: the Node to run them with, if not ours
 * @returns {Promise<import('./run-mocha.mjs').Counts>}
 */
export async function runTests({ args, signal, node }) {
  removeCompiledOrphans();
  const database = await unlessInterrupted(getDatabase({ purpose: 'test', signal }), signal);
  try {
    const env = { ...process.env, HANDBACK_TEST_DATABASE_URL: database.url };
    return await runMocha({ args: mochaArguments(args), env, signal, ...(node && { node }) });
  } finally {
    await database.close();
  }
}
