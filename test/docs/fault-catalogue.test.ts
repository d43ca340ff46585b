import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';

const ROWS = 109;

interface Row {
  readonly number: number;
  readonly fault: string;
  readonly does: string;
  readonly shownBy: string;
  /** Test files, each with a part of a title in it. */
  readonly tests: readonly { readonly path: string; readonly title: string }[];
}

function readRows(text: string): Row[] {
  return text
    .split('\n')
    .filter((line) => /^\| \d+ \|/.test(line))
    .map((line) => {
      const [number = '', fault = '', does = '', shownBy = ''] = line.slice(2, -2).split(' | ');
      const tests = [...shownBy.matchAll(/`([^`]+)` “([^”]+)”/g)];
      return {
        number: Number(number),
        fault,
        does,
        shownBy,
        tests: tests.map(([, path = '', title = '']) => ({ path, title })),
      };
    });
}

/** Lines of code that hold it: a title may be a template. */
function hasTitle(path: string, title: string): boolean {
  const lines = readFileSync(path, 'utf8').split('\n');
  return lines.some((line) => line.includes(title) && !/^\s*(\*|\/\/|\/\*)/.test(line));
}

describe('docs/fault-catalogue.md', () => {
  const rows = readRows(readFileSync('docs/fault-catalogue.md', 'utf8'));

  it('has each fault once, in order', () => {
    assert.deepEqual(
      rows.map(({ number }) => number),
      Array.from({ length: ROWS }, (_, n) => n + 1),
    );
  });

  it('names tests that exist', () => {
    const wrong = rows.flatMap(({ number, tests }) =>
      tests
        .filter(({ path, title }) => !existsSync(path) || !hasTitle(path, title))
        .map(({ path, title }) => `${number}: ${path}: ${title}`),
    );
    assert.deepEqual(wrong, []);
  });

  it('names a test for each fault that something is said to be done about, and says of the others why not', () => {
    const silent = rows.filter(({ fault, does, shownBy, tests }) => {
      const isShown = tests.length > 0 && does !== '–';
      const isNot = tests.length === 0 && does === '–' && /^not shown: ./.test(shownBy);
      return fault === '' || !(isShown || isNot);
    });
    assert.deepEqual(silent, []);
  });

  it('reads every test that it names', () => {
    for (const { number, shownBy, tests } of rows) {
      assert.equal(tests.length, shownBy.split('.ts` ').length - 1, `row ${number}`);
    }
  });
});
