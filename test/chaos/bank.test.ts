import { strict as assert } from 'node:assert';
import { compare, wrongsOf } from './bank.js';
import { fateOf } from './load/tally.js';
import type { Fates } from './types.js';

const fates: Fates = { acknowledged: ['a', 'b'], failed: ['f'], unknown: ['u', 'v'] };

function wrongs(ledger: Record<string, number>, total = 100): string[] {
  const report = compare(fates, new Map(Object.entries(ledger)));
  return wrongsOf({ ...report, total, expectedTotal: 100 });
}

describe('what the ledger of a chaos run tells', () => {
  it('finds nothing wrong when what was acknowledged is there once and what failed is not', () => {
    assert.deepEqual(wrongs({ a: 1, b: 1 }), []);
  });

  it('counts unknown outcomes, and takes neither of them for wrong', () => {
    const { unknownThere, unknownMissing } = compare(fates, new Map(Object.entries({ a: 1, b: 1, u: 1 })));
    assert.deepEqual({ unknownThere, unknownMissing }, { unknownThere: 1, unknownMissing: 1 });
    assert.deepEqual(wrongs({ a: 1, b: 1, u: 1 }), []);
  });

  it('finds an acknowledged transfer that is missing', () => {
    assert.match(wrongs({ a: 1 }).join(), /1 acknowledged transfers are not in the ledger: b/);
  });

  it('finds transfers that were carried out twice, unknown ones among them', () => {
    assert.match(wrongs({ a: 2, b: 1, u: 3 }).join(), /2 transfers are in the ledger more than once: a, u/);
  });

  it('finds a transfer that was reported as failed and is there', () => {
    assert.match(wrongs({ a: 1, b: 1, f: 1 }).join(), /1 transfers were reported as failed .*: f/);
  });

  it('finds a line that nobody has asked for, and a total that has moved', () => {
    assert.match(wrongs({ a: 1, b: 1, x: 1 }).join(), /never asked for: x/);
    assert.match(wrongs({ a: 1, b: 1 }, 99).join(), /the total of the bank is 99 instead of 100/);
  });
});

describe('the fate of a transfer, as its client is told', () => {
  it('is known only by a whole answer that says it', () => {
    assert.equal(fateOf(200, undefined), 'acknowledged');
    assert.equal(fateOf(500, 'THROWN'), 'failed');
    assert.equal(fateOf(503, 'ACQUIRE_TIMEOUT'), 'failed');
    assert.equal(fateOf(500, 'OUTCOME_UNKNOWN'), 'unknown');
    assert.equal(fateOf(500, undefined), 'unknown');
  });
});
