import assert from 'node:assert/strict';
import type { Outcome } from '#bench/measure/load.js';
import { goodput, sharesOf } from '#bench/overload/shares.js';

const answered = (at: number, took: number): Outcome => [at, took, 200];
const refused = (at: number, took: number): Outcome => [at, took, 503];
/** As the process of the clients reports it. */
const unanswered = (at: number): Outcome => [at, -1, 0];

describe('bench: shares of an overload', () => {
  // Ten could have been answered.
  const run = { capacity: 5, durationMs: 2_000 };

  it('counts what was answered in time, of what could have been', () => {
    const outcomes = [answered(0, 200), answered(1, 201), answered(2, 1_000), answered(3, 1_001)];
    const { withinSecond, within200Ms } = sharesOf({ ...run, outcomes });
    assert.deepEqual([withinSecond, within200Ms], [0.3, 0.1]);
  });

  it('takes neither a refusal nor silence for an answer', () => {
    const outcomes = [refused(0, 3), refused(1, 9), unanswered(2), unanswered(3)];
    assert.deepEqual(sharesOf({ ...run, outcomes }), {
      withinSecond: 0,
      within200Ms: 0,
      refused: 0.5,
      refusedAfterMs: 6,
      unanswered: 0.5,
    });
  });

  it('knows no time of refusals where there were none', () => {
    assert.equal(sharesOf({ ...run, outcomes: [answered(0, 1)] }).refusedAfterMs, Number.NaN);
  });

  it('over time: each slice by those that came in it', () => {
    const outcomes = [answered(0, 10), answered(999, 10), answered(1_000, 10), answered(1_500, 500)];
    const series = goodput('one', { ...run, outcomes }, { withinMs: 200, sliceMs: 1_000 });
    assert.deepEqual(series, {
      name: 'one',
      points: [
        [0.5, 0.4],
        [1.5, 0.2],
      ],
    });
  });
});
