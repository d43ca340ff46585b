import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { withTable } from '#bench/report/readme.js';
import { lastSaved, save } from '#bench/report/save.js';
import { pageText } from '#bench/report/text.js';
import { documentOf, figure } from './figures.js';

describe('npm run bench: what is saved', () => {
  const readme = readFileSync('README.md', 'utf8');

  it('is what the README shows, to the letter; as long as nothing is, the README claims nothing', () => {
    const saved = lastSaved();
    if (saved) assert.equal(withTable(readme, saved), readme);
    else assert.match(readme, /<!-- bench:start -->\s*<!-- bench:end -->/);
  });

  it('is what the page of the results shows, with the plots beside it', () => {
    const saved = lastSaved();
    const page = 'bench/results/latest.md';
    if (!saved) return assert.ok(!existsSync(page));
    assert.equal(readFileSync(page, 'utf8'), pageText(saved));
    for (const { file } of saved.parts.flatMap((part) => part.plots))
      assert.ok(existsSync(`bench/results/${file}`));
  });

  it('goes into a document, a page, a drawing per plot and the README', () => {
    const directory = mkdtempSync(join(tmpdir(), 'handback-bench-'));
    try {
      const file = join(directory, 'README.md');
      writeFileSync(file, readme);
      const document = documentOf([figure({ handback: Number.NaN })]);
      const axis = { label: 'some' };
      const plot = { file: 'burst', title: 'A burst', x: axis, y: axis, series: [] };
      const files = save(document, [plot], { directory, readme: file });
      assert.deepEqual(
        files.map((one) => one.slice(directory.length + 1)),
        ['2026-01-31.json', 'latest.md', 'burst.svg', 'README.md'],
      );
      assert.deepEqual(lastSaved(directory), document);
      assert.equal(readFileSync(file, 'utf8'), withTable(readme, document));
      save({ ...document, date: '2025-12-31' }, [], { directory, readme: file });
      assert.equal(lastSaved(directory)?.date, '2026-01-31');
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it('is nothing where nothing ever was', () => {
    assert.equal(lastSaved(join(tmpdir(), 'handback-bench-none')), undefined);
  });
});
