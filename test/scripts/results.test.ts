import { strict as assert } from 'node:assert';
import { runNode } from './processes.js';

async function resultsOf(suite: string, ...args: string[]) {
  const program = 'test/scripts/programs/run-suite.mjs';
  const { code, stdout, stderr } = await runNode([program, `test/scripts/suites/${suite}`, ...args]);
  assert.ok(stdout.endsWith('\n'));
  return { code, lines: stdout.slice(0, -1).split('\n'), stderr };
}

describe('the results of npm test', () => {
  it('end with the counts, alone on the last line, and the skipped tests before it', async () => {
    const { code, lines } = await resultsOf('mixed.mjs');
    assert.deepEqual(lines.slice(-2), ['1 skipped', '2 passed, 1 failed']);
    assert.equal(code, 1);
  });

  it('say nothing of skipped tests when there are none', async () => {
    const { code, lines } = await resultsOf('passing.mjs');
    assert.equal(lines.at(-1), '1 passed, 0 failed');
    assert.ok(!lines.some((line) => line.includes('skipped')));
    assert.equal(code, 0);
  });

  it('say what was not run and why, after everything else that the tests print', async () => {
    const { code, lines, stderr } = await resultsOf('skipping.mjs');
    assert.deepEqual(lines.slice(-2), ['2 skipped', '1 passed, 0 failed']);
    assert.match(stderr, /\nNOT RUN: the moon: there is no rocket\n+$/);
    assert.equal(code, 0);
  });

  it('are a failure when no test ran', async () => {
    const { code, lines } = await resultsOf('passing.mjs', '--grep', 'no such test');
    assert.deepEqual(lines.slice(-2), ['No test ran.', '0 passed, 0 failed']);
    assert.equal(code, 1);
  });

  it('count a run that did not reach its end as failed', async () => {
    const { code, lines, stderr } = await resultsOf('exiting.mjs');
    assert.equal(lines.at(-1), '1 passed, 1 failed');
    assert.match(stderr, /did not reach their end: exit code 0/);
    assert.equal(code, 1);
  });

  it('count an unhandled rejection as failed, during a test and after the last one', async () => {
    const [during, after] = await Promise.all([resultsOf('rejecting.mjs'), resultsOf('rejecting-late.mjs')]);
    assert.equal(during.lines.at(-1), '0 passed, 1 failed');
    assert.equal(after.lines.at(-1), '1 passed, 1 failed');
    assert.deepEqual([during.code, after.code], [1, 1]);
  });
});
