import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

/** Tests of one table of docs/migrating.md, each under the first cell of the row whose mapping it uses. */
export type RowTests = Readonly<Record<string, () => Promise<void> | void>>;

function read(): string {
  return readFileSync(new URL('../../../docs/migrating.md', import.meta.url), 'utf8');
}

/** First cells of the table under this heading, in order. */
export function rowsUnder(heading: string, text = read()): string[] {
  const [, section = ''] = text.split(`\n## ${heading}\n`);
  const [untilNext = ''] = section.split('\n## ');
  const lines = untilNext.split('\n').filter((line) => line.startsWith('|'));
  // The titles, and the line below them.
  return lines.slice(2).map((line) => line.split('|')[1]?.trim() ?? '');
}

/** Headings of the sections that hold a table. */
export function tables(text = read()): string[] {
  const sections = text.split('\n## ').slice(1);
  return sections
    .filter((section) => section.includes('\n|'))
    .map((section) => section.slice(0, section.indexOf('\n')));
}

/** Each row of the table is a test, and each test a row. */
export function testRows(heading: string, tests: RowTests): void {
  const rows = rowsUnder(heading);
  describe(`migrating: ${heading}`, () => {
    for (const row of rows)
      it(row, tests[row] ?? (() => assert.fail('this row of docs/migrating.md has no test')));

    it('every row is there once, and every test has its row', () => {
      assert.deepEqual([...rows].sort(), Object.keys(tests).sort());
    });
  });
}
