import { getDatabase } from '../database/index.mjs';
import { unlessInterrupted } from '../lib/interrupts.mjs';
import { mochaArguments, namesFiles, removeCompiledOrphans } from './files.mjs';
import { runMocha } from './run-mocha.mjs';
import { shownLater } from './shown-later.mjs';

const compiled = 'build/test';
const all = `${compiled}/**/*.test.js`;
/** Half of the work. */
const half = ['adapter', 'cli', 'contract', 'examples', 'scripts'].map(
  (directory) => `${compiled}/${directory}/**/*.test.js`,
);
/** They look at how long something takes while a server or a network fails. Whoever computes beside them disturbs that. */
const alone = [
  `${compiled}/chaos/**/*.test.js`,
  ...['failover', 'latency', 'many-processes', 'outages', 'outages-frozen', 'outages-network'].map(
    (name) => `${compiled}/server/${name}.test.js`,
  ),
];

/** @typedef {import('./run-mocha.mjs').Counts} Counts */
/** @typedef {{ args: string[], signal: AbortSignal } & Pick<Parameters<typeof runMocha>[0], 'node' | 'stdout'>} Options */

/** Those that the arguments name, else all there are. @param {Options} options @returns {Promise<Counts>} */
export async function runTests({ args, ...options }) {
  removeCompiledOrphans();
  return namesFiles(args) ? runShare({ args, ...options }) : runAll({ args, ...options });
}

/**
 * Most tests wait more than they compute, so that two shares of them run at once, each with a server of its own. What
 * watches the clock under faults comes behind them, alone.
 *
 * @param {Options} options
 */
async function runAll({ args, ...options }) {
  const theOthers = [all, ...[...half, ...alone].flatMap((files) => ['--ignore', files])];
  const oneShare = () =>
    shownLater('The contract, examples, command line', (stdout) =>
      runShare({ ...options, args: [...args, ...half], stdout }),
    );
  const otherShare = () => runShare({ ...options, args: [...args, ...theOthers] });
  const shares = await (haveOneServer() ? oneByOne : atOnce)([otherShare, oneShare]);
  return total([...shares, await runShare({ ...options, args: [...args, ...alone] })]);
}

/** Somebody else's server, whose global variables two runs would change under one another. */
function haveOneServer() {
  return Boolean(process.env.HANDBACK_DATABASE_URL);
}

/** @param {(() => Promise<Counts>)[]} runs */
async function oneByOne(runs) {
  const results = [];
  for (const run of runs) results.push(await run());
  return results;
}

/** @param {(() => Promise<Counts>)[]} runs */
function atOnce(runs) {
  return Promise.all(runs.map((run) => run()));
}

/** @param {Counts[]} results @returns {Counts} */
function total(results) {
  const sum = { passed: 0, failed: 0, skipped: 0 };
  for (const result of results) {
    sum.passed += result.passed;
    sum.failed += result.failed;
    sum.skipped += result.skipped;
  }
  return sum;
}

/** @type {Promise<unknown>} */
let lastDatabase = Promise.resolve();

/** One after the other: the first may have to install the server. @param {AbortSignal} signal */
function nextDatabase(signal) {
  const database = lastDatabase.then(() => getDatabase({ purpose: 'test', signal }));
  lastDatabase = database.catch(() => {});
  return database;
}

/** Runs compiled tests against a database of their own. @param {Options} options */
async function runShare({ args, signal, ...how }) {
  const database = await unlessInterrupted(nextDatabase(signal), signal);
  try {
    const env = { ...process.env, HANDBACK_TEST_DATABASE_URL: database.url };
    return await runMocha({ args: mochaArguments(args), env, signal, ...how });
  } finally {
    await database.close();
  }
}
