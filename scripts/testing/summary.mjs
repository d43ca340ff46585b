/** The last lines of a run, for people and for programs: the very last one is always `N passed, N failed`. */

/** @param {import('./run-mocha.mjs').Counts} counts @param {(line: string) => void} [log] */
export function printSummary({ passed, failed, skipped }, log = console.log) {
  if (passed + failed === 0) log('No test ran.');
  if (skipped > 0) log(`${skipped} skipped`);
  log(`${passed} passed, ${failed} failed`);
}

/** @param {import('./run-mocha.mjs').Counts} counts */
export function exitCodeFor({ passed, failed }) {
  return failed > 0 || passed === 0 ? 1 : 0;
}
