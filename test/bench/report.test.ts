import assert from 'node:assert/strict';
import { fromJson, toJson } from '#bench/report/document.js';
import { shortText, withTable } from '#bench/report/readme.js';
import { furtherTable, notes, rowsTable } from '#bench/report/table.js';
import { pageText } from '#bench/report/text.js';
import { targetText, valueText } from '#bench/report/values.js';
import { documentOf, figure } from './figures.js';

describe('npm run bench: what is shown', () => {
  it('shows each row with the best peer, the others, the target and the verdict', () => {
    const relative = figure({ relativeTo: 'the floor', range: [1.4, 1.62] });
    const [, , line] = rowsTable([relative]).split('\n');
    assert.equal(
      line,
      '| 1 | some metric (x of the floor) | 1.50x (1.40x to 1.62x) | quick 1.80x | slow 9x, middling 4x | <= 1.70x | met |',
    );
  });

  it('keeps what is missed, and what failed, in sight', () => {
    const missed = figure({ handback: 2, row: 2 });
    const failed = figure({ handback: Number.NaN, row: 1, peers: { other: Number.NaN } });
    const [, , first, second] = rowsTable([missed, failed, figure({ row: null })]).split('\n');
    assert.equal(first, '| 1 | some metric | failed | – | other failed | <= 1.70x | **missed** |');
    assert.match(second ?? '', /\| 2x \|.*\*\*missed\*\* \|$/);
  });

  it('shows what has no target in a table of its own, and notes below', () => {
    const further = figure({ row: null, metric: 'a | b', note: 'with care' });
    assert.match(
      furtherTable([figure(), further]),
      /\| a \\\| b \| 1\.50x \| slow 9x, quick 1\.80x, middling 4x \|$/,
    );
    assert.equal(furtherTable([figure()]), '');
    assert.equal(notes([figure(), further]), '- a | b: with care');
  });

  it('writes values with as many digits as they deserve', () => {
    const texts = [
      valueText(0.123, 'share'),
      valueText(12.34, 'ns'),
      valueText(1234567, 'B'),
      valueText(0, 'count'),
      valueText(Number.POSITIVE_INFINITY, 'ms'),
      targetText(figure({ target: { atMost: 0, atLeast: 0 }, unit: 'count' })),
    ];
    assert.deepEqual(texts, ['0.12', '12.3 ns', '1 234 567 B', '0', '∞ ms', '= 0']);
  });

  it('keeps what could not be measured through JSON', () => {
    const document = documentOf([figure({ handback: Number.NaN, peers: { a: Number.POSITIVE_INFINITY } })]);
    assert.deepEqual(fromJson(toJson(document)), document);
  });

  it('names the versions, the machine, the command, the date and the plots on its page', () => {
    const page = pageText(documentOf([figure()], 'it broke'));
    for (const fact of [
      'mysql2 3.0.0',
      'some CPU',
      'some server 1.2',
      'Node 20.19.0',
      '`npm run bench`',
      '2026-01-31',
      '![A burst](burst.svg)',
      'it broke',
    ])
      assert.ok(page.includes(fact), fact);
  });

  it('writes the short table between two marks of the README, again and again', () => {
    const readme = 'before\n<!-- bench:start -->\nold\n<!-- bench:end -->\nafter\n';
    const document = documentOf([
      figure(),
      figure({ handback: 9 }),
      figure({ row: null, metric: 'further' }),
    ]);
    const written = withTable(readme, document);
    assert.equal(withTable(written, document), written);
    assert.match(written, /^before\n<!-- bench:start -->\n[\s\S]*\n<!-- bench:end -->\nafter\n$/);
    assert.ok(!written.includes('old') && !written.includes('further'));
    assert.match(shortText(document), /on 2026-01-31: 1 of 2 targets met/);
    assert.throws(() => withTable('no marks', document), /bench:start/);
  });
});
