/** `npm start [-- express|koa|http|fastify]`: from a fresh checkout to a running demo, and nothing left behind afterwards. */
import { join } from 'node:path';
import { getDatabase } from './database/index.mjs';
import { assertPortIsFree, parseFramework, parsePort, usage } from './demo/arguments.mjs';
import { serve } from './demo/serve.mjs';
import { Interrupted, unlessInterrupted, watchInterrupts } from './lib/interrupts.mjs';
import { readArguments } from './lib/read-arguments.mjs';
import { root } from './lib/root.mjs';
import { run } from './lib/run.mjs';
import { step } from './lib/step.mjs';
import { setup } from './setup.mjs';

const compiled = join(root, 'examples/dist');

/** @param {string[]} args @returns {Promise<number>} the exit code */
async function start(args) {
  const framework = readArguments(args, parseFramework, usage);
  if (typeof framework === 'number') return framework;
  const port = parsePort(process.env.PORT);
  await assertPortIsFree(port, args);
  const signal = watchInterrupts();
  await setup({ projects: ['examples'], signal });
  const database = await unlessInterrupted(getDatabase({ purpose: 'demo', signal }), signal);
  try {
    const env = { ...process.env, DATABASE_URL: database.url, PORT: String(port) };
    const seed = join(compiled, 'shared/seed-cli.js');
    await step('Filling the database', () => run(process.execPath, [seed], { env, cwd: root, signal }));
    return await serve({ file: join(compiled, framework, 'server.js'), env, cwd: root, signal });
  } finally {
    await database.close();
  }
}

/** @param {any} error @returns {number} the exit code */
function report(error) {
  if (error instanceof Interrupted) return error.exitCode;
  if (error.name === 'AbortError' && error.cause instanceof Interrupted) return error.cause.exitCode;
  console.error(error.message);
  return 1;
}

// Without process.exit(), work that was interrupted half way would be finished first.
process.exit(await start(process.argv.slice(2)).catch(report));
