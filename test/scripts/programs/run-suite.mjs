/** What `npm test` does once everything is built, for one file of tests and without a database. */
import { runMocha } from '../../../scripts/testing/run-mocha.mjs';
import { exitCodeFor, printSummary } from '../../../scripts/testing/summary.mjs';

const counts = await runMocha({ args: process.argv.slice(2) });
printSummary(counts);
process.exitCode = exitCodeFor(counts);
