/** What was not run in this process, for its last words: a skipped test in the middle of thousands is easily missed. */
const missed: string[] = [];

/** In a `before` hook: none of the suite's tests is run; in a test: it is not. Each counts as skipped, and the end of the output says why. */
export function skipLoudly(context: Mocha.Context, what: string, why: string): never {
  if (missed.length === 0) process.once('exit', () => console.error(`\n${missed.join('\n')}\n`));
  missed.push(`NOT RUN: ${what}: ${why}`);
  return context.skip();
}
