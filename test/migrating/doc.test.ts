import assert from 'node:assert/strict';
import { rowsUnder, tables } from './rows.js';

/** The headings that the other files of this folder test row by row. */
const TESTED = ['From DBUtils', 'From SQLAlchemy and Django', "From mysql2's pool"];

describe('docs/migrating.md', () => {
  it('every table is tested row by row', () => {
    assert.deepEqual(tables(), TESTED);
  });

  it('rows are read under their own heading, without titles', () => {
    const table = (row: string) => `\n| theirs | ours |\n|---|---|\n| ${row} | x |\n`;
    const text = `# All\n\n## A\n${table('`a`')}\n## B\n\nText.\n${table('`b=1`, c')}`;
    assert.deepEqual([rowsUnder('A', text), rowsUnder('B', text)], [['`a`'], ['`b=1`, c']]);
    assert.deepEqual(tables(text), ['A', 'B']);
  });
});
