import assert from 'node:assert/strict';
import { bestPeer, isMet } from '#bench/figure.js';
import { exitCodeOf } from '#bench/verdict.js';
import { documentOf, figure } from './figures.js';

describe('npm run bench: met or missed', () => {
  const missed = figure({ handback: 1.8 });
  const failed = figure({ handback: Number.NaN });

  it('meets a target at its very limit', () => {
    assert.ok(isMet(figure({ handback: 1.7 })));
    assert.ok(isMet(figure({ handback: 0.95, target: { atLeast: 0.95 } })));
    assert.ok(!isMet(missed));
    assert.ok(!isMet(figure({ handback: 0.94, target: { atLeast: 0.95 } })));
  });

  it('misses what could not be measured, with or without a target', () => {
    assert.ok(!isMet(failed));
    assert.ok(!isMet(figure({ handback: Number.NaN, target: { atLeast: 0 } })));
    const { target: _, ...without } = failed;
    assert.ok(!isMet(without));
  });

  it('ends with 1 for a missed target only when asked to check', () => {
    assert.equal(exitCodeOf(documentOf([figure(), missed]), false), 0);
    assert.equal(exitCodeOf(documentOf([figure(), missed]), true), 1);
    assert.equal(exitCodeOf(documentOf([figure()]), true), 0);
  });

  it('ends with 1 when something broke, asked or not', () => {
    assert.equal(exitCodeOf(documentOf([figure(), failed]), false), 1);
    assert.equal(exitCodeOf(documentOf([figure()], 'no server'), false), 1);
    assert.equal(exitCodeOf(documentOf([figure({ row: null, handback: Number.NaN })]), false), 1);
  });

  it('compares with the peer that comes closest to the target', () => {
    const peers = { a: 0.3, b: Number.NaN, c: 0.9 };
    assert.deepEqual(bestPeer(figure({ peers })), ['a', 0.3]);
    assert.deepEqual(bestPeer(figure({ peers, target: { atLeast: 0.9 } })), ['c', 0.9]);
    assert.equal(bestPeer(figure({ peers: { b: Number.NaN } })), undefined);
  });
});
