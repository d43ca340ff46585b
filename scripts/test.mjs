/** `npm test [-- <mocha's arguments, or test files>]`: from a fresh checkout to the results. */
import { watchInterrupts } from './lib/interrupts.mjs';
import { readArguments } from './lib/read-arguments.mjs';
import { setup } from './setup.mjs';
import { parseTestArguments, usage } from './testing/arguments.mjs';
import { runTests } from './testing/run-tests.mjs';
import { exitCodeFor, printSummary } from './testing/summary.mjs';

const args = readArguments(process.argv.slice(2), parseTestArguments, usage);
if (typeof args === 'number') process.exit(args);
const signal = watchInterrupts();

/** @param {string[]} args */
async function test(args) {
  await setup({ projects: ['examples', 'test'], signal });
  return runTests({ args, signal });
}

const counts = await test(args).catch((error) => {
  if (signal.aborted) process.exit(signal.reason.exitCode);
  console.error(error.message);
  return { passed: 0, failed: 1, skipped: 0 };
});
printSummary(counts);
process.exit(exitCodeFor(counts));
