import assert from 'node:assert/strict';
import { ratiosByTurn, ratiosToFirst } from '#bench/http/ratios.js';

describe('npm run bench: how much dearer one is than another', () => {
  const measured = (name: string, turnsUs: number[][]) => ({
    name,
    turnsUs,
    cpuUs: turnsUs.map((turns) => turns.reduce((sum, us) => sum + us, 0) / turns.length),
    perSecond: [],
    acquired: null,
  });
  // In the second round the machine was half as fast; once something else happened in the middle of a turn.
  const base = measured('base', [
    [10, 10, 10],
    [20, 20, 20],
  ]);
  const other = measured('other', [
    [11, 11, 41],
    [22, 22, 22],
  ]);

  it('is the median of the ratio within each round', () => {
    const [ratio] = ratiosToFirst([base, other]);
    assert.equal(ratio?.name, 'other');
    assert.deepEqual(ratio?.rounds, [2.1, 1.1]);
    assert.equal(ratio?.median, 1.6);
    assert.deepEqual(ratio?.range, [1.1, 2.1]);
  });

  it('by turns: one that was disturbed does not count', () =>
    assert.deepEqual(ratiosByTurn([base, other])[0]?.rounds, [1.1, 1.1]));

  it('is nothing without anything to compare', () => {
    assert.deepEqual(ratiosToFirst([]), []);
    assert.deepEqual(ratiosToFirst([base]), []);
  });
});
