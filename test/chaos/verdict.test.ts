import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Evidence, Look } from './evidence.js';
import type { Invariant } from './types.js';
import { allInvariants, failures, judge, merge, twiceInARow } from './verdict.js';

const nothing: Evidence = { violations: [], violationCounts: {}, checks: {}, looks: [] };
const look = (invariant: Invariant, beyond: boolean): Look => ({ invariant, beyond, detail: `${beyond}` });
const checkedOnce = Object.fromEntries(allInvariants.map((invariant) => [invariant, 1]));

const anInvariant = fc.constantFrom(...allInvariants);
const someEvidence: fc.Arbitrary<Evidence> = fc.record({
  violations: fc.array(fc.record({ invariant: anInvariant, detail: fc.string() }), { maxLength: 5 }),
  violationCounts: fc.constant({}),
  checks: fc.dictionary(anInvariant, fc.nat(5)),
  looks: fc.array(fc.record({ invariant: anInvariant, beyond: fc.boolean(), detail: fc.string() })),
});

describe('the verdict of a chaos run', () => {
  it('finds nothing observed without evidence, and that is a failure for each invariant', () => {
    const verdict = judge(nothing);
    assert.ok(allInvariants.every((invariant) => verdict[invariant].outcome === 'not observed'));
    assert.equal(failures(verdict).length, allInvariants.length);
    assert.deepEqual(failures(verdict, []), []);
  });

  it('is ok where an invariant was looked at and never violated', () => {
    const verdict = judge({ ...nothing, checks: checkedOnce });
    assert.deepEqual(failures(verdict), []);
    assert.equal(verdict.I1.outcome, 'ok');
  });

  it('tolerates not one violation, whoever counts the looks', () => {
    fc.assert(
      fc.property(someEvidence, anInvariant, (evidence, invariant) => {
        const one = { invariant, detail: 'seen' };
        const verdict = judge({ ...evidence, violations: [...evidence.violations, one] });
        assert.equal(verdict[invariant].outcome, 'violated');
        assert.ok(failures(verdict, []).some((failure) => failure.invariant === invariant));
      }),
    );
  });

  it('counts the violations whose details were not kept', () => {
    const evidence = {
      ...nothing,
      violations: [{ invariant: 'I2', detail: 'first' } as const],
      violationCounts: { I2: 6853 },
    };
    assert.deepEqual(judge(evidence).I2, { outcome: 'violated', count: 6853, checks: 0, details: ['first'] });
  });

  for (const invariant of ['I8', 'I9', 'I14'] as const) {
    it(`forgives ${invariant} once, and not twice in a row`, () => {
      const judged = (...beyond: boolean[]) =>
        judge({ ...nothing, looks: beyond.map((one) => look(invariant, one)) })[invariant].outcome;
      assert.equal(judged(false, true, false), 'ok');
      assert.equal(judged(true, false, true), 'ok');
      assert.equal(judged(false, true, true), 'violated');
    });
  }

  it('forgives no other invariant a look beyond the limit', () => {
    for (const invariant of allInvariants) {
      const expected = ['I8', 'I9', 'I14'].includes(invariant) ? 'ok' : 'violated';
      assert.equal(judge({ ...nothing, looks: [look(invariant, true)] })[invariant].outcome, expected);
    }
  });

  it('finds in a row what has a neighbour, whatever other invariants were looked at in between', () => {
    const looks = [look('I8', true), look('I9', true), look('I8', true), look('I9', false)];
    const verdict = judge({ ...nothing, looks });
    assert.equal(verdict.I8.outcome, 'violated');
    assert.equal(verdict.I9.outcome, 'ok');
  });

  it('forgives a sequence exactly when it has no two beyond the limit beside each other', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean()), (beyond) => {
        const text = beyond.map((one) => (one ? 'x' : '.')).join('');
        assert.equal(twiceInARow(beyond.map((one) => look('I9', one))).length > 0, text.includes('xx'));
      }),
    );
  });

  it('of several runs is never better than that of the worst', () => {
    fc.assert(
      fc.property(fc.array(someEvidence, { minLength: 1, maxLength: 4 }), (all) => {
        const verdicts = all.map(judge);
        const merged = merge(verdicts);
        for (const invariant of allInvariants) {
          const outcomes = verdicts.map((verdict) => verdict[invariant].outcome);
          assert.equal(merged[invariant].outcome === 'violated', outcomes.includes('violated'));
          const notObserved = outcomes.every((outcome) => outcome === 'not observed');
          assert.equal(merged[invariant].outcome === 'not observed', notObserved);
        }
      }),
    );
  });
});
