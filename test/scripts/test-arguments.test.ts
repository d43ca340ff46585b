import { strict as assert } from 'node:assert';
import { UsageError } from '#scripts/lib/read-arguments.mjs';
import { parseTestArguments, placesOfFiles } from '#scripts/testing/arguments.mjs';
import { runNode } from './processes.js';

describe('the arguments of npm test', () => {
  it('have help, before anything is installed or built', async () => {
    const { code, stdout, stderr } = await runNode(['scripts/test.mjs', '--help']);
    assert.deepEqual([code, stderr], [0, '']);
    assert.match(stdout, /^Usage: npm test \[-- test files/);
  });

  it('are refused by name where there is no such option', async () => {
    const { code, stdout, stderr } = await runNode(['scripts/test.mjs', '--gerp', 'drain']);
    assert.deepEqual([code, stdout], [2, '']);
    assert.match(stderr, /'--gerp'[\s\S]*--grep TEXT/);
  });

  for (const args of [['--watch'], ['--reporter', 'dot'], ['--timeout'], ['-g', 'a', '-q']]) {
    it(`are refused: ${args.join(' ')}`, () => {
      assert.throws(() => parseTestArguments(args), UsageError);
    });
  }

  for (const args of [
    [],
    ['test/core', '--grep', 'drain', '-i'],
    ['-bg', 'drain'],
    ['--no-diff', '--timeout=0', '-n', 'expose-gc', '-g', 'a', '-g', 'b'],
  ]) {
    it(`go to mocha as they are: ${args.join(' ')}`, () => {
      assert.equal(parseTestArguments(args), args);
    });
  }

  it('name files where they are no value of an option', () => {
    assert.deepEqual(placesOfFiles(['-g', 'test/core', 'test/a', '--ignore=test/b', '-b', 'test/c']), [2, 5]);
  });
});
