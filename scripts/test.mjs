/** `npm test [-- <mocha's arguments, or test files>]`: from a fresh checkout to the results. */
import { watchInterrupts } from './lib/interrupts.mjs';
import { setup } from './setup.mjs';
import { runTests } from './testing/run-tests.mjs';
import { exitCodeFor, printSummary } from './testing/summary.mjs';

const signal = watchInterrupts();

async function test() {
  await setup({ projects: ['examples', 'test'], signal });
  return runTests({ args: process.argv.slice(2), signal });
}

const counts = await test().catch((error) => {
  if (signal.aborted) process.exit(signal.reason.exitCode);
  console.error(error.message);
  return { passed: 0, failed: 1, skipped: 0 };
});
printSummary(counts);
process.exit(exitCodeFor(counts));
